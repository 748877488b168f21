//! The tables of jobs, and whether a database has them.

use std::path::Path;

use rusqlite::Connection;

use super::JobStoreError;

/// Marks the file as ours in SQLite's header ("JFJB").
const APPLICATION_ID: i32 = 0x4a46_4a42;

/// The version of the tables below, and of the facts in them.
const FORMAT: i32 = 1;

const TABLES: &str = "
CREATE TABLE jackfield_store (pipeline TEXT NOT NULL, identity TEXT NOT NULL);
CREATE TABLE jackfield_jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    idempotency_key TEXT,
    input BLOB NOT NULL,
    state TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    wakes_at INTEGER,
    finished_at INTEGER,
    progress TEXT,
    outcome BLOB,
    written INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jackfield_jobs_by_key ON jackfield_jobs (job, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jackfield_jobs_by_turn ON jackfield_jobs (job, state, wakes_at) WHERE wakes_at IS NOT NULL;
CREATE INDEX jackfield_jobs_by_wake ON jackfield_jobs (state, wakes_at) WHERE wakes_at IS NOT NULL;
CREATE INDEX jackfield_jobs_by_end ON jackfield_jobs (job, finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE jackfield_job_entries (
    number INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    at INTEGER NOT NULL,
    fact BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX jackfield_job_entries_by_job ON jackfield_job_entries (job);
CREATE TABLE jackfield_expectations (trigger_name TEXT NOT NULL, correlation TEXT, job INTEGER NOT NULL);
CREATE INDEX jackfield_expectations_by_correlation ON jackfield_expectations (trigger_name, correlation, job);
CREATE INDEX jackfield_expectations_by_job ON jackfield_expectations (job);
CREATE TABLE jackfield_callbacks (
    trigger_name TEXT NOT NULL,
    delivery TEXT NOT NULL,
    correlation TEXT NOT NULL,
    payload BLOB NOT NULL,
    came_at INTEGER NOT NULL,
    PRIMARY KEY (trigger_name, delivery)
) WITHOUT ROWID;
CREATE INDEX jackfield_callbacks_by_correlation ON jackfield_callbacks (trigger_name, correlation);
CREATE TABLE jackfield_deliveries (
    trigger_name TEXT NOT NULL,
    delivery TEXT NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (trigger_name, delivery)
) WITHOUT ROWID;
CREATE INDEX jackfield_deliveries_by_job ON jackfield_deliveries (job);
CREATE TABLE jackfield_outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    port TEXT NOT NULL,
    at INTEGER NOT NULL,
    record BLOB NOT NULL
);
CREATE TABLE jackfield_streams (job INTEGER NOT NULL, port TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (job, port)) WITHOUT ROWID;
CREATE TABLE jackfield_stream_records (
    job INTEGER NOT NULL,
    port TEXT NOT NULL,
    number INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (job, port, number)
);
CREATE INDEX jackfield_outbox_by_port ON jackfield_outbox (job, port, position);
";

/// Makes the tables in an empty database, checks them in one that is not; gives what tells it from one made anew.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    pipeline: &str,
) -> Result<String, JobStoreError> {
    let unusable = |error| JobStoreError::of_sqlite(path, error);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(unusable)?;
    if tables == 0 {
        create(connection, pipeline).map_err(unusable)?;
    }
    check(connection, path, pipeline)
}

fn create(connection: &mut Connection, pipeline: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO jackfield_store (pipeline, identity) VALUES (?1, lower(hex(randomblob(8))))",
        [pipeline],
    )?;
    transaction.commit()
}

/// Whether a database is one of jobs, of this pipeline and this format; gives its identity.
pub(super) fn check(
    connection: &Connection,
    path: &Path,
    pipeline: &str,
) -> Result<String, JobStoreError> {
    let unusable = |error| JobStoreError::of_sqlite(path, error);
    let foreign = |found: String| JobStoreError::Foreign {
        path: path.to_owned(),
        found,
    };
    let pragma = |name: &str| {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0))
            .map_err(unusable)
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(foreign("it is a database of something else".to_owned()));
    }
    let format = pragma("user_version")?;
    if format != FORMAT {
        return Err(foreign(format!(
            "it has format {format}, this host reads format {FORMAT}"
        )));
    }
    let (owner, identity): (String, String) = connection
        .query_row(
            "SELECT pipeline, identity FROM jackfield_store",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(unusable)?;
    match owner == pipeline {
        true => Ok(identity),
        false => Err(foreign(format!("it holds those of the pipeline `{owner}`"))),
    }
}
