//! `jackfield status`: how a pipeline fares, asked of the process that runs it. Where none does, what its last checkpoint says.

mod at_rest;
mod rates;
mod text;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use self::rates::Rates;
use super::inspection::{Inspected, Problem, print};
use super::page::{OutputFormat, Page};
use super::{Exit, LogFormat};
use crate::admin::{self, Status};
use crate::checkpoint::StoreError;
use crate::error::Code;

/// Between two looks with `--watch`.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pipeline: Inspected,
    /// Look again every second, and say what happens in one, until the pipeline ends.
    #[arg(long)]
    watch: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(arguments: &Arguments, log: LogFormat) -> Exit {
    print(log, |page| match arguments.watch {
        true => watch(arguments, log, page),
        false => look_once(arguments, log, page),
    })
}

fn look_once(arguments: &Arguments, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let manifest = arguments.pipeline.manifest(log)?;
    match admin::status(&manifest.checkpoint.path.value)? {
        Some(status) => write(&status, arguments.format, page),
        None => write_at_rest(arguments, log, page),
    }
}

fn watch(arguments: &Arguments, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let manifest = arguments.pipeline.manifest(log)?;
    let database: &Path = &manifest.checkpoint.path.value;
    let mut rates = Rates::default();
    let mut looks = 0_u64;
    while let Some(mut status) = admin::status(database)? {
        rates.tell(&mut status, Instant::now());
        if arguments.format == OutputFormat::Text {
            page.begin_again(looks > 0)?;
        }
        looks += 1;
        write(&status, arguments.format, page)?;
        page.flush()?;
        thread::sleep(INTERVAL);
    }
    write_at_rest(arguments, log, page)
}

fn write(status: &Status, format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    match format {
        OutputFormat::Json => Ok(page.json(status)?),
        OutputFormat::Text => Ok(text::write(status, page)?),
    }
}

/// What the last checkpoint says, and that nobody goes on from it.
fn write_at_rest(
    arguments: &Arguments,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    let mut known = "it has no checkpoint";
    match arguments.pipeline.open(log) {
        Ok((manifest, store)) => {
            let name = manifest.pipeline.name.value.as_ref();
            if let Some(newest) = store.history(1)?.pop() {
                known = if newest.0.complete {
                    "all of its input was worked on"
                } else {
                    "it goes on from its last checkpoint when it is run again"
                };
                let status = at_rest::status(name, newest, store.path());
                write(&status, arguments.format, page)?;
            }
        }
        Err(Problem::Store(StoreError::Missing { .. })) => {}
        Err(problem) => return Err(problem),
    }
    page.flush()?;
    let problem = format!("no process runs the pipeline: {known}");
    Err(Problem::Other(Code::HOST_ABSENT, problem))
}
