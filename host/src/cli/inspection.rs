//! What the commands that look at a pipeline from outside share: they read its manifest and its checkpoints, load no plugin,
//! and disturb nothing. The pipeline may be running.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::page::Page;
use super::{Exit, LogFormat, Manifests, pipelines, report};
use crate::admin::{AdminError, Meeting};
use crate::checkpoint::{Location, Store, StoreError};
use crate::config::{ExchangeKind, Manifest, nearest};
use crate::connection::Services;
use crate::error::Code;

/// The pipeline that a command looks at.
#[derive(Clone, Debug, Args)]
pub(super) struct Inspected {
    /// The file that describes the pipeline. What asks the process that runs it can be given its control socket instead.
    manifest: PathBuf,
    /// Put a value in the place of what the manifest says, as in the run that is looked at.
    #[arg(long = "set", value_name = "PATH.TO.KEY=VALUE")]
    overrides: Vec<String>,
    /// This task, where several processes share the pipeline: each has checkpoints, state and dead letters of its own.
    #[arg(long)]
    task: Option<String>,
}

/// The process that runs a pipeline, and may not be there.
#[derive(Debug)]
pub(super) struct Process {
    /// The pipeline's name; unknown where all that is known is the socket.
    pipeline: Option<String>,
    pub(super) meeting: Meeting,
}

impl Process {
    /// The process that runs the pipeline of a manifest.
    pub(super) fn of(manifest: &Manifest, format: LogFormat) -> Result<Self, Problem> {
        let location =
            pipelines::location(&manifest.checkpoint, format).map_err(Problem::Reported)?;
        let name = &manifest.pipeline.name.value;
        Ok(Self {
            pipeline: Some(name.to_string()),
            meeting: location.meeting(name),
        })
    }

    /// Whether it is known by its socket alone.
    pub(super) fn is_nameless(&self) -> bool {
        self.pipeline.is_none()
    }

    /// Nobody has answered.
    pub(super) fn absent(&self) -> Problem {
        let nobody = format!("nobody answers at {}", self.meeting);
        let problem = match &self.pipeline {
            Some(name) => format!("no process runs the pipeline `{name}`: {nobody}"),
            None => nobody,
        };
        Problem::Other(Code::HOST_ABSENT, problem)
    }
}

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// It has been said already.
    #[error("the manifest is wrong")]
    Reported(Exit),
    /// The checkpoints cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// The process that runs the pipeline does not answer as it should.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The result cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// Something else, which has a code of its own.
    #[error("{1}")]
    Other(Code, String),
}

impl Problem {
    /// There is no `what` of that name; the nearest of those that there are is suggested.
    pub(super) fn not_found<'a>(
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let hint = match nearest(name, known.clone()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => {
                let known: Vec<String> =
                    known.into_iter().map(|name| format!("`{name}`")).collect();
                if known.is_empty() {
                    String::new()
                } else {
                    format!("; there is {}", known.join(", "))
                }
            }
        };
        Self::NotFound(format!("there is no {what} `{name}`{hint}"))
    }

    fn report(&self, format: LogFormat) -> Exit {
        match self {
            Self::Reported(exit) => *exit,
            // Whoever reads has seen enough, as in `jackfield dlq list … | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Output(_) => {
                report(format, Code::OUTPUT_UNWRITABLE, self);
                Exit::Failed
            }
            Self::Store(error) => report(format, error.code(), self),
            Self::Admin(error) => report(format, error.code(), self),
            Self::NotFound(_) => report(format, Code::NOT_FOUND, self),
            Self::Other(code, _) => report(format, *code, self),
        }
    }
}

impl Inspected {
    /// A pipeline of one task.
    pub(super) fn of(manifest: &Path, overrides: &[String]) -> Self {
        Self {
            manifest: manifest.to_owned(),
            overrides: overrides.to_vec(),
            task: None,
        }
    }

    /// Reads the manifest.
    pub(super) fn manifest(&self, format: LogFormat) -> Result<Manifest, Problem> {
        let manifests = Manifests {
            manifests: vec![self.manifest.clone()],
            overrides: self.overrides.clone(),
        };
        let mut read = pipelines::read(&manifests, format).map_err(Problem::Reported)?;
        // One manifest was asked for, so one was read.
        read.pop().ok_or(Problem::Reported(Exit::WrongManifest))
    }

    /// The process that runs the pipeline. Given its socket nothing is read, so that no mistake in a manifest stands between an operator and a process.
    pub(super) fn process(&self, format: LogFormat) -> Result<Process, Problem> {
        let kind = fs::metadata(&self.manifest).map(|known| known.file_type());
        if kind.is_ok_and(|kind| kind.is_socket()) {
            return Ok(Process {
                pipeline: None,
                meeting: Meeting::Socket(self.manifest.clone()),
            });
        }
        Process::of(&self.manifest(format)?, format)
    }

    /// Reads the manifest and opens the store of its pipeline, which may be running, to look at it.
    pub(super) fn open(&self, format: LogFormat) -> Result<(Manifest, Store), Problem> {
        self.open_by(format, Store::open_read_only)
    }

    /// Reads the manifest and opens the store of its pipeline, which must not be running, to change it.
    pub(super) fn open_to_change(&self, format: LogFormat) -> Result<(Manifest, Store), Problem> {
        self.open_by(format, Store::open)
    }

    fn open_by(
        &self,
        format: LogFormat,
        open: impl FnOnce(&Location, &str, Option<&str>, &Services) -> Result<Store, StoreError>,
    ) -> Result<(Manifest, Store), Problem> {
        let manifest = self.manifest(format)?;
        let name = manifest.pipeline.name.value.to_string();
        let location =
            pipelines::location(&manifest.checkpoint, format).map_err(Problem::Reported)?;
        if manifest.pipeline.exchange.kind.value == ExchangeKind::Kafka && self.task.is_none() {
            return Err(Problem::NotFound(format!(
                "each task of the pipeline `{name}` has checkpoints of its own: say which one by `--task`, such as `--task {}`",
                example_task(&manifest)
            )));
        }
        let services = Services::new()
            .map_err(|error| Problem::Other(Code::THREAD_FAILED, error.to_string()))?;
        let store = open(&location, &name, self.task.as_deref(), &services)?;
        Ok((manifest, store))
    }
}

/// The name of a task that the pipeline has.
fn example_task(manifest: &Manifest) -> String {
    let source = manifest.sources.first();
    source.map_or_else(String::new, |source| format!("{}-0", source.name.value))
}

/// Lets a command write its result to standard output.
pub(super) fn print(
    format: LogFormat,
    write: impl FnOnce(&mut Page<'_>) -> Result<(), Problem>,
) -> Exit {
    let mut page = Page::stdout();
    let written = write(&mut page).and_then(|()| Ok(page.flush()?));
    match written {
        Ok(()) => Exit::Done,
        Err(problem) => problem.report(format),
    }
}
