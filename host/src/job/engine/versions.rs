//! The versions that an engine has of each job of the manifest: the current one, which new jobs begin with, and former ones, as long as there are jobs that began with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::definition::{Counts, Defined};
use super::{Definition, Engine};
use crate::job::JobError;
use crate::job::transport::Transport;
use crate::job::view::{State, View};

/// By job of the manifest: its versions.
#[derive(Debug, Default)]
pub(super) struct Versions {
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug)]
struct Job {
    /// None where the manifest has no such job any more.
    current: Option<Arc<Defined>>,
    former: BTreeMap<String, Arc<Defined>>,
    counts: Arc<Counts>,
}

impl Versions {
    /// Makes these the current ones; those that were stay as former ones.
    pub(super) fn adopt(
        &mut self,
        definitions: Vec<Definition>,
        unfinished: &BTreeMap<String, u64>,
        transport: &dyn Transport,
    ) {
        for job in self.jobs.values_mut() {
            if let Some(current) = job.current.take() {
                job.former.insert(current.version.clone(), current);
            }
        }
        for definition in definitions {
            let job = self.job(&definition.name, unfinished);
            let defined = Defined::new(definition, Arc::clone(&job.counts), transport);
            job.former.remove(&defined.version);
            job.current = Some(Arc::new(defined));
        }
        self.jobs.values().for_each(Job::tell_readers);
    }

    /// Keeps former ones beside those that are there.
    pub(super) fn keep(
        &mut self,
        definitions: Vec<Definition>,
        unfinished: &BTreeMap<String, u64>,
        transport: &dyn Transport,
    ) {
        for definition in definitions {
            let job = self.job(&definition.name, unfinished);
            let defined = Defined::new(definition, Arc::clone(&job.counts), transport);
            if job.get(&defined.version).is_none() {
                job.former
                    .insert(defined.version.clone(), Arc::new(defined));
            }
        }
        self.jobs.values().for_each(Job::tell_readers);
    }

    fn job(&mut self, name: &str, unfinished: &BTreeMap<String, u64>) -> &mut Job {
        let new = || Job {
            current: None,
            former: BTreeMap::new(),
            counts: Arc::new(Counts {
                unfinished: AtomicU64::new(unfinished.get(name).copied().unwrap_or_default()),
                ..Counts::default()
            }),
        };
        self.jobs.entry(name.to_owned()).or_insert_with(new)
    }

    pub(super) fn current(&self, job: &str) -> Option<&Arc<Defined>> {
        self.jobs.get(job)?.current.as_ref()
    }

    pub(super) fn get(&self, job: &str, version: &str) -> Option<&Arc<Defined>> {
        self.jobs.get(job)?.get(version)
    }

    pub(super) fn counts(&self, job: &str) -> Option<&Counts> {
        self.jobs.get(job).map(|job| &*job.counts)
    }

    /// All of them with the runs that there may be at a time: of each job the former ones first, which only grow fewer.
    pub(super) fn all(&self) -> Vec<(Arc<Defined>, usize)> {
        let of = |job: &Job| {
            let versions: Vec<_> = job.former.values().chain(&job.current).cloned().collect();
            let says = job.current.clone().or_else(|| versions.first().cloned());
            let runs = says.map_or(0, |defined| defined.definition.concurrency);
            versions.into_iter().map(move |defined| (defined, runs))
        };
        self.jobs.values().flat_map(of).collect()
    }

    /// The jobs that the manifest has.
    pub(super) fn names(&self) -> Vec<String> {
        let current = self.jobs.iter().filter(|(_, job)| job.current.is_some());
        current.map(|(name, _)| name.clone()).collect()
    }

    /// How many runs there are at present.
    pub(super) fn running(&self) -> usize {
        let running = |job: &Job| job.counts.running.load(Ordering::Acquire);
        self.jobs.values().map(running).sum()
    }

    /// Drops former ones that nobody needs.
    fn drop_former(&mut self, is_needed: impl Fn(&str, &str) -> bool) {
        for (name, job) in &mut self.jobs {
            job.former.retain(|version, _| is_needed(name, version));
        }
        self.jobs
            .retain(|_, job| job.current.is_some() || !job.former.is_empty());
    }

    fn has_former(&self) -> bool {
        self.jobs.values().any(|job| !job.former.is_empty())
    }
}

impl Job {
    fn get(&self, version: &str) -> Option<&Arc<Defined>> {
        let current = self.current.as_ref();
        current
            .filter(|current| current.version == version)
            .or_else(|| self.former.get(version))
    }

    fn tell_readers(&self) {
        let current = self.current.as_ref().map(|current| &current.definition);
        for former in self.former.values() {
            former.is_read_as(current);
        }
    }
}

impl Engine {
    /// Makes these definitions the current ones: jobs that are submitted from now on are theirs. Jobs that are not finished go on under the definition that they began with,
    /// which is kept until the last of them has ended, also where the manifest does not have the job any more.
    ///
    /// A definition that differs from a former one only in what jobs *may* do (see [`Definition::version`]) takes its place for jobs that run, too.
    ///
    /// # Errors
    /// [`JobError::Store`] where the jobs cannot be read; nothing has changed then.
    pub fn adopt(&self, definitions: Vec<Definition>) -> Result<(), JobError> {
        let adoption = super::locked(&self.adoption);
        self.claim(&definitions)?;
        let mut versions = self.versions_mut();
        let unfinished = self.store.unfinished()?;
        versions.adopt(definitions, &unfinished, &*self.transport);
        drop(versions);
        drop(adoption);
        self.drop_former();
        self.warn_of_absent()?;
        self.poke();
        Ok(())
    }

    /// By job of the manifest: the versions that unfinished jobs go on under, or may go back to. Whoever keeps components and configurations keeps these.
    ///
    /// # Errors
    /// [`JobError::Store`] where the jobs cannot be read.
    pub fn versions_in_use(&self) -> Result<BTreeMap<String, BTreeSet<String>>, JobError> {
        Ok(self.store.versions_in_use()?)
    }

    /// How many definitions are held: the current ones, and former ones that a job needs.
    #[must_use]
    pub fn versions_held(&self) -> usize {
        self.versions().all().len()
    }

    /// Jobs that know no version were made by a host that kept none: they are of the definition that is current first.
    pub(super) fn claim(&self, definitions: &[Definition]) -> Result<(), JobError> {
        let version = |definition: &Definition| (definition.name.clone(), definition.version());
        let versions = definitions.iter().map(version).collect();
        let claimed = self.store.claim(versions).wait()?;
        if claimed > 0 {
            tracing::info!(jobs = claimed, "jobs without a version have been given one");
        }
        Ok(())
    }

    /// Drops definitions that no unfinished job needs any more.
    pub(super) fn drop_former(&self) {
        if !self.versions().has_former() {
            return;
        }
        let _adoption = super::locked(&self.adoption);
        self.versions_mut().drop_former(|job, version| {
            self.store.is_needed(job, version).unwrap_or_else(|error| {
                tracing::warn!(%error, job, version, "it is not known whether a version of a job is needed: it is kept");
                true
            })
        });
    }

    /// Says of which jobs the version is not here, so that they wait for it.
    pub(super) fn warn_of_absent(&self) -> Result<(), JobError> {
        let in_use = self.store.versions_in_use()?;
        let versions = self.versions();
        for (job, used) in &in_use {
            for version in used {
                if versions.get(job, version).is_none() {
                    let code = crate::error::Code::JOB_VERSION;
                    tracing::warn!(%code, job, version = format!("{version:.12}"), remedy = code.remedy, "{}", code.title);
                }
            }
        }
        Ok(())
    }

    /// What the store says, and whether the job waits for its version.
    pub(super) fn told(&self, mut view: View) -> View {
        let may_go_on = matches!(view.state, State::Ready | State::Waiting);
        if may_go_on && !self.has(&view) {
            view.state = State::Waiting;
            view.wakes_at = None;
            view.waits_for_version = true;
        }
        view
    }

    /// Whether the version of a job is here.
    pub(super) fn has(&self, view: &View) -> bool {
        let version = view.version.as_deref();
        version.is_some_and(|version| self.versions().get(&view.job, version).is_some())
    }
}
