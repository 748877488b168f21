//! Records that jobs have emitted: rows, in the order of their commits, until a checkpoint of the pipeline is behind them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Transaction, params};
use tokio::sync::Notify;

use super::{JobStore, JobStoreError};
use crate::source::Wake;

/// A record that a job has emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Its place among all of them, rising.
    pub position: i64,
    /// When it was emitted, milliseconds since the Unix epoch.
    pub at: i64,
    /// The record.
    pub record: Vec<u8>,
}

/// Who is to be woken when there may be something to read, and how far has been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    inner: Arc<Mutex<Readers>>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Readers {
    /// By job and port, so that who opens an outbox anew takes the place of who had it before.
    wakes: BTreeMap<(String, String), Wake>,
    /// By job and port: the position behind which somebody wanted to read.
    reached: BTreeMap<(String, String), i64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.lock().wakes.values().for_each(Wake::wake);
        self.news.notify_waiters();
    }

    pub(super) fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.news)
    }
}

/// What one output port of a job of the manifest has emitted.
#[derive(Clone, Debug)]
pub struct Outbox {
    store: JobStore,
    job: String,
    port: String,
}

impl JobStore {
    /// What an output port has emitted.
    #[must_use]
    pub fn outbox(&self, job: &str, port: &str) -> Outbox {
        Outbox {
            store: self.clone(),
            job: job.to_owned(),
            port: port.to_owned(),
        }
    }

    /// Whether all that was emitted has been read.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn is_drained(&self) -> Result<bool, JobStoreError> {
        let newest: Vec<((String, String), i64)> = self.read(|connection| {
            connection
                .prepare(
                    "SELECT job, port, max(position) FROM jackfield_outbox GROUP BY job, port",
                )?
                .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?
                .collect()
        })?;
        let readers = self.inner.outbox.lock();
        let read = |(port, newest): &(_, i64)| {
            let reached = readers.reached.get(port);
            reached.is_some_and(|reached| reached >= newest)
        };
        Ok(newest.iter().all(read))
    }
}

impl Outbox {
    /// What tells the database that positions are of.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.store.inner.identity
    }

    /// Records behind a position, at most so many.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn read(&self, behind: i64, most: usize) -> Result<Vec<Emitted>, JobStoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut readers = self.store.inner.outbox.lock();
        readers.reached.insert(self.place(), behind);
        drop(readers);
        self.store.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT position, at, record FROM jackfield_outbox
                     WHERE job = ?1 AND port = ?2 AND position > ?3 ORDER BY position LIMIT ?4",
                )?
                .query_map(params![self.job, self.port, behind, most], |row| {
                    Ok(Emitted {
                        position: row.get(0)?,
                        at: row.get(1)?,
                        record: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Forgets records up to a position: a checkpoint is behind them. It may come to disk later, or not: they are not read again.
    pub fn forget(&self, up_to: i64) {
        let (job, port) = (self.job.clone(), self.port.clone());
        drop(self.store.inner.writer.write(move |transaction| {
            transaction
                .prepare_cached(
                    "DELETE FROM jackfield_outbox WHERE job = ?1 AND port = ?2 AND position <= ?3",
                )?
                .execute(params![job, port, up_to])
        }));
    }

    /// Whom to wake when there may be something to read again.
    pub fn wake_with(&self, wake: Wake) {
        let mut readers = self.store.inner.outbox.lock();
        readers.wakes.insert(self.place(), wake);
    }

    fn place(&self) -> (String, String) {
        (self.job.clone(), self.port.clone())
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    number: i64,
    port: &str,
    at: i64,
    records: &[Vec<u8>],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO jackfield_outbox (job, port, at, record)
         SELECT job, ?2, ?3, ?4 FROM jackfield_jobs WHERE number = ?1",
    )?;
    for record in records {
        insert.execute(params![number, port, at, record])?;
    }
    Ok(())
}
