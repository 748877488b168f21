//! `jackfield capture` and `jackfield replay`: real batches with the state that they met, to look at a plugin without a pipeline.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;

use super::inspection::{Inspected, Problem, print};
use super::literal::printable;
use super::page::{OutputFormat, Page};
use super::quantity::{counted, moment};
use super::{Exit, LogFormat, pipelines, reload};
use crate::admin::{ReloadAnswer, ReloadRequest};
use crate::error::Code;
use crate::pipeline::reload::{self as captured, CapturedStage};
use crate::plugin::Runtime;

#[derive(Debug, Args)]
pub(super) struct Capture {
    #[command(flatten)]
    pipeline: Inspected,
    /// The file to write. It holds records as they are: only this user may read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Of this stage; of all stages if none is named.
    #[arg(long, value_name = "STAGE")]
    stage: Vec<String>,
    /// At most so many records in all, and no more than 256 MiB.
    #[arg(long, default_value_t = 1_000)]
    records: u64,
    /// For no longer than so many seconds, 60 at most.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// What `jackfield capture` has written.
    file: PathBuf,
    /// The plugin that is to work on it.
    #[arg(long, value_name = "FILE.wasm")]
    plugin: PathBuf,
    /// The stage whose batches they are; needed where the file holds several.
    #[arg(long)]
    stage: Option<String>,
    /// A file with its configuration in JSON; without one, that which was running.
    #[arg(long, value_name = "FILE.json")]
    configuration: Option<PathBuf>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn capture(arguments: &Capture, log: LogFormat) -> Exit {
    print(log, |page| {
        let process = arguments.pipeline.process(log)?;
        let to = std::path::absolute(&arguments.out)?;
        let wanted = ReloadRequest::Capture {
            stages: arguments.stage.clone(),
            records: arguments.records,
            within: arguments.seconds.saturating_mul(1_000),
            to: to.clone(),
        };
        let answer = reload::answer(&process, wanted)?;
        if let ReloadAnswer::Captured(stages) = answer {
            for (stage, records) in stages {
                let records = counted(records, "record", "records");
                page.line(format!("{}: {records}", printable(&stage)))?;
            }
            page.line(format!(
                "written to {}",
                printable(&to.display().to_string())
            ))?;
        }
        Ok(())
    })
}

pub(super) fn replay(arguments: &Replay, log: LogFormat) -> Exit {
    print(log, |page| {
        let capture = read(&arguments.file)?;
        let stage = stage(&capture, arguments.stage.as_deref())?;
        let runtime = Runtime::new(pipelines::code_cache())
            .map_err(|error| Problem::Other(Code::ENGINE_FAILED, error.to_string()))?;
        let component = runtime
            .load(&arguments.plugin)
            .map_err(|error| Problem::Other(error.code(), error.to_string()))?;
        let configuration = match &arguments.configuration {
            None => stage.configuration.clone(),
            Some(path) => fs::read_to_string(path).map_err(|error| failed(path, &error))?,
        };
        let comparison = stage
            .replay(&component, &configuration)
            .map_err(|error| Problem::Other(Code::CAPTURE, error.to_string()))?;
        match arguments.format {
            OutputFormat::Json => Ok(page.json(&comparison)?),
            OutputFormat::Text => {
                heading(&capture, stage, component.digest(), page)?;
                Ok(reload::compared(&comparison, page)?)
            }
        }
    })
}

fn heading(
    capture: &captured::Capture,
    stage: &CapturedStage,
    digest: &str,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    page.heading(&format!(
        "{}, stage {}, captured {}: plugin {} worked, {} works on it now",
        printable(&capture.pipeline),
        printable(&stage.name),
        moment(capture.taken_at),
        reload::short(&stage.digest),
        reload::short(digest)
    ))?;
    Ok(page.line("")?)
}

fn read(path: &Path) -> Result<captured::Capture, Problem> {
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    captured::Capture::read(BufReader::new(file)).map_err(|error| failed(path, &error))
}

fn stage<'a>(
    capture: &'a captured::Capture,
    name: Option<&str>,
) -> Result<&'a CapturedStage, Problem> {
    let names = || capture.stages.iter().map(|stage| stage.name.as_str());
    match (name, &capture.stages[..]) {
        (None, [stage]) => Ok(stage),
        (None, _) => {
            let names: Vec<_> = names().collect();
            let problem = format!("say by `--stage` which of {}", names.join(", "));
            Err(Problem::Other(Code::CAPTURE, problem))
        }
        (Some(name), stages) => stages
            .iter()
            .find(|stage| stage.name == name)
            .ok_or_else(|| Problem::not_found("stage", name, names().collect::<Vec<_>>())),
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::Other(Code::CAPTURE, format!("{}: {error}", path.display()))
}
