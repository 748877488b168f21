//! `jackfield reload` and `jackfield rollback`: another version of a pipeline is taken in by the process that runs it.

mod text;

pub(super) use text::{compared, short, told};

use clap::Args;

use super::inspection::{Inspected, Problem, Process, print};
use super::page::{OutputFormat, Page};
use super::{Exit, LogFormat, report};
use crate::admin::{self, ReloadAnswer, ReloadRequest};
use crate::error::Code;
use crate::pipeline::reload::{Report, Step};
use crate::reload::{Acceptance, Preview};

#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    pipeline: Inspected,
    /// Say what would happen, and do nothing.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    pipeline: Inspected,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
struct Asked {
    /// Wait until it is done, refused or rolled back.
    #[arg(long)]
    wait: bool,
    /// What stages remember that are gone, and the positions of sources that are gone, may be forgotten.
    #[arg(long)]
    accept_state_loss: bool,
    /// Plugins may be allowed more than now.
    #[arg(long)]
    accept_grants: bool,
    /// Unfinished jobs that stand at a savepoint, or come to one, go on under the new version; without this they end on the one that they began with.
    #[arg(long)]
    migrate_jobs: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

impl Asked {
    fn acceptance(&self) -> Acceptance {
        Acceptance {
            state_loss: self.accept_state_loss,
            grants: self.accept_grants,
            migrate_jobs: self.migrate_jobs,
        }
    }
}

pub(super) fn reload(arguments: &Reload, log: LogFormat) -> Exit {
    let acceptance = arguments.asked.acceptance();
    let wanted = match arguments.plan {
        true => ReloadRequest::Preview(acceptance),
        false => ReloadRequest::Reload(acceptance),
    };
    ask(&arguments.pipeline, &arguments.asked, wanted, log)
}

pub(super) fn roll_back(arguments: &Rollback, log: LogFormat) -> Exit {
    let wanted = ReloadRequest::RollBack(arguments.asked.acceptance());
    ask(&arguments.pipeline, &arguments.asked, wanted, log)
}

fn ask(pipeline: &Inspected, asked: &Asked, wanted: ReloadRequest, log: LogFormat) -> Exit {
    let mut exit = Exit::Done;
    let printed = print(log, |page| {
        exit = perform(pipeline, asked, wanted, log, page)?;
        Ok(())
    });
    match printed {
        Exit::Done => exit,
        failed => failed,
    }
}

fn perform(
    pipeline: &Inspected,
    asked: &Asked,
    wanted: ReloadRequest,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<Exit, Problem> {
    let process = pipeline.process(log)?;
    match answer(&process, wanted)? {
        ReloadAnswer::Preview(preview) => show_preview(&preview, asked.format, log, page),
        ReloadAnswer::Begun(number) => {
            let report = follow(&process, number, asked.wait)?;
            show(report.as_ref(), number, (false, asked.format), log, page)
        }
        ReloadAnswer::LeftOff(number) => {
            let report = follow(&process, number, asked.wait)?;
            show(report.as_ref(), number, (true, asked.format), log, page)
        }
        ReloadAnswer::Captured(_) => Ok(Exit::Done),
        ReloadAnswer::Report(report) => {
            show(report.as_deref(), 0, (false, asked.format), log, page)
        }
    }
}

/// What the process says.
pub(super) fn answer(process: &Process, wanted: ReloadRequest) -> Result<ReloadAnswer, Problem> {
    admin::reload(&process.meeting, wanted)?.ok_or_else(|| process.absent())
}

/// Looks at a reload until it is over, if that is wanted.
fn follow(process: &Process, number: u64, wait: bool) -> Result<Option<Report>, Problem> {
    let mut step = Step::Preparing;
    loop {
        let ReloadAnswer::Report(report) = answer(process, ReloadRequest::Look(step))? else {
            return Ok(None);
        };
        let Some(report) = report.filter(|report| report.number == number) else {
            return Ok(None);
        };
        step = report.step;
        if step.is_over() || !wait {
            return Ok(Some(*report));
        }
    }
}

fn show_preview(
    preview: &Preview,
    format: OutputFormat,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<Exit, Problem> {
    match format {
        OutputFormat::Json => page.json(preview)?,
        OutputFormat::Text => text::preview(preview, page)?,
    }
    match &preview.refusal {
        None => Ok(Exit::Done),
        Some((code, problem)) => {
            page.flush()?;
            Ok(report(
                log,
                Code::of_id(code).unwrap_or(Code::RELOAD_MANIFEST),
                problem,
            ))
        }
    }
}

/// Shows how a reload fares. Whether that is what was asked for depends on whether it was to be left off.
fn show(
    found: Option<&Report>,
    number: u64,
    (is_left_off, format): (bool, OutputFormat),
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<Exit, Problem> {
    let Some(found) = found else {
        let problem = format!("the process has gone on to another reload than number {number}");
        return Err(Problem::Other(Code::RELOAD_BUSY, problem));
    };
    match format {
        OutputFormat::Json => page.json(found)?,
        OutputFormat::Text => text::report(found, page)?,
    }
    page.flush()?;
    Ok(match (found.step, &found.reason) {
        (Step::Done, _) if is_left_off => {
            let new = short(&found.new);
            let problem = format!("the version {new} had taken over before it could be left off");
            report(log, Code::RELOAD_DONE, &problem)
        }
        (Step::Refused | Step::RolledBack, Some(reason)) if !is_left_off => {
            report(log, Code::RELOAD_SENT_AWAY, reason)
        }
        _ => Exit::Done,
    })
}
