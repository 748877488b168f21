//! `jackfield job`: work that takes long is started, looked at and steered.
//!
//! What changes a job is done by the process that runs the pipeline, through its control socket. To look at jobs it is asked too; where none runs, their database is read.

mod text;

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::inspection::{Inspected, Problem, Process, print};
use super::page::{OutputFormat, Page};
use super::{Exit, LogFormat, report};
use crate::admin::{self, JobAnswer, JobRequest};
use crate::config::Manifest;
use crate::error::Code;
use crate::job::store::Look;
use crate::job::{Filter, JobStoreError, Report, State};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a job.
    Start(Start),
    /// List jobs, the newest first.
    List(List),
    /// Show where a job stands, and its steps.
    Show(One),
    /// End a job, wherever it stands.
    Cancel(One),
    /// Let unfinished jobs go on under the current version, from where they stand at a savepoint, or from their next one.
    Migrate(Migrate),
    /// Let a job go on that failed, was cancelled, or asks whether a request may be sent again.
    Retry(One),
}

#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    pipeline: Inspected,
    /// The job of the manifest.
    job: String,
    /// What it is started with: a file with JSON, or `-` for standard input; `{}` if nothing is said.
    #[arg(long)]
    input: Option<PathBuf>,
    /// A job that was started with this key before is that job.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait until it has ended, and write what it returned.
    #[arg(long)]
    wait: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pipeline: Inspected,
    /// Of this job of the manifest alone.
    #[arg(long)]
    job: Option<String>,
    /// In this state alone.
    #[arg(long, value_enum)]
    state: Option<StateName>,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    limit: u64,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
pub(super) struct One {
    #[command(flatten)]
    pipeline: Inspected,
    /// The job's identifier, as `job start` and `job list` say it.
    id: String,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    pipeline: Inspected,
    /// This one alone.
    id: Option<String>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// A state as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum StateName {
    /// It runs, or will when there is a place.
    Ready,
    /// It sleeps, awaits a callback, or stands still because the host has not got its version.
    Waiting,
    /// It is not known whether a request of it arrived.
    Asking,
    /// It returned something.
    Done,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl From<StateName> for State {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Ready => Self::Ready,
            StateName::Waiting => Self::Waiting,
            StateName::Asking => Self::Asking,
            StateName::Done => Self::Done,
            StateName::Failed => Self::Failed,
            StateName::Cancelled => Self::Cancelled,
        }
    }
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    let mut exit = Exit::Done;
    let printed = print(log, |page| {
        exit = match command {
            Command::Start(arguments) => start(arguments, log, page)?,
            Command::List(arguments) => list(arguments, log, page)?,
            Command::Show(arguments) => show(arguments, log, page)?,
            Command::Cancel(arguments) => {
                let id = arguments.id.clone();
                steer(arguments, &JobRequest::Cancel { id }, log, page)?
            }
            Command::Migrate(arguments) => migrate(arguments, log, page)?,
            Command::Retry(arguments) => {
                let id = arguments.id.clone();
                steer(arguments, &JobRequest::Retry { id }, log, page)?
            }
        };
        Ok(())
    });
    match printed {
        Exit::Done => exit,
        failed => failed,
    }
}

/// The pipeline of a command, and the process that is asked.
struct Asked {
    manifest: Manifest,
    process: Process,
}

impl Asked {
    fn of(pipeline: &Inspected, log: LogFormat) -> Result<Self, Problem> {
        let manifest = pipeline.manifest(log)?;
        let process = Process::of(&manifest, log)?;
        Ok(Self { manifest, process })
    }

    /// Asks the process; none if none runs the pipeline.
    fn ask(&self, wanted: &JobRequest) -> Result<Option<JobAnswer>, Problem> {
        Ok(admin::job(&self.process.meeting, wanted)?)
    }

    /// Asks the process, which there has to be.
    fn have(&self, wanted: &JobRequest) -> Result<JobAnswer, Problem> {
        self.ask(wanted)?.ok_or_else(|| self.process.absent())
    }

    /// The jobs on disk.
    fn look(&self) -> Result<Look, Problem> {
        let name = self.manifest.pipeline.name.value.to_string();
        let Some(path) = self.manifest.job_store_path() else {
            return Err(Problem::NotFound(format!(
                "the pipeline `{name}` has no jobs"
            )));
        };
        Look::open(&path, &name).map_err(of_store)
    }
}

fn of_store(error: JobStoreError) -> Problem {
    Problem::Other(error.code(), error.to_string())
}

fn unexpected() -> Problem {
    let problem = "the process that runs the pipeline answers something else than was asked";
    Problem::Other(Code::CONTROL_PROTOCOL, problem.to_owned())
}

fn start(arguments: &Start, log: LogFormat, page: &mut Page<'_>) -> Result<Exit, Problem> {
    let asked = Asked::of(&arguments.pipeline, log)?;
    let known = asked.manifest.jobs.iter().map(|job| &*job.name.value);
    if !known.clone().any(|name| name == arguments.job) {
        return Err(Problem::not_found("job", &arguments.job, known));
    }
    let wanted = JobRequest::Start {
        job: arguments.job.clone(),
        input: input(arguments)?,
        idempotency_key: arguments.idempotency_key.clone(),
    };
    let id = match asked.have(&wanted)? {
        JobAnswer::Started { id, .. } => id,
        JobAnswer::Invalid(problems) => {
            text::problems(&problems, arguments.format, page)?;
            let problem = format!("the job `{}` refuses its input", arguments.job);
            return Ok(report(log, Code::JOB_INPUT, &problem));
        }
        _ => return Err(unexpected()),
    };
    if !arguments.wait {
        match arguments.format {
            OutputFormat::Text => page.line(&id)?,
            OutputFormat::Json => page.json(&serde_json::json!({"id": id}))?,
        }
        return Ok(Exit::Done);
    }
    loop {
        let waited = asked.have(&JobRequest::Wait { id: id.clone() })?;
        let JobAnswer::Job(job) = waited else {
            return Err(unexpected());
        };
        if job.state.is_over() || job.state == State::Asking {
            return ended(&job, arguments.format, log, page);
        }
    }
}

fn input(arguments: &Start) -> Result<String, Problem> {
    let unreadable = |what: String, error: io::Error| {
        let problem = format!("the input {what} cannot be read: {error}");
        Problem::Other(Code::NOT_FOUND, problem)
    };
    match &arguments.input {
        None => Ok("{}".to_owned()),
        Some(path) if path.as_os_str() == "-" => {
            let mut input = String::new();
            let read = io::stdin().read_to_string(&mut input);
            read.map_err(|error| unreadable("on standard input".to_owned(), error))?;
            Ok(input)
        }
        Some(path) => {
            fs::read_to_string(path).map_err(|error| unreadable(path.display().to_string(), error))
        }
    }
}

/// What it returned goes to standard output, why it failed to standard error.
fn ended(
    job: &Report,
    format: OutputFormat,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<Exit, Problem> {
    if format == OutputFormat::Json {
        page.json(job)?;
    } else if let Some(output) = &job.output {
        page.json(output)?;
    }
    let Some(failure) = &job.failure else {
        return Ok(Exit::Done);
    };
    let code = failure.code.as_deref().and_then(|code| {
        let mut codes = Code::ALL.iter();
        codes.find(|known| known.id == code)
    });
    match code {
        Some(code) => {
            let problem = format!("the job {}: {}", job.id, failure.message);
            report(log, *code, &problem);
        }
        None => eprintln!("the job {}: {}", job.id, failure.message),
    }
    Ok(Exit::Failed)
}

fn list(arguments: &List, log: LogFormat, page: &mut Page<'_>) -> Result<Exit, Problem> {
    let asked = Asked::of(&arguments.pipeline, log)?;
    let filter = Filter {
        job: arguments.job.clone(),
        state: arguments.state.map(State::from),
        limit: Some(arguments.limit),
    };
    let jobs = match asked.ask(&JobRequest::List(filter.clone()))? {
        Some(JobAnswer::Jobs(jobs)) => jobs,
        Some(_) => return Err(unexpected()),
        None => {
            let views = asked.look()?.list(&filter).map_err(of_store)?;
            let reports = views.into_iter().map(|view| Report::of(view, Vec::new()));
            reports.collect()
        }
    };
    text::list(&jobs, arguments.format, page)?;
    Ok(Exit::Done)
}

fn show(arguments: &One, log: LogFormat, page: &mut Page<'_>) -> Result<Exit, Problem> {
    let asked = Asked::of(&arguments.pipeline, log)?;
    let id = arguments.id.clone();
    let job = match asked.ask(&JobRequest::Show { id })? {
        Some(JobAnswer::Job(job)) => *job,
        Some(_) => return Err(unexpected()),
        None => {
            let look = asked.look()?;
            let unknown = || Problem::NotFound(format!("there is no job {}", arguments.id));
            let view = look.view(&arguments.id).map_err(of_store)?;
            let steps = look.steps(&arguments.id).map_err(of_store)?;
            Report::of(view.ok_or_else(unknown)?, steps)
        }
    };
    text::show(&job, arguments.format, page)?;
    Ok(Exit::Done)
}

fn migrate(arguments: &Migrate, log: LogFormat, page: &mut Page<'_>) -> Result<Exit, Problem> {
    let asked = Asked::of(&arguments.pipeline, log)?;
    let id = arguments.id.clone();
    let JobAnswer::Migrated(migrated) = asked.have(&JobRequest::Migrate { id })? else {
        return Err(unexpected());
    };
    match arguments.format {
        OutputFormat::Json => page.json(&migrated)?,
        OutputFormat::Text => page.line(format!(
            "{} moved to the current version, {} will be at their next savepoint, {} stay on theirs",
            migrated.moved, migrated.pending, migrated.kept
        ))?,
    }
    Ok(Exit::Done)
}

fn steer(
    arguments: &One,
    wanted: &JobRequest,
    log: LogFormat,
    page: &mut Page<'_>,
) -> Result<Exit, Problem> {
    let asked = Asked::of(&arguments.pipeline, log)?;
    let JobAnswer::Job(job) = asked.have(wanted)? else {
        return Err(unexpected());
    };
    match arguments.format {
        OutputFormat::Json => page.json(&job)?,
        OutputFormat::Text => page.line(format!("{} is {}", job.id, job.state.as_str()))?,
    }
    Ok(Exit::Done)
}
