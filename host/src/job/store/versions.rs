//! Which version of its definition each job was started with, and how one comes to go on under another.
//!
//! What a version's journal holds is replayed by that version alone: each append names the version that it was made under, and comes to nothing where the job has been moved since.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use super::{JobStore, JobStoreError, Ticket};
use crate::job::call::Time;

/// A job is to go on under another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The job's number.
    pub number: i64,
    /// How many entries its journal had when it was looked at.
    pub written: i64,
    /// The version that it had then.
    pub from: Option<String>,
    /// The version that it is to have.
    pub to: String,
    /// The version to go back to until a step is made; none where this is the way back.
    pub former: Option<String>,
}

impl JobStore {
    /// Gives jobs that know no version one, by job of the manifest: they were made by a host that kept none.
    pub fn claim(&self, versions: Vec<(String, String)>) -> Ticket<usize> {
        self.inner.writer.write(move |transaction| {
            let mut claim = transaction.prepare_cached(
                "UPDATE jackfield_jobs SET version = ?2 WHERE job = ?1 AND version IS NULL",
            )?;
            let mut claimed = 0;
            for (job, version) in &versions {
                claimed += claim.execute([job, version])?;
            }
            Ok(claimed)
        })
    }

    /// Notes that unfinished jobs are to go on under a version, of the manifest's `job` or the one with an identifier; gives how many had another.
    pub fn mark(&self, job: String, id: Option<String>, version: String) -> Ticket<u64> {
        self.inner.writer.write(move |transaction| {
            let marked = transaction
                .prepare_cached(
                    "UPDATE jackfield_jobs SET target = ?2
                     WHERE job = ?1 AND finished_at IS NULL AND version IS NOT ?2 AND (?3 IS NULL OR id = ?3)",
                )?
                .execute(params![job, version, id])?;
            Ok(marked as u64)
        })
    }

    /// A job stays under the version that it has.
    pub fn unmark(&self, number: i64) -> Ticket<usize> {
        self.inner.writer.write(move |transaction| {
            transaction
                .prepare_cached("UPDATE jackfield_jobs SET target = NULL WHERE number = ?1")?
                .execute([number])
        })
    }

    /// The version that a job is to go on under, if that is noted.
    ///
    /// # Errors
    /// [`JobStoreError`] where it cannot be read.
    pub fn target(&self, number: i64) -> Result<Option<String>, JobStoreError> {
        self.read(|connection| {
            let target = connection
                .prepare_cached("SELECT target FROM jackfield_jobs WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()?;
            Ok(target.flatten())
        })
    }

    /// Moves a job to another version, if it stands where it stood when it was looked at.
    pub fn relocate(&self, relocation: Relocation) -> Ticket<()> {
        self.inner.writer.write(move |transaction| {
            let Relocation {
                number,
                written,
                from,
                to,
                former,
            } = &relocation;
            let changed = transaction
                .prepare_cached(
                    "UPDATE jackfield_jobs SET version = ?4, former = ?5, target = NULL
                     WHERE number = ?1 AND written = ?2 AND version IS ?3 AND finished_at IS NULL",
                )?
                .execute(params![number, written, from, to, former])?;
            match changed {
                1 => Ok(()),
                _ => Err(rusqlite::Error::StatementChangedRows(changed)),
            }
        })
    }

    /// Jobs marked for a version that need nothing but a place: those that may stand at a savepoint.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn marked_and_ready(&self, job: &str, version: &str) -> Result<Vec<String>, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM jackfield_jobs
                     WHERE job = ?1 AND finished_at IS NULL AND state = 'ready' AND target = ?2",
                )?
                .query_map([job, version], |row| row.get(0))?
                .collect()
        })
    }

    /// Whether a job that is not finished has this version, or may go back to it.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn is_needed(&self, job: &str, version: &str) -> Result<bool, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM jackfield_jobs WHERE job = ?1 AND version = ?2 AND finished_at IS NULL
                     UNION ALL
                     SELECT 1 FROM jackfield_jobs WHERE job = ?1 AND former = ?2 AND finished_at IS NULL",
                )?
                .exists([job, version])
        })
    }

    /// By job of the manifest: the versions that unfinished jobs have or may go back to.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn versions_in_use(&self) -> Result<BTreeMap<String, BTreeSet<String>>, JobStoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT job, version FROM jackfield_jobs WHERE finished_at IS NULL AND version IS NOT NULL
                 UNION
                 SELECT job, former FROM jackfield_jobs WHERE finished_at IS NULL AND former IS NOT NULL",
            )?;
            let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for row in rows {
                let (job, version) = row?;
                versions.entry(job).or_default().insert(version);
            }
            Ok(versions)
        })
    }

    /// When the next job of a version wakes up that waits.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn next_wake(&self, job: &str, version: &str) -> Result<Option<Time>, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT min(wakes_at) FROM jackfield_jobs
                     WHERE job = ?1 AND version = ?2 AND finished_at IS NULL AND state = 'waiting'",
                )?
                .query_row([job, version], |row| row.get(0))
        })
    }
}
