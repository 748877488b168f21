use super::{Exit, LogFormat};
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command { List }
pub(super) fn run(_command: &Command, _format: LogFormat) -> Exit { Exit::Done }
