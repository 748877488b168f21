//! Log lines on standard error. `JACKFIELD_LOG` says which, as in `JACKFIELD_LOG=debug`; `info` by default.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::LogFormat;

pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("JACKFIELD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
