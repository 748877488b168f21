//! The tables of jobs, and whether a database has them.

use std::path::Path;

use rusqlite::Connection;

use super::JobStoreError;

/// Marks the file as ours in SQLite's header ("JFJB").
const APPLICATION_ID: i32 = 0x4a46_4a42;

/// The version of the tables below, and of the facts in them.
const FORMAT: i32 = 2;

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
    written INTEGER NOT NULL DEFAULT 0,
    version TEXT,
    target TEXT,
    former TEXT
);
CREATE UNIQUE INDEX jackfield_jobs_by_key ON jackfield_jobs (job, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jackfield_jobs_by_turn ON jackfield_jobs (job, version, state, wakes_at) WHERE finished_at IS NULL;
CREATE INDEX jackfield_jobs_by_former ON jackfield_jobs (job, former) WHERE former IS NOT NULL;
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

/// What the first format has not: the version that a job was started with, that which it is to go on under, and that which it may go back to.
const FROM_FORMAT_1: &str = "
ALTER TABLE jackfield_jobs ADD COLUMN version TEXT;
ALTER TABLE jackfield_jobs ADD COLUMN target TEXT;
ALTER TABLE jackfield_jobs ADD COLUMN former TEXT;
DROP INDEX jackfield_jobs_by_turn;
DROP INDEX jackfield_jobs_by_wake;
CREATE INDEX jackfield_jobs_by_turn ON jackfield_jobs (job, version, state, wakes_at) WHERE finished_at IS NULL;
CREATE INDEX jackfield_jobs_by_former ON jackfield_jobs (job, former) WHERE former IS NOT NULL;
";

/// Makes the tables in an empty database, brings those of the former format up to date, checks them in one that is not; gives what tells it from one made anew.
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
    if application_id(connection).map_err(unusable)? == APPLICATION_ID {
        bring_up_to_date(connection).map_err(unusable)?;
    }
    check(connection, path, pipeline)
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

fn format(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Where it is of another pipeline it is this one's to say so afterwards: its jobs are the same in either format.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    if format(connection)? == 1 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(FROM_FORMAT_1)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.commit()?;
    }
    Ok(())
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
    if application_id(connection).map_err(unusable)? != APPLICATION_ID {
        return Err(foreign("it is a database of something else".to_owned()));
    }
    let found = format(connection).map_err(unusable)?;
    if found != FORMAT {
        let remedy = match found < FORMAT {
            true => ", and brings it up to date when it runs the pipeline",
            false => "",
        };
        return Err(foreign(format!(
            "it has format {found}, this host reads format {FORMAT}{remedy}"
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
