//! Callbacks on their way to a job: to the one that expects them, or kept until one does.
//!
//! Whom a callback is for is decided within the one thread that writes: what a job comes to expect is written before or after, never in between.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{JobStore, JobStoreError, Ticket};
use crate::job::call::Time;
use crate::job::journal::Callback;
use crate::job::machine::Reception;

/// Where a callback belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the job with this identifier.
    Job(String),
    /// To nobody yet; it is kept.
    Kept(Reception),
}

impl JobStore {
    /// Finds the job that expects a callback; where any is expected that nobody else does, keeps it.
    pub fn route(&self, callback: Callback, at: Time) -> Ticket<Route> {
        self.inner
            .writer
            .write(move |transaction| route(transaction, &callback, at))
    }

    /// Forgets callbacks that came before a time and that no job asked for.
    pub fn forget_callbacks(&self, before: Time) -> Ticket<usize> {
        self.inner.writer.write(move |transaction| {
            transaction.execute(
                "DELETE FROM jackfield_callbacks WHERE came_at < ?1",
                [before],
            )
        })
    }

    /// Callbacks that are kept and that a job has come to expect by name.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn kept_for(&self, number: i64) -> Result<Vec<Callback>, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT c.trigger_name, c.correlation, c.delivery, c.payload
                     FROM jackfield_expectations e JOIN jackfield_callbacks c
                     ON c.trigger_name = e.trigger_name AND c.correlation = e.correlation
                     WHERE e.job = ?1 ORDER BY c.came_at",
                )?
                .query_map([number], |row| {
                    Ok(Callback {
                        trigger: row.get(0)?,
                        correlation: row.get(1)?,
                        delivery: row.get(2)?,
                        payload: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    /// Jobs for which callbacks are kept that they expect by name: the host stopped before it gave them.
    ///
    /// # Errors
    /// [`JobStoreError`] where that cannot be read.
    pub fn with_kept(&self) -> Result<Vec<String>, JobStoreError> {
        self.read(|connection| {
            connection
                .prepare(
                    "SELECT DISTINCT j.id FROM jackfield_callbacks c
                     JOIN jackfield_expectations e ON e.trigger_name = c.trigger_name AND e.correlation = c.correlation
                     JOIN jackfield_jobs j ON j.number = e.job",
                )?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }
}

fn route(transaction: &Transaction<'_>, callback: &Callback, at: Time) -> rusqlite::Result<Route> {
    let Callback {
        trigger,
        correlation,
        delivery,
        payload,
    } = callback;
    let exists = |query: &str, values: &[&str]| {
        transaction
            .prepare_cached(query)?
            .exists(rusqlite::params_from_iter(values))
    };
    // The word that it was taken may not have reached its sender, who tries again until the job may long be over.
    let taken = "SELECT 1 FROM jackfield_deliveries WHERE trigger_name = ?1 AND delivery = ?2
                 UNION ALL SELECT 1 FROM jackfield_callbacks WHERE trigger_name = ?1 AND delivery = ?2";
    if exists(taken, &[trigger, delivery])? {
        return Ok(Route::Kept(Reception::Repeated));
    }
    let job = transaction
        .prepare_cached(
            "SELECT j.id FROM jackfield_expectations e JOIN jackfield_jobs j ON j.number = e.job
             WHERE e.trigger_name = ?1 AND e.correlation = ?2 ORDER BY e.job LIMIT 1",
        )?
        .query_row(params![trigger, correlation], |row| row.get(0))
        .optional()?;
    if let Some(id) = job {
        return Ok(Route::Job(id));
    }
    let any =
        "SELECT 1 FROM jackfield_expectations WHERE trigger_name = ?1 AND correlation IS NULL";
    if !exists(any, &[trigger])? {
        return Ok(Route::Kept(Reception::Unknown));
    }
    transaction
        .prepare_cached(
            "INSERT INTO jackfield_callbacks (trigger_name, correlation, delivery, payload, came_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![trigger, correlation, delivery, payload, at])?;
    Ok(Route::Kept(Reception::Accepted))
}

/// A job has taken a callback: it is kept for nobody else, and known when it comes again.
pub(super) fn taken(
    transaction: &Transaction<'_>,
    number: i64,
    callback: &Callback,
) -> rusqlite::Result<()> {
    let Callback {
        trigger, delivery, ..
    } = callback;
    transaction
        .prepare_cached(
            "DELETE FROM jackfield_callbacks WHERE trigger_name = ?1 AND delivery = ?2",
        )?
        .execute(params![trigger, delivery])?;
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO jackfield_deliveries (trigger_name, delivery, job) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![trigger, delivery, number])?;
    Ok(())
}
