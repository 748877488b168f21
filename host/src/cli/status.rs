//! `jackfield status`: how a pipeline fares, asked of the process that runs it. Where none does, what its last checkpoint says.

mod at_rest;
mod rates;
mod text;

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use self::rates::Rates;
use super::inspection::{Inspected, Problem, Process, print};
use super::page::{OutputFormat, Page};
use super::{Exit, LogFormat, pipelines};
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
    let process = arguments.pipeline.process(log)?;
    let statuses = admin::status(&process.meeting)?;
    if statuses.is_empty() {
        return write_at_rest(arguments, &process, log, page);
    }
    for status in &statuses {
        write(status, arguments.format, page)?;
    }
    Ok(())
}

fn watch(arguments: &Arguments, log: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let process = arguments.pipeline.process(log)?;
    let mut rates: BTreeMap<Option<u32>, Rates> = BTreeMap::new();
    let mut looks = 0_u64;
    loop {
        let statuses = admin::status(&process.meeting)?;
        if statuses.is_empty() {
            break;
        }
        if arguments.format == OutputFormat::Text {
            page.begin_again(looks > 0)?;
        }
        looks += 1;
        for mut status in statuses {
            let process = status.host.as_ref().map(|host| host.process);
            let rates = rates.entry(process).or_default();
            rates.tell(&mut status, Instant::now());
            write(&status, arguments.format, page)?;
        }
        page.flush()?;
        thread::sleep(INTERVAL);
    }
    write_at_rest(arguments, &process, log, page)
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
    process: &Process,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    if process.is_nameless() {
        return Err(process.absent());
    }
    let mut known = "it has no checkpoint";
    match arguments.pipeline.open(log) {
        Ok((manifest, store)) => {
            let name = manifest.pipeline.name.value.as_ref();
            if let Some(newest) = store.history(1)?.pop() {
                known = if newest.checkpoint.complete {
                    "all of its input was worked on"
                } else {
                    "it goes on from its last checkpoint when it is run again"
                };
                let location =
                    pipelines::location(&manifest.checkpoint, log).map_err(Problem::Reported)?;
                let status = at_rest::status(name, newest, location.database());
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
