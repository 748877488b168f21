//! `jackfield run`.

mod jobs;
mod versions;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use crossbeam_channel::Receiver;
use indicatif::MultiProgress;
use tokio::runtime::Handle;

use super::display::{self, Checkpoints, Display, Watched};
use super::{Exit, LogFormat, Manifests, pipelines, preflight, report, signals};
use crate::admin::{Meeting, Observed, ObservedTask, ObservedTasks, Server};
use crate::error::Code;
use crate::job::JobStore;
use crate::pipeline::distributed::Distributed;
use crate::pipeline::error::TaskError;
use crate::pipeline::progress::Progress;
use crate::pipeline::task::{Ending, Task};
use crate::reload::{Acceptance, Reloader, Running, Watch};
use jobs::Working;
use versions::{Begin, Exchangeable, Found};

/// Pipelines to run.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    manifests: Manifests,
    /// Stop as soon as every job has ended and what it emitted has been worked on, rather than to wait for more jobs.
    #[arg(long)]
    until_idle: bool,
}

/// A pipeline that is ready to run, and how it is looked at.
struct Ready {
    work: Work,
    jobs: Option<Working>,
    watched: Watched,
    /// Where others may ask; a pipeline runs without it too.
    control: Option<Server>,
    /// Who takes in other versions.
    reloader: Option<Reloader>,
    watch: Option<Watch>,
}

/// What this process does of a pipeline.
enum Work {
    /// All of it.
    Whole(Box<Task>),
    /// The tasks that the others who share it leave to this one.
    Share(Box<Distributed>),
}

impl Work {
    fn progress(&self) -> Arc<Progress> {
        match self {
            Self::Whole(task) => task.progress(),
            Self::Share(share) => share.progress(),
        }
    }

    /// What makes it deliver before it stops.
    fn delivers_first(&self) -> Arc<AtomicBool> {
        match self {
            Self::Whole(task) => task.delivers_first(),
            // What is shared has nothing to deliver.
            Self::Share(_) => Arc::default(),
        }
    }

    fn observed(&self, name: &str, database: Option<&Path>) -> ObservedTasks {
        match self {
            Self::Whole(task) => ObservedTasks::One(ObservedTask {
                name: name.to_owned(),
                progress: task.progress(),
                database: database.map(Path::to_owned),
            }),
            Self::Share(share) => ObservedTasks::Share(share.share()),
        }
    }
}

impl Ready {
    fn run(mut self, stop: Receiver<()>, until_idle: bool) -> Result<Ending, TaskError> {
        let stop = match &self.jobs {
            Some(jobs) if until_idle => jobs.stop_when_idle(stop, self.work.delivers_first()),
            _ => stop,
        };
        let ending = match &mut self.work {
            Work::Whole(task) => task.run(&stop),
            Work::Share(share) => share.run(&stop),
        };
        if let Some(jobs) = self.jobs {
            jobs.stop();
        }
        drop(self.watch);
        // Before the task lets go of its database, which another process may wait for.
        drop(self.control);
        ending
    }
}

pub(super) fn run(arguments: &Arguments, format: LogFormat, bars: &MultiProgress) -> Exit {
    match prepare(&arguments.manifests, format) {
        Ok(ready) => conduct(ready, arguments.until_idle, format, bars),
        Err(exit) => exit,
    }
}

/// Everything that can go wrong before the first record is read.
fn prepare(arguments: &Manifests, format: LogFormat) -> Result<Vec<Ready>, Exit> {
    let manifests = pipelines::read(arguments, format)?;
    let runtime = pipelines::runtime(format)?;
    let plans = pipelines::plan(&manifests, &runtime, format)?;
    preflight::run(&manifests, format)?;
    let services = pipelines::services(&manifests, format)?;
    let named = arguments
        .manifests
        .iter()
        .map(|manifest| naming(manifest, &arguments.overrides));
    plans
        .into_iter()
        .zip(services)
        .zip(manifests)
        .zip(named)
        .map(|(((plan, services), manifest), named)| {
            let location = pipelines::location(&manifest.checkpoint, format)?;
            let found = Found::new(
                &arguments.overrides,
                manifest,
                (plan, services),
                (location, runtime.clone()),
            );
            open(&found, &named, format)
        })
        .collect()
}

fn open(found: &Found, named: &str, format: LogFormat) -> Result<Ready, Exit> {
    let name = found.name().to_owned();
    let mut begin = versions::begin(found, format)?;
    let store = jobs::store(begin.running.plan.jobs.as_ref(), &name, format)?;
    if let Some(store) = &store {
        begin.read_from(store);
    }
    let running = begin.running.clone();
    let (work, reloader, watch) = open_work(found, begin, format)?;
    let jobs = match store {
        Some(store) => start_jobs(&running, store, reloader.as_ref(), format)?,
        None => None,
    };
    let services = running.services;
    let location = found.location.clone();
    let observed = Observed {
        jobs: jobs.as_ref().map(Working::jobs),
        pipeline: name.clone(),
        started: Instant::now(),
        tasks: work.observed(&name, location.database()),
        reloader: reloader.clone(),
    };
    let control = control(&location.meeting(&name), observed, services.runtime());
    let checkpoints = Checkpoints { location, services };
    let watched = Watched::new(name, work.progress(), checkpoints, named);
    Ok(Ready {
        work,
        jobs,
        watched,
        control,
        reloader,
        watch,
    })
}

/// Starts the jobs of the version that works, with those before it that unfinished jobs began with.
fn start_jobs(
    running: &Running,
    store: JobStore,
    reloader: Option<&Reloader>,
    format: LogFormat,
) -> Result<Option<Working>, Exit> {
    let Some(planned) = running.plan.jobs.clone() else {
        return Ok(None);
    };
    let mut former = Vec::new();
    if let Some(reloader) = reloader {
        let used = store
            .versions_in_use()
            .map_err(|error| report(format, error.code(), &error))?;
        former = reloader.former_definitions(&used);
    }
    let (manifest, services) = (&running.manifest, &running.services);
    let jobs = Working::start(manifest, planned, store, services, former, format)?;
    if let Some(reloader) = reloader {
        reloader.steers(&jobs.jobs());
    }
    Ok(Some(jobs))
}

/// What this process does of the pipeline, and who takes in other versions of it.
fn open_work(
    found: &Found,
    mut begin: Begin,
    format: LogFormat,
) -> Result<(Work, Option<Reloader>, Option<Watch>), Exit> {
    if let Some(archive) = begin.archive.take() {
        let Exchangeable {
            task,
            reloader,
            watch,
        } = versions::open(found, begin, archive, format)?;
        return Ok((Work::Whole(Box::new(task)), Some(reloader), watch));
    }
    let failed = |error: TaskError| failed(found.name(), &error, format);
    let Running { plan, services, .. } = begin.running;
    let share = Distributed::open(&plan, &found.location, services.clone()).map_err(failed)?;
    let work = match share {
        Some(share) => Work::Share(Box::new(share)),
        None => {
            let task = Task::open(plan, &found.location, services).map_err(failed)?;
            Work::Whole(Box::new(task))
        }
    };
    Ok((work, None, None))
}

/// Opens the socket at which others may ask how the pipeline fares.
fn control(meeting: &Meeting, observed: Observed, runtime: &Handle) -> Option<Server> {
    match Server::open(meeting, observed, runtime) {
        Ok(control) => Some(control),
        Err(error) => {
            let code = error.code().id;
            tracing::warn!(
                code,
                "{error}; `jackfield status` will not find the pipeline"
            );
            None
        }
    }
}

/// The words of the command line that name one of its pipelines, as they are typed into a shell.
fn naming(manifest: &Path, overrides: &[String]) -> String {
    let settings = overrides
        .iter()
        .map(|setting| format!(" --set {}", quoted(setting)));
    std::iter::once(quoted(&manifest.display().to_string()))
        .chain(settings)
        .collect()
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./=:,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn failed(name: &str, error: &TaskError, format: LogFormat) -> Exit {
    report(
        format,
        error.code(),
        &format!("the pipeline `{name}`: {error}"),
    )
}

/// Runs all pipelines side by side; the first exit code that is not 0 is that of the process.
fn conduct(ready: Vec<Ready>, until_idle: bool, format: LogFormat, bars: &MultiProgress) -> Exit {
    let reloaders: Vec<_> = ready
        .iter()
        .filter_map(|ready| ready.reloader.clone())
        .collect();
    let on_hangup = move || {
        for reloader in &reloaders {
            reloader.reload_beside(Acceptance::default());
        }
    };
    let stops = match signals::listen(ready.len(), on_hangup) {
        Ok(stops) => stops,
        Err(error) => {
            return report(
                format,
                Code::THREAD_FAILED,
                &format!("cannot listen to signals: {error}"),
            );
        }
    };
    let display = Display::start(
        ready.iter().map(|ready| ready.watched.clone()).collect(),
        format,
        bars,
    );
    let threads: Vec<_> = ready
        .into_iter()
        .zip(stops)
        .map(|(ready, stop)| {
            let watched = ready.watched.clone();
            (watched, thread::spawn(move || ready.run(stop, until_idle)))
        })
        .collect();
    let endings: Vec<_> = threads
        .into_iter()
        .map(|(watched, thread)| (watched, thread.join()))
        .collect();
    display.stop();
    let mut exit = Exit::Done;
    for (watched, ending) in endings {
        let ended = match ending {
            Ok(Ok(ending)) => {
                display::summary(ending, &watched, format);
                Exit::Done
            }
            Ok(Err(error)) => failed(watched.name(), &error, format),
            Err(_) => report(
                format,
                Code::THREAD_FAILED,
                &format!("the pipeline `{}` broke off", watched.name()),
            ),
        };
        if exit == Exit::Done {
            exit = ended;
        }
    }
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_named_so_that_a_shell_gives_the_same_words_back() {
        let overrides = [
            "checkpoint.interval=10s".to_owned(),
            "sources.a.paths=[\"it's\"]".to_owned(),
        ];
        assert_eq!(
            naming(Path::new("my pipelines/a.toml"), &overrides),
            r#"'my pipelines/a.toml' --set checkpoint.interval=10s --set 'sources.a.paths=["it'\''s"]'"#
        );
    }
}
