//! Records of one job for one client, numbered, until the client has acknowledged them.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{OptionalExtension, Transaction, params};
use tokio::sync::Notify;

use super::{JobStore, JobStoreError, Ticket};
use crate::job::Emitted;

impl JobStore {
    /// Is notified after each commit.
    #[must_use]
    pub fn news(&self) -> Arc<Notify> {
        self.inner.outbox.news()
    }

    /// What a job has emitted to a port, from an offset on, and that was not acknowledged.
    ///
    /// # Errors
    /// [`JobStoreError`] where it cannot be read.
    pub fn streamed(
        &self,
        id: &str,
        port: &str,
        from: u64,
        most: usize,
    ) -> Result<Vec<Emitted>, JobStoreError> {
        let (from, most) = (signed(from), signed(most as u64));
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT r.number, r.record FROM jackfield_stream_records r JOIN jackfield_jobs j ON j.number = r.job
                     WHERE j.id = ?1 AND r.port = ?2 AND r.number >= ?3 ORDER BY r.number LIMIT ?4",
                )?
                .query_map(params![id, port, from, most], |row| {
                    Ok(Emitted {
                        offset: row.get::<_, i64>(0)?.unsigned_abs(),
                        record: Bytes::from(row.get::<_, Vec<u8>>(1)?),
                    })
                })?
                .collect()
        })
    }

    /// How many records of a job at a port were not acknowledged.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn unacknowledged(&self, number: i64, port: &str) -> Result<u64, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM jackfield_stream_records WHERE job = ?1 AND port = ?2",
                )?
                .query_row(params![number, port], |row| {
                    row.get::<_, i64>(0).map(i64::unsigned_abs)
                })
        })
    }

    /// Forgets what a job has emitted to a port below an offset; gives whether there is such a job.
    pub fn acknowledge(&self, id: String, port: String, below: u64) -> Ticket<bool> {
        self.inner.writer.write(move |transaction| {
            let number: Option<i64> = transaction
                .prepare_cached("SELECT number FROM jackfield_jobs WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            transaction
                .prepare_cached(
                    "DELETE FROM jackfield_stream_records WHERE job = ?1 AND port = ?2 AND number < ?3",
                )?
                .execute(params![number, port, signed(below)])?;
            Ok(number.is_some())
        })
    }
}

/// SQLite's integers are signed; nothing counts as far as that.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    number: i64,
    port: &str,
    records: &[Vec<u8>],
) -> rusqlite::Result<()> {
    let mut next: i64 = transaction
        .prepare_cached("SELECT next FROM jackfield_streams WHERE job = ?1 AND port = ?2")?
        .query_row(params![number, port], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO jackfield_stream_records (job, port, number, record) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for record in records {
        insert.execute(params![number, port, next, record])?;
        next += 1;
    }
    transaction
        .prepare_cached(
            "INSERT INTO jackfield_streams (job, port, next) VALUES (?1, ?2, ?3)
             ON CONFLICT (job, port) DO UPDATE SET next = excluded.next",
        )?
        .execute(params![number, port, next])?;
    Ok(())
}
