//! Looks at another version before anything happens, and hands it to the task when all is well.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use serde::{Deserialize, Serialize};

use super::examined::Examined;
use super::follower::Follower;
use super::running::Known;
use super::{Acceptance, Archive, Origin, ReloadError, Running, Version, private_file};
use crate::checkpoint::Location;
use crate::config::Manifest;
use crate::job::{Definition, JobStore, Jobs};
use crate::pipeline::clock::now;
use crate::pipeline::plan::Plan;
use crate::pipeline::planner;
use crate::pipeline::progress::Progress;
use crate::pipeline::reload::{
    Capture, CaptureError, Change, Command, Proposal, Report, Step, Wanted,
};
use crate::plugin::Runtime;

/// What a reload would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The digest of the version that runs.
    pub former: String,
    /// The digest of the version that would take its place.
    pub new: String,
    /// What differs.
    pub change: Change,
    /// Why it would be refused, if it would: a code and what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<(String, String)>,
}

/// Takes other versions in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origin: Origin,
    runtime: Runtime,
    location: Location,
    archive: Archive,
    commands: Sender<Command>,
    progress: Arc<Progress>,
    known: Arc<Known>,
    /// The last reload that somebody left off: the task may not have heard of it yet.
    left_off: Mutex<Option<u64>>,
}

/// A version that may be taken in, with its manifest and its plan.
type Found = (Version, Manifest, Plan);

/// Which version is to be taken in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// What the manifest says now.
    Manifest,
    /// The one before the one that runs.
    Former,
}

impl Reloader {
    /// For a pipeline that runs one of these versions; the task that runs it listens to `commands`.
    #[must_use]
    pub fn new(
        origin: Origin,
        runtime: Runtime,
        (location, archive): (Location, Archive),
        (commands, progress): (Sender<Command>, Arc<Progress>),
        known: Vec<Running>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                origin,
                runtime,
                location,
                archive,
                commands,
                progress,
                known: Arc::new(Known::new(known)),
                left_off: Mutex::default(),
            }),
        }
    }

    /// The reload that is under way, or the last one.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        self.inner.progress.reload.report()
    }

    /// These are the jobs of the pipeline: new ones begin on whichever version works.
    pub fn steers(&self, jobs: &Jobs) {
        let follower = Follower {
            known: Arc::clone(&self.inner.known),
            jobs: jobs.clone(),
        };
        self.inner.progress.reload.call(Arc::new(follower));
    }

    /// Definitions of versions that are kept which unfinished jobs began with. One that cannot be loaded any more is left out, and its jobs wait for it.
    #[must_use]
    pub fn former_definitions(&self, used: &BTreeMap<String, BTreeSet<String>>) -> Vec<Definition> {
        let Inner {
            archive, runtime, ..
        } = &*self.inner;
        let is_used = |job: &str, version: &str| {
            used.get(job)
                .is_some_and(|versions| versions.contains(version))
        };
        let mut definitions: Vec<Definition> = Vec::new();
        for version in archive.versions() {
            let mut jobs = version.jobs.iter();
            if !jobs.any(|(job, version)| is_used(job, version)) {
                continue;
            }
            match archive.load(&version, runtime) {
                Ok((_, plan)) => {
                    let jobs = plan.jobs.into_iter().flat_map(|jobs| jobs.definitions);
                    definitions.extend(jobs.filter(|job| is_used(&job.name, &job.version())));
                }
                Err(error) => {
                    let code = error.code().id;
                    tracing::warn!(code, "the version {:.12} of jobs: {error}", version.digest);
                }
            }
        }
        definitions
    }

    /// Whether a reload is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.inner.progress.reload.is_busy()
    }

    /// Waits until the reload has come beyond a step.
    pub fn wait_beyond(&self, step: Step, within: Duration) {
        self.inner.progress.reload.wait_beyond(step, within);
    }

    /// What is to be watched: the manifest, and the plugins that it names now. Of a manifest that is wrong, itself alone.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let origin = &self.inner.origin;
        let mut files = vec![origin.path.clone()];
        if let Ok(manifest) = origin.manifest() {
            let stages = manifest.stages.into_iter().map(|stage| stage.plugin.value);
            let jobs = manifest.jobs.into_iter().map(|job| job.plugin.value);
            files.extend(stages.chain(jobs));
        }
        files
    }

    /// Says what a reload would do, and does nothing.
    ///
    /// # Errors
    /// [`ReloadError`] where the manifest cannot be looked at.
    pub fn preview(&self, acceptance: Acceptance) -> Result<Preview, ReloadError> {
        let current = self.inner.current()?;
        let examined = self.inner.examine(&current, self.inner.found()?)?;
        let refusal = examined.admit(acceptance).err();
        Ok(Preview {
            former: current.version,
            new: examined.version.digest,
            change: examined.change,
            refusal: refusal.map(|error| (error.code().id.to_owned(), error.to_string())),
        })
    }

    /// Takes in what the manifest says now. Returns when that has been looked at and handed to the task, with the number of the reload.
    ///
    /// # Errors
    /// [`ReloadError`] where it is refused.
    pub fn reload(&self, acceptance: Acceptance) -> Result<u64, ReloadError> {
        self.take_in(acceptance, Wish::Manifest)
    }

    /// Leaves off the reload that is under way, and gives its number; none if none is.
    ///
    /// # Errors
    /// [`ReloadError::Ended`] where the pipeline has ended.
    pub fn leave_off(&self) -> Result<Option<u64>, ReloadError> {
        let board = &self.inner.progress.reload;
        let Some(report) = board.report().filter(|report| !report.step.is_over()) else {
            return Ok(None);
        };
        let left_off = &self.inner.left_off;
        let mut left_off = left_off.lock().unwrap_or_else(PoisonError::into_inner);
        *left_off = Some(report.number);
        let told = self.inner.commands.send(Command::TakeBack);
        told.map_err(|_| ReloadError::Ended)?;
        Ok(Some(report.number))
    }

    /// Takes in the version before the one that runs. Gives the number of the reload.
    ///
    /// # Errors
    /// [`ReloadError`] where there is none, or it is refused.
    pub fn go_back(&self, acceptance: Acceptance) -> Result<u64, ReloadError> {
        self.take_in(acceptance, Wish::Former)
    }

    /// Writes batches of some stages, of all if none is named, and the state that they met into a file that nobody else can read.
    ///
    /// # Errors
    /// [`ReloadError::Capture`] where that comes to nothing.
    pub fn capture(
        &self,
        stages: &[String],
        records: u64,
        within: Duration,
        to: &Path,
    ) -> Result<Capture, ReloadError> {
        let current = self.inner.current()?;
        let known = |name: &&String| current.plan.stages.iter().any(|stage| stage.name == **name);
        if let Some(unknown) = stages.iter().find(|name| !known(name)) {
            return Err(ReloadError::Capture(format!(
                "there is no stage `{unknown}`"
            )));
        }
        let (reply, replied) = bounded(1);
        let wanted = Wanted {
            stages: stages.to_vec(),
            records,
            duration: within,
            reply,
        };
        let told = self.inner.commands.send(Command::Capture(wanted));
        told.map_err(|_| ReloadError::Ended)?;
        let captured = replied.recv().map_err(|_| ReloadError::Ended)?;
        let capture = captured.map_err(ReloadError::Capture)?;
        private_file::create(to)
            .map_err(CaptureError::from)
            .and_then(|file| capture.write(BufWriter::new(file)))
            .map_err(|error| ReloadError::Capture(format!("{}: {error}", to.display())))?;
        Ok(capture)
    }

    /// As [`reload`](Self::reload), on a thread of its own; what becomes of it is told by the report.
    pub fn reload_beside(&self, acceptance: Acceptance) {
        let reloader = self.clone();
        let spawned = thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || {
                // Said by the report, and in the log.
                let _ = reloader.reload(acceptance);
            });
        if let Err(error) = spawned {
            tracing::error!(%error, "a reload cannot begin");
        }
    }

    /// What is under way.
    fn busy(&self) -> ReloadError {
        let report = self.report();
        let (number, new) =
            report.map_or_else(Default::default, |report| (report.number, report.new));
        ReloadError::Busy { number, new }
    }

    fn take_in(&self, acceptance: Acceptance, wish: Wish) -> Result<u64, ReloadError> {
        let inner = &self.inner;
        let current = inner.current()?;
        let board = &inner.progress.reload;
        let number = board.begin(&current.version).ok_or_else(|| self.busy())?;
        let found = match wish {
            Wish::Manifest => inner.found(),
            Wish::Former => inner.former(),
        };
        let taken = found
            .and_then(|found| inner.examine(&current, found))
            .and_then(|examined| {
                board.add(|report| {
                    report.new.clone_from(&examined.version.digest);
                    report.change = Some(examined.change.clone());
                    report.migrates_jobs = acceptance.migrate_jobs;
                });
                examined.admit(acceptance)?;
                inner.hand_over((number, wish), &current, examined)
            });
        if let Err(error) = &taken {
            let code = error.code().id;
            tracing::warn!(code, "reload: {error}");
            board.enter(Step::Refused, Some(&error.to_string()));
        }
        taken.map(|()| number)
    }
}

impl Inner {
    /// The version that works now.
    fn current(&self) -> Result<Running, ReloadError> {
        let version = self.progress.reload.version().ok_or(ReloadError::Shared)?;
        let known = self.known.get(&version);
        known.ok_or(ReloadError::NotKept(version))
    }

    /// What the manifest says now.
    fn found(&self) -> Result<Found, ReloadError> {
        let manifest = self.origin.manifest()?;
        let plan = planner::plan(&manifest, &self.runtime)?;
        let version = Version::of(&manifest, &self.origin.overrides, &plan, now());
        Ok((version, manifest, plan))
    }

    /// The version before the one that runs.
    fn former(&self) -> Result<Found, ReloadError> {
        let before = self.progress.reload.before().ok_or(ReloadError::First)?;
        let version = self.archive.get(&before)?;
        let (manifest, plan) = self.archive.load(&version, &self.runtime)?;
        Ok((version, manifest, plan))
    }

    /// Compares a version with the running one.
    fn examine(
        &self,
        current: &Running,
        (version, manifest, plan): Found,
    ) -> Result<Examined, ReloadError> {
        let running = current.other(&version.digest, manifest, plan)?;
        Examined::of(current, &self.location, (version, running))
    }

    fn hand_over(
        &self,
        (number, wish): (u64, Wish),
        current: &Running,
        examined: Examined,
    ) -> Result<(), ReloadError> {
        let Examined {
            version,
            running,
            change,
            ..
        } = examined;
        self.archive.put(&version, &running.plan)?;
        self.prune(current, &version)?;
        let proposal = Proposal {
            returns: wish == Wish::Former,
            ..running.proposal(change)
        };
        self.known.add(&current.version, running);
        let left_off = self.left_off.lock().unwrap_or_else(PoisonError::into_inner);
        let mut commands = vec![Command::Reload(Box::new(proposal))];
        if *left_off == Some(number) {
            commands.push(Command::TakeBack);
        }
        for command in commands {
            let told = self.commands.send(command);
            told.map_err(|_| ReloadError::Ended)?;
        }
        Ok(())
    }

    /// Lets go of versions that nobody needs any more. Where it cannot be told which ones unfinished jobs need, all stay.
    fn prune(&self, current: &Running, new: &Version) -> Result<(), ReloadError> {
        let jobs = current.services.jobs();
        let by_jobs = match jobs.map(JobStore::versions_in_use).transpose() {
            Ok(used) => used.unwrap_or_default(),
            Err(error) => {
                let code = error.code().id;
                tracing::warn!(code, "former versions are not removed: {error}");
                return Ok(());
            }
        };
        let before = self.progress.reload.before();
        let in_use = [current.version.as_str(), &new.digest].into_iter();
        let in_use: Vec<&str> = in_use.chain(before.as_deref()).collect();
        self.archive.prune(&in_use, &by_jobs)
    }
}
