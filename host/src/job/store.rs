//! Jobs on disk: an SQLite database of their own, since that of the checkpoints is one long transaction.
//!
//! Everything is written by one thread (`writer`), which commits what has come together since the last commit at once: under load many jobs share an `fsync`.
//! What a job's journal says, where it stands and what it emitted are written in one transaction. Each append names how long the journal was: a job that goes on in two
//! places, or after an append that failed, is found out before anything is written.

mod append;
mod callbacks;
mod error;
mod look;
mod outbox;
mod schema;
mod stream;
#[cfg(test)]
mod tests;
mod versions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

pub use append::{Append, Port};
pub use callbacks::Route;
pub use error::JobStoreError;
pub use look::{Filter, Look, Step};
pub use outbox::{Emitted, Outbox};
pub use versions::Relocation;
pub use writer::Ticket;

use super::call::Time;
use super::journal::Entry;
use super::view::State;
use crate::checkpoint::Lock;
use writer::Writer;

/// How long another connection may keep this one waiting.
const BUSY: Duration = Duration::from_secs(10);

/// Jobs of a pipeline on disk. Cloning shares it.
#[derive(Clone, Debug)]
pub struct JobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// What tells this database from one that was made anew in its place.
    identity: String,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    outbox: outbox::Shared,
    _lock: Lock,
}

/// A job to be made.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its identifier.
    pub id: String,
    /// The job of the manifest.
    pub job: String,
    /// The version of its definition.
    pub version: String,
    /// By which a repeated submission is known.
    pub idempotency_key: Option<String>,
    /// What it is started with.
    pub input: Vec<u8>,
    /// When.
    pub at: Time,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// There is a job more.
    New,
    /// There was one already.
    Repeated(String),
    /// There was one with this key already, for another input.
    OtherInput(String),
}

/// A job as it is read to go on.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its number in the database.
    pub number: i64,
    /// The job of the manifest.
    pub job: String,
    /// The version that its journal is of; none where a host made it that kept none.
    pub version: Option<String>,
    /// The version to go back to, as long as no step was made since it was moved.
    pub former: Option<String>,
    /// What it was started with.
    pub input: Vec<u8>,
    /// When it was submitted.
    pub submitted_at: Time,
    /// Its journal.
    pub entries: Vec<Entry>,
    /// How many entries were ever written.
    pub written: i64,
}

/// A job that can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its identifier.
    pub id: String,
}

impl JobStore {
    /// Opens the database, or makes it, and keeps other processes from running the jobs.
    ///
    /// # Errors
    /// [`JobStoreError`] where it cannot be used.
    pub fn open(path: &Path, pipeline: &str) -> Result<Self, JobStoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| JobStoreError::Create {
                path: folder.to_owned(),
                error,
            })?;
        }
        let lock = Lock::take(path)?;
        let mut connection = connect(path, OpenFlags::default())?;
        let identity = schema::prepare(&mut connection, path, pipeline)?;
        let outbox = outbox::Shared::default();
        let writer = Writer::start(connection, path, outbox.clone())?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                identity,
                writer,
                readers: Mutex::default(),
                outbox,
                _lock: lock,
            }),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Makes a job, if there is none with its idempotency key.
    pub fn submit(&self, submitted: Submitted) -> Ticket<Made> {
        self.inner
            .writer
            .write(move |transaction| submit(transaction, &submitted))
    }

    /// Adds to a job. What is added later comes later, and fails if this does.
    pub fn append(&self, append: Append) -> Ticket<()> {
        self.inner
            .writer
            .write(move |transaction| append::write(transaction, &append))
    }

    /// Forgets jobs of the manifest's `job` that ended before a time, and callbacks that nobody asked for since. Gives how many jobs went.
    pub fn forget(&self, job: String, before: Time) -> Ticket<usize> {
        self.inner.writer.write(move |transaction| {
            let old =
                "SELECT number FROM jackfield_jobs WHERE job = ?1 AND finished_at < ?2 LIMIT 1000";
            for table in ["job_entries", "streams", "stream_records", "deliveries"] {
                transaction.execute(
                    &format!("DELETE FROM jackfield_{table} WHERE job IN ({old})"),
                    params![job, before],
                )?;
            }
            let gone = transaction.execute(
                &format!("DELETE FROM jackfield_jobs WHERE number IN ({old})"),
                params![job, before],
            )?;
            Ok(gone)
        })
    }

    /// Reads a job and its journal.
    ///
    /// # Errors
    /// [`JobStoreError`] where it cannot be read; none if there is none.
    pub fn load(&self, id: &str) -> Result<Option<Loaded>, JobStoreError> {
        self.read(|connection| {
            let job = connection
                .prepare_cached(
                    "SELECT number, job, input, submitted_at, written, version, former FROM jackfield_jobs WHERE id = ?1",
                )?
                .query_row([id], |row| {
                    Ok(Loaded {
                        number: row.get(0)?,
                        job: row.get(1)?,
                        input: row.get(2)?,
                        submitted_at: row.get(3)?,
                        entries: Vec::new(),
                        written: row.get(4)?,
                        version: row.get(5)?,
                        former: row.get(6)?,
                    })
                })
                .optional()?;
            job.map(|mut job| {
                job.entries = look::entries(connection, job.number)?;
                Ok(job)
            })
            .transpose()
        })
    }

    /// Jobs of a version of the manifest's `job` that can go on at this time, those that have waited longest first.
    ///
    /// # Errors
    /// [`JobStoreError`] where they cannot be read.
    pub fn due(
        &self,
        job: &str,
        version: &str,
        now: Time,
        most: usize,
    ) -> Result<Vec<Due>, JobStoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let query = "SELECT id FROM jackfield_jobs
             WHERE job = ?1 AND version = ?2 AND finished_at IS NULL AND state = ?3 AND wakes_at <= ?4 ORDER BY wakes_at LIMIT ?5";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(query)?;
            let mut due = Vec::new();
            // What is ready is so whatever the clock says.
            for (state, until) in [(State::Waiting, now), (State::Ready, Time::MAX)] {
                let rows = statement
                    .query_map(params![job, version, state.as_str(), until, most], |row| {
                        Ok(Due { id: row.get(0)? })
                    })?;
                for row in rows {
                    due.push(row?);
                }
            }
            Ok(due)
        })
    }

    fn read<R>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<R, JobStoreError> {
        let readers = || {
            self.inner
                .readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let free = readers().pop();
        let connection = match free {
            Some(connection) => connection,
            None => reader(&self.inner.path)?,
        };
        let result = read(&connection);
        readers().push(connection);
        result.map_err(|error| JobStoreError::of_sqlite(&self.inner.path, error))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, JobStoreError> {
    let unusable = |error| JobStoreError::of_sqlite(path, error);
    let connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
    connection.busy_timeout(BUSY).map_err(unusable)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(unusable)?;
    Ok(connection)
}

/// Opened for writing all the same: a reader of a write-ahead log takes part in its locking.
fn reader(path: &Path) -> Result<Connection, JobStoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| JobStoreError::of_sqlite(path, error))?;
    Ok(connection)
}

fn submit(transaction: &Transaction<'_>, submitted: &Submitted) -> rusqlite::Result<Made> {
    if let Some(key) = &submitted.idempotency_key {
        let known = transaction
            .prepare_cached(
                "SELECT id, input FROM jackfield_jobs WHERE job = ?1 AND idempotency_key = ?2",
            )?
            .query_row(params![submitted.job, key], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()?;
        if let Some((id, input)) = known {
            return Ok(match input == submitted.input {
                true => Made::Repeated(id),
                false => Made::OtherInput(id),
            });
        }
    }
    transaction
        .prepare_cached(
            "INSERT INTO jackfield_jobs (id, job, idempotency_key, input, state, submitted_at, wakes_at, version)
             VALUES (?1, ?2, ?3, ?4, 'ready', ?5, ?5, ?6)",
        )?
        .execute(params![
            submitted.id,
            submitted.job,
            submitted.idempotency_key,
            submitted.input,
            submitted.at,
            submitted.version
        ])?;
    Ok(Made::New)
}

fn encode<T: serde::Serialize>(value: &T) -> rusqlite::Result<Vec<u8>> {
    postcard::to_allocvec(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
