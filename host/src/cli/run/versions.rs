//! Which version of a pipeline a process begins with, and how it comes by others.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, unbounded};

use crate::checkpoint::{Location, Store, StoreError};
use crate::cli::{Exit, LogFormat, report};
use crate::config::Manifest;
use crate::connection::Services;
use crate::job::JobStore;
use crate::pipeline::clock::now;
use crate::pipeline::plan::Plan;
use crate::pipeline::progress::Progress;
use crate::pipeline::reload::{Change, Command, Note};
use crate::pipeline::task::{Probation, Task, Versioned};
use crate::plugin::Runtime;
use crate::reload::{
    Acceptance, Archive, AuditTrail, Chosen, Origin, ReloadError, Reloader, Running, Version,
    Watch, choose,
};

/// A pipeline as its manifest is found.
pub(super) struct Found {
    pub(super) origin: Origin,
    pub(super) version: Version,
    pub(super) running: Running,
    pub(super) location: Location,
    pub(super) runtime: Runtime,
}

impl Found {
    pub(super) fn new(
        overrides: &[String],
        manifest: Manifest,
        (plan, services): (Plan, Services),
        (location, runtime): (Location, Runtime),
    ) -> Self {
        let version = Version::of(&manifest, overrides, &plan, now());
        Self {
            origin: Origin {
                path: manifest.path.clone(),
                overrides: overrides.to_vec(),
            },
            running: Running {
                version: version.digest.clone(),
                manifest,
                plan,
                services,
            },
            version,
            location,
            runtime,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.running.plan.name
    }
}

/// The version that is to run.
pub(super) struct Begin {
    pub(super) running: Running,
    probation: Option<(Running, Change)>,
    /// The manifest is another version, to be taken in afterwards.
    then_reload: bool,
    /// Where versions are kept; there are no others than this one if it is none.
    pub(super) archive: Option<Archive>,
}

impl Begin {
    fn with(running: Running) -> Self {
        Self {
            running,
            probation: None,
            then_reload: false,
            archive: None,
        }
    }

    /// Lets sources read what the jobs of the pipeline emit, whichever version works.
    pub(super) fn read_from(&mut self, jobs: &JobStore) {
        let former = self.probation.iter_mut().map(|(former, _)| former);
        for running in former.chain([&mut self.running]) {
            running.services = running.services.clone().with_jobs(jobs.clone());
        }
    }
}

/// A task whose version can be exchanged for another.
pub(super) struct Exchangeable {
    pub(super) task: Task,
    pub(super) reloader: Reloader,
    /// Watches files for as long as it is there.
    pub(super) watch: Option<Watch>,
}

/// Where versions are kept, if there is a place for them.
fn archive(manifest: &Manifest, location: &Location) -> Option<Archive> {
    let beside = || -> Option<PathBuf> { Some(location.database()?.with_extension("versions")) };
    let folder = manifest.reload.versions.clone().or_else(beside)?;
    Some(Archive::new(folder, manifest.reload.keep))
}

/// Chooses the version that is to run by what the last checkpoint and the manifest say.
pub(super) fn begin(found: &Found, format: LogFormat) -> Result<Begin, Exit> {
    let archive = archive(&found.running.manifest, &found.location);
    // Processes that share a pipeline would have to agree on a version.
    let archive = archive.filter(|_| found.running.plan.distribution.is_none());
    let Some(archive) = archive else {
        return Ok(Begin::with(found.running.clone()));
    };
    let begin = choose_from(found, &archive).map_err(|error| {
        let problem = format!("the pipeline `{}`: {error}", found.name());
        report(format, error.code(), &problem)
    })?;
    Ok(Begin {
        archive: Some(archive),
        ..begin
    })
}

/// Opens the task with the version that was chosen.
pub(super) fn open(
    found: &Found,
    begin: Begin,
    archive: Archive,
    format: LogFormat,
) -> Result<Exchangeable, Exit> {
    let running = begin.running;
    let (commands, told) = unbounded();
    let mut known = vec![running.clone()];
    let probation = begin.probation.map(|(former, change)| {
        known.push(former.clone());
        Probation {
            candidate: running.proposal(change),
            former: (former.plan, former.services),
        }
    });
    let task = open_task(&running, told, probation, (found, format))?;
    let progress = task.progress();
    watch_over(&progress, &archive, found.name());
    let reloader = Reloader::new(
        found.origin.clone(),
        found.runtime.clone(),
        (found.location.clone(), archive),
        (commands, progress),
        known,
    );
    if begin.then_reload {
        tracing::info!(
            "the manifest is another version than that of the last checkpoint, which goes on until the other is taken in"
        );
        reloader.reload_beside(Acceptance::default());
    }
    let watch = match found.running.manifest.reload.watch {
        true => Some(start_watch(found, &reloader, format)?),
        false => None,
    };
    Ok(Exchangeable {
        task,
        reloader,
        watch,
    })
}

fn open_task(
    running: &Running,
    commands: Receiver<Command>,
    probation: Option<Probation>,
    (found, format): (&Found, LogFormat),
) -> Result<Task, Exit> {
    let versioned = Versioned {
        version: running.version.clone(),
        commands,
        probation,
    };
    let (plan, services) = (running.plan.clone(), running.services.clone());
    Task::open_versioned(plan, &found.location, services, versioned)
        .map_err(|error| super::failed(found.name(), &error, format))
}

/// Every step of a reload is written down. A pipeline runs without it too.
fn watch_over(progress: &Arc<Progress>, archive: &Archive, pipeline: &str) {
    match AuditTrail::open(&archive.folder().join("audit"), pipeline) {
        Ok(trail) => progress.reload.call(Arc::new(trail)),
        Err(error) => {
            let code = error.code().id;
            tracing::warn!(code, "{error}; reloads are not written down");
        }
    }
}

/// Watches the files for something else than was found in them.
fn start_watch(found: &Found, reloader: &Reloader, format: LogFormat) -> Result<Watch, Exit> {
    let (watched, changed) = (reloader.clone(), reloader.clone());
    Watch::start(
        found.version.contents(&found.running.manifest),
        move || watched.files(),
        move || {
            let is_free = !changed.is_busy();
            if is_free {
                changed.reload_beside(Acceptance::default());
            }
            is_free
        },
    )
    .map_err(|error| report(format, crate::error::Code::THREAD_FAILED, &error))
}

fn choose_from(found: &Found, archive: &Archive) -> Result<Begin, ReloadError> {
    let note = note(found)?;
    let as_found = &found.running;
    let policy = as_found.manifest.reload.on_start;
    let chosen = choose(note.as_ref(), &as_found.version, policy);
    let kept = |digest: &str| match digest == as_found.version {
        true => Ok(as_found.clone()),
        false => kept(found, archive, digest),
    };
    archive.put(&found.version, &as_found.plan)?;
    Ok(match chosen {
        Chosen::Found => Begin::with(as_found.clone()),
        Chosen::FormerThenReload(former) => Begin {
            then_reload: true,
            ..Begin::with(kept(&former)?)
        },
        Chosen::FormerAlone(former) => {
            let again = ReloadError::Again(as_found.version.clone());
            let (code, remedy) = (again.code().id, again.code().remedy);
            tracing::warn!(code, remedy, "{again}: the version {former:.12} goes on");
            Begin::with(kept(&former)?)
        }
        Chosen::Candidate { candidate, former } => {
            let (candidate, former) = (kept(&candidate)?, kept(&former)?);
            let change = former.change_to(&candidate);
            Begin {
                probation: Some((former, change)),
                ..Begin::with(candidate)
            }
        }
    })
}

/// What the last checkpoint says of versions.
fn note(found: &Found) -> Result<Option<Note>, ReloadError> {
    let services = &found.running.services;
    match Store::open_read_only(&found.location, found.name(), None, services) {
        Ok(store) => Ok(store.latest()?.and_then(|last| last.note)),
        // One of an older form says nothing of versions, and is brought to the present one when the task opens it; it says too if it is another's.
        Err(StoreError::Missing { .. } | StoreError::Foreign { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A version that was kept, ready to run.
fn kept(found: &Found, archive: &Archive, digest: &str) -> Result<Running, ReloadError> {
    let version = archive.get(digest)?;
    let (manifest, plan) = archive.load(&version, &found.runtime)?;
    found.running.other(digest, manifest, plan)
}
