//! `jackfield audit`: whether audit logs are what was written.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::inspection::{Inspected, Problem, print};
use super::page::{OutputFormat, Page};
use super::quantity::counted;
use super::{Exit, LogFormat};
use crate::audit::{self, Chain, Verified};
use crate::config::SinkKind;
use crate::error::Code;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Follow the chain of an audit log from its first record to its last.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The file that describes a pipeline, all of whose audit logs are compared with its last checkpoint; or the folder of a log.
    path: PathBuf,
    /// Put a value in the place of what the manifest says, as in the run that wrote the log.
    #[arg(long = "set", value_name = "PATH.TO.KEY=VALUE")]
    overrides: Vec<String>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// A log to be verified.
struct Log {
    name: String,
    folder: PathBuf,
    committed: Option<Chain>,
}

/// What is said of a log as JSON.
#[derive(Serialize)]
struct Found<'a> {
    log: &'a str,
    records: u64,
    files: u64,
    head: String,
    /// `null` where no checkpoint says which records were committed.
    uncommitted: Option<u64>,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    let Command::Verify(arguments) = command;
    print(log, |page| verify(arguments, log, page))
}

fn verify(arguments: &Verify, format: LogFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    let logs = if arguments.path.is_dir() {
        vec![Log {
            name: arguments.path.display().to_string(),
            folder: arguments.path.clone(),
            committed: None,
        }]
    } else {
        logs_of(&arguments.path, &arguments.overrides, format)?
    };
    for log in logs {
        let verified = audit::verify(&log.folder, log.committed).map_err(|breach| {
            Problem::Other(Code::AUDIT_BROKEN, format!("{}: {breach}", log.name))
        })?;
        show(&log, &verified, arguments.format, page)?;
    }
    Ok(())
}

/// The audit logs of a pipeline, with what its last checkpoint says of them.
fn logs_of(path: &Path, overrides: &[String], format: LogFormat) -> Result<Vec<Log>, Problem> {
    let inspected = Inspected::of(path, overrides);
    let (manifest, store) = inspected.open(format)?;
    let checkpoint = store.latest()?.unwrap_or_default();
    let logs = manifest.sinks.iter().filter_map(|sink| {
        let SinkKind::Audit(options) = &sink.kind else {
            return None;
        };
        let name = sink.name.value.to_string();
        let known = checkpoint.sinks.get(&name);
        // A sink that no checkpoint knows has committed nothing.
        let committed = known.map_or_else(|| Ok(Chain::default()), Chain::deserialize);
        Some(committed.map(|committed| Log {
            folder: options.folder.value.clone(),
            name: name.clone(),
            committed: Some(committed),
        }))
    });
    let logs = logs.collect::<Result<Vec<_>, _>>();
    let logs = logs.map_err(|error| {
        Problem::Other(
            Code::CHECKPOINT_MISMATCH,
            format!("what the last checkpoint says of an audit log cannot be used: {error}"),
        )
    })?;
    if logs.is_empty() {
        return Err(Problem::NotFound(
            "the pipeline has no sink of `type = \"audit\"`".to_owned(),
        ));
    }
    Ok(logs)
}

fn show(
    log: &Log,
    verified: &Verified,
    format: OutputFormat,
    page: &mut Page<'_>,
) -> Result<(), Problem> {
    let Verified {
        chain,
        files,
        uncommitted,
    } = verified;
    if format == OutputFormat::Json {
        return Ok(page.json(&Found {
            log: &log.name,
            records: chain.sequence,
            files: *files,
            head: chain.head.to_string(),
            uncommitted: log.committed.map(|_| *uncommitted),
        })?);
    }
    let beyond = match uncommitted {
        0 => String::new(),
        more => format!(", {more} of them not committed yet"),
    };
    Ok(page.line(format!(
        "{}: {} in {}{beyond}; the chain holds, its end is {}",
        log.name,
        counted(chain.sequence, "record", "records"),
        counted(*files, "file", "files"),
        chain.head
    ))?)
}
