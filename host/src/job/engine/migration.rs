//! Jobs that go on under another version of their definition.
//!
//! A journal is replayed by the version that it was written with, and by no other. There is one place where nothing is replayed: at a savepoint with no step after it, where a run begins
//! with the saved state (or, at the very beginning, with the input). There and nowhere else a job is moved, before its next run begins; one that is under way is
//! stopped when it reaches its next savepoint. Until the new version makes a step, the way back is open.

use std::sync::Arc;

use super::Engine;
use super::slot::Place;
use crate::job::{JobError, View};

/// What became of jobs that were to go on under the current version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Migrated {
    /// They stood at a savepoint, or had not begun, and are of the current version now.
    pub moved: u64,
    /// They are moved when they reach their next savepoint; those that reach none end on the version that they have.
    pub pending: u64,
    /// They stay: the current version cannot begin from their savepoint, or refuses their input.
    pub kept: u64,
}

impl Engine {
    /// Lets unfinished jobs of the manifest's `job` go on under its current version: all of them, or the one with an identifier.
    ///
    /// A job is moved where it stands at a savepoint whose state version the current version can begin from, or has not begun and the current version accepts its input; others
    /// are moved at their next savepoint, if this version is still the current one then. Where the new version fails before its first step, the job goes back to
    /// the version that it had.
    ///
    /// # Errors
    /// [`JobError::Undefined`] where the manifest has no such job, [`JobError::Store`] where jobs cannot be read or written.
    pub fn migrate(self: &Arc<Self>, job: &str, id: Option<&str>) -> Result<Migrated, JobError> {
        if self.is_stopping() {
            return Err(JobError::Stopping);
        }
        let undefined = || JobError::Undefined(job.to_owned());
        let version = {
            let versions = self.versions();
            versions.current(job).ok_or_else(undefined)?.version.clone()
        };
        let marked = self
            .store
            .mark(job.to_owned(), id.map(str::to_owned), version.clone());
        let marked = marked.wait()?;
        let mut migrated = Migrated::default();
        // One that waits or asks has made a step: it stands at no savepoint.
        for id in self.store.marked_and_ready(job, &version)? {
            let slot = self.slots.take(&id);
            let place = slot.settle(self, &version);
            self.slots.leave(slot);
            match place? {
                Place::Moved => migrated.moved += 1,
                Place::Kept => migrated.kept += 1,
                Place::UnderWay => {}
            }
        }
        migrated.pending = marked.saturating_sub(migrated.moved + migrated.kept);
        tracing::info!(
            job,
            version = format!("{version:.12}"),
            ?migrated,
            "jobs go on under the current version"
        );
        self.poke();
        Ok(migrated)
    }

    /// As [`migrate`](Self::migrate), of every job of the manifest, or of one with an identifier.
    ///
    /// # Errors
    /// Those of [`migrate`](Self::migrate), and [`JobError::Unknown`] where no job has the identifier.
    pub(in crate::job) fn migrate_any(
        self: &Arc<Self>,
        id: Option<&str>,
    ) -> Result<Migrated, JobError> {
        if let Some(id) = id {
            let View { job, .. } = self.view(id)?;
            return self.migrate(&job, Some(id));
        }
        let names = self.versions().names();
        names.iter().try_fold(Migrated::default(), |sum, job| {
            let more = self.migrate(job, None)?;
            Ok(Migrated {
                moved: sum.moved + more.moved,
                pending: sum.pending + more.pending,
                kept: sum.kept + more.kept,
            })
        })
    }
}
