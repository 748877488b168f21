//! Versions with all that it takes to run them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ReloadError;
use super::terms::terms;
use crate::checkpoint::{Location, Store, StoreError};
use crate::config::{Diagnostics, Manifest, Override, ProcessEnvironment};
use crate::connection::Services;
use crate::job::Definition;
use crate::pipeline::plan::Plan;
use crate::pipeline::reload::{Change, Proposal};

/// Where manifests come from: what the command line said.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The manifest.
    pub path: PathBuf,
    /// What takes the place of what it says.
    pub overrides: Vec<String>,
}

impl Origin {
    /// The manifest as it is now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn manifest(&self) -> Result<Manifest, Diagnostics> {
        let overrides = Override::parse_all(&self.overrides)?;
        Manifest::read(&self.path, &ProcessEnvironment, &overrides)
    }
}

/// A version of the pipeline with all that it takes to run it.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its digest.
    pub version: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// What it consists of.
    pub plan: Plan,
    /// What it reaches out with.
    pub services: Services,
}

impl Running {
    /// Its jobs.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        let jobs = self.plan.jobs.iter();
        jobs.flat_map(|jobs| jobs.definitions.clone()).collect()
    }

    /// Another version of the same pipeline. It has the same runtime and the same store of jobs, and where the connections are the same it shares what is open.
    ///
    /// # Errors
    /// [`ReloadError::Manifest`] where a secret of it is not where its manifest says.
    pub fn other(
        &self,
        version: &str,
        manifest: Manifest,
        plan: Plan,
    ) -> Result<Self, ReloadError> {
        let services = match self.manifest.connections == manifest.connections {
            true => self.services.extended(&manifest, &ProcessEnvironment)?,
            false => self.services.of(&manifest, &ProcessEnvironment)?,
        };
        Ok(Self {
            version: version.to_owned(),
            manifest,
            plan,
            services,
        })
    }

    /// How another version differs from this one.
    #[must_use]
    pub fn change_to(&self, other: &Self) -> Change {
        let mut change = Change::between(&self.plan, &other.plan);
        if self.manifest.connections != other.manifest.connections {
            // What is open belongs to the connections as they were.
            change.differences.push("connections".to_owned());
            change.in_place = false;
        }
        change
            .beyond
            .extend(beyond(&self.manifest, &other.manifest));
        change
    }

    /// This version, to take the place of the one that it differs from by `change`.
    #[must_use]
    pub fn proposal(&self, change: Change) -> Proposal {
        Proposal {
            version: self.version.clone(),
            plan: self.plan.clone(),
            services: self.services.clone(),
            change,
            terms: terms(&self.manifest),
            returns: false,
        }
    }

    /// What the pipeline has committed; none where it has not committed anything yet.
    pub(super) fn store(&self, location: &Location) -> Result<Option<Store>, StoreError> {
        match Store::open_read_only(location, &self.plan.name, None, &self.services) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What of the manifest no task can take in.
fn beyond(running: &Manifest, new: &Manifest) -> Vec<String> {
    let has_jobs = !running.jobs.is_empty() || !new.jobs.is_empty();
    [
        (
            "where checkpoints are kept",
            running.checkpoint.store != new.checkpoint.store,
        ),
        (
            "connections, which jobs use",
            has_jobs && running.connections != new.connections,
        ),
        ("triggers", running.triggers != new.triggers),
        ("the server", running.server != new.server),
        ("where jobs are kept", running.job_store != new.job_store),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(what, _)| what.to_owned())
    .collect()
}

/// Versions that are ready to run: the one that does, and the one that a reload has brought since.
#[derive(Debug)]
pub(super) struct Known(Mutex<Vec<Running>>);

impl Known {
    pub(super) fn new(versions: Vec<Running>) -> Self {
        Self(Mutex::new(versions))
    }

    /// The version of this digest.
    pub(super) fn get(&self, digest: &str) -> Option<Running> {
        let versions = self.versions();
        versions
            .iter()
            .find(|known| known.version == digest)
            .cloned()
    }

    /// This one may take the place of the one of the digest `current`; no others are needed any more.
    pub(super) fn add(&self, current: &str, new: Running) {
        let mut versions = self.versions();
        versions.retain(|known| known.version == current);
        versions.push(new);
    }

    fn versions(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
