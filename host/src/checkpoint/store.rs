//! The database of a pipeline.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use xxhash_rust::xxh3::xxh3_64;

use super::lock::Lock;
use super::state::Parts;
use super::{
    Checkpoint, DeadLetter, DeadLetterFilter, StoredDeadLetter, StoredEntry, StoredKey,
    dead_letters, schema, state,
};
use crate::error::Code;
use crate::plugin::{Changes, Entries};

/// How many checkpoints are remembered for `jackfield checkpoint list`; state is kept for the last one alone.
const HISTORY: u64 = 100;

/// The database of a pipeline: checkpoints, state, dead letters, and the tables of its sqlite sinks.
///
/// What is written after a commit belongs to the epoch that is under way: it stands in an open transaction, which the next
/// [`commit`](Store::commit) ends and [`roll_back`](Store::roll_back) or the end of the process undoes.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
    /// Held for as long as the store may write.
    _lock: Option<Lock>,
}

/// When a checkpoint that is written counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// At once.
    Certain,
    /// When something else has been committed too, which [`Store::settle`] tells.
    Undecided,
}

/// The database cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the lock cannot be made.
    #[error("cannot create {}: {error}", path.display())]
    Create {
        /// What cannot be made.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is none.
    #[error("there is no checkpoint database at {}: the pipeline has not run yet", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("{} is in use: another process runs the pipeline", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// It is somebody else's.
    #[error("{} cannot hold the checkpoints of this pipeline: {found}", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
        /// Whose it is.
        found: String,
    },
    /// It is not what was written.
    #[error("{} is damaged: {found}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// `SQLite` cannot read or write it.
    #[error("{}: {error}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What `SQLite` says.
        error: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType,
        };
        if matches!(
            error,
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..)
        ) {
            return Self::Damaged {
                path,
                found: error.to_string(),
            };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign {
                path,
                found: "it is not an SQLite database".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                found: error.to_string(),
            },
            _ => Self::Sqlite { path, error },
        }
    }

    /// Whether another process has taken over.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        false
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Create { .. } | Self::Sqlite { .. } => Code::CHECKPOINT_WRITE,
            Self::Missing { .. } => Code::CHECKPOINT_MISSING,
            Self::Damaged { .. } => Code::CHECKPOINT_UNUSABLE,
            Self::Locked { .. } => Code::CHECKPOINT_LOCKED,
            Self::Foreign { .. } => Code::CHECKPOINT_FOREIGN,
        }
    }
}

impl Store {
    /// Opens the database at `path` for the pipeline, or makes it, and keeps other processes from running the pipeline.
    ///
    /// # Errors
    /// [`StoreError`] where it is locked, damaged or another's.
    pub fn open(path: &Path, pipeline: &str) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| StoreError::Create {
                path: folder.to_owned(),
                error,
            })?;
        }
        let lock = Lock::take(path)?;
        Self::connect(path, pipeline, OpenFlags::default(), Some(lock))
    }

    /// Opens the database to look at what was last committed; the pipeline may be running.
    ///
    /// # Errors
    /// [`StoreError`] where there is none, or it is damaged or another's.
    pub fn open_read_only(path: &Path, pipeline: &str) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        // Opened for writing all the same: a reader of a write-ahead log takes part in its locking.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Self::connect(path, pipeline, flags, None)?;
        store
            .connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| StoreError::of(path, error))?;
        Ok(store)
    }

    fn connect(
        path: &Path,
        pipeline: &str,
        flags: OpenFlags,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        let unusable = |error| StoreError::of(path, error);
        let mut connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .map_err(unusable)?;
        connection
            .pragma_update(None, "synchronous", "full")
            .map_err(unusable)?;
        schema::prepare(&mut connection, path, pipeline, lock.is_some())?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            _lock: lock,
        })
    }

    fn unusable(&self, error: rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, error)
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] where it is damaged.
    pub fn latest(&self) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.history(1)?.pop().map(|(checkpoint, ..)| checkpoint))
    }

    /// The last checkpoints, the newest first, each with the number of entries and the bytes of state that it wrote.
    ///
    /// # Errors
    /// [`StoreError`] where one is damaged.
    pub fn history(&self, limit: u64) -> Result<Vec<(Checkpoint, u64, u64)>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = self
            .connection
            .prepare("SELECT body, entries_changed, state_bytes_changed, checksum FROM jackfield_checkpoints ORDER BY epoch DESC LIMIT ?1")
            .and_then(|mut statement| {
                statement
                    .query_map([limit.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                    .collect()
            })
            .map_err(|error| self.unusable(error))?;
        rows.into_iter()
            .map(|(body, entries, bytes, checksum)| {
                if xxh3_64(body.as_bytes()).cast_signed() != checksum {
                    return Err(self.damaged(
                        "a checkpoint does not have the checksum it was written with".to_owned(),
                    ));
                }
                let checkpoint = serde_json::from_str(&body).map_err(|error| {
                    self.damaged(format!("a checkpoint cannot be read: {error}"))
                })?;
                Ok((checkpoint, entries.cast_unsigned(), bytes.cast_unsigned()))
            })
            .collect()
    }

    fn damaged(&self, found: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            found,
        }
    }

    /// Reads all that a stage remembers, in the order of (key group, key).
    ///
    /// # Errors
    /// [`StoreError`] where an entry is damaged, or the first error of `each`.
    pub fn entries(
        &self,
        stage: &str,
        each: impl FnMut(StoredEntry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        state::read(
            &self.connection,
            stage,
            each,
            |error| self.unusable(error),
            |found| self.damaged(found),
        )
    }

    /// Reads all that a stage remembers in parts that are good to hand over, a list of parts for each of `workers` workers.
    ///
    /// # Errors
    /// [`StoreError`] where an entry is damaged.
    pub fn parts(&self, stage: &str, workers: usize) -> Result<Vec<Vec<Entries>>, StoreError> {
        let mut parts: Vec<Vec<Entries>> = vec![Vec::new(); workers];
        let mut open: Vec<Parts> = (0..workers).map(|_| Parts::default()).collect();
        self.entries(stage, |entry| {
            let worker = crate::record::owner_of_group(entry.key_group, workers);
            parts[worker].extend(open[worker].push(&entry));
            Ok(())
        })?;
        for (parts, open) in parts.iter_mut().zip(open) {
            parts.extend((!open.part.keys.is_empty()).then_some(open.part));
        }
        Ok(parts)
    }

    /// The keys of which a stage remembers something and that begin with `prefix`, in their order, at most so many.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError> {
        state::keys(&self.connection, stage, prefix, limit).map_err(|error| self.unusable(error))
    }

    /// What a stage remembers of one key.
    ///
    /// # Errors
    /// [`StoreError`] where the entry is damaged.
    pub fn entry(&self, stage: &str, key: &[u8]) -> Result<Option<StoredEntry>, StoreError> {
        state::entry(&self.connection, stage, key)
            .map_err(|error| self.unusable(error))?
            .map(|stored| stored.verified().map_err(|found| self.damaged(found)))
            .transpose()
    }

    /// The stages that remember something, with the number of their keys and the bytes of keys and values.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn stages_with_state(&self) -> Result<Vec<(String, u64, u64)>, StoreError> {
        self.connection
            .prepare("SELECT stage, count(*), sum(length(key) + length(value)) FROM jackfield_state GROUP BY stage")
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| {
                    let (entries, bytes): (i64, i64) = (row.get(1)?, row.get(2)?);
                    Ok((row.get(0)?, entries.cast_unsigned(), bytes.cast_unsigned()))
                };
                statement.query_map([], row)?.collect()
            })
            .map_err(|error| self.unusable(error))
    }

    /// The versions in which the entries of a stage were written.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn state_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError> {
        self.connection
            .prepare(
                "SELECT DISTINCT version FROM jackfield_state WHERE stage = ?1 ORDER BY version",
            )
            .and_then(|mut statement| statement.query_map([stage], |row| row.get(0))?.collect())
            .map_err(|error| self.unusable(error))
    }

    /// The dead letters that `filter` lets through, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        dead_letters::read(&self.connection, filter).map_err(|error| self.unusable(error))
    }

    /// How many of the dead letters that `filter` lets through there are of each stage and code, most first. Its limit does not count.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn dead_letter_counts(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(String, String, u64)>, StoreError> {
        dead_letters::counts(&self.connection, filter).map_err(|error| self.unusable(error))
    }

    /// The connection inside the transaction of the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be begun.
    pub fn transaction(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.is_autocommit() {
            self.connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| StoreError::of(&self.path, error))?;
        }
        Ok(&self.connection)
    }

    /// Adds dead letters to the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be written.
    pub fn write_dead_letters(
        &mut self,
        epoch: u64,
        now: i64,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        dead_letters::write(self.transaction()?, epoch, now, letters)
            .map_err(|error| StoreError::of(&path, error))
    }

    /// Takes dead letters out of the queue, with the epoch that is under way.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be written.
    pub fn remove_dead_letters(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        let path = self.path.clone();
        dead_letters::remove(self.transaction()?, ids).map_err(|error| StoreError::of(&path, error))
    }

    /// Begins a new epoch, above all that ever were, and gives it and the pipeline's origin (as in [`Checkpoint`]). Whoever worked on an earlier one can
    /// commit nothing any more.
    ///
    /// # Errors
    /// [`StoreError`] where the claim cannot be written.
    pub fn claim(&mut self) -> Result<(u64, u64), StoreError> {
        let last = self.latest()?.unwrap_or_default();
        Ok((last.epoch + 1, last.origin))
    }

    /// The epoch whose checkpoint was written, but counts only if something else was committed too.
    #[must_use]
    pub fn undecided(&self) -> Option<u64> {
        None
    }

    /// Settles whether the undecided epoch counts.
    ///
    /// # Errors
    /// [`StoreError`] where the decision cannot be written.
    pub fn settle(&mut self, _counts: bool) -> Result<(), StoreError> {
        Ok(())
    }

    /// Ends the epoch: its rows and dead letters, the changes of state (stage, state version, changes) and the checkpoint become
    /// true together.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be written; then nothing of the epoch is.
    pub fn commit(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        _finality: Finality,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        write_checkpoint(self.transaction()?, checkpoint, changes)
            .map_err(|error| StoreError::of(&path, error))
    }

    /// Undoes what was written since the last commit.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be used any more.
    pub fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection
            .execute_batch("ROLLBACK")
            .map_err(|error| self.unusable(error))
    }

    /// Whether a table of that name exists, and its columns.
    ///
    /// # Errors
    /// [`StoreError`] where the database cannot be read.
    pub fn columns_of(&self, table: &str) -> Result<Option<Vec<String>>, StoreError> {
        let columns: Option<String> = self
            .connection
            .query_row(
                "SELECT json_group_array(name) FROM pragma_table_info(?1)",
                [table],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.unusable(error))?;
        let columns: Vec<String> = columns
            .and_then(|columns| serde_json::from_str(&columns).ok())
            .unwrap_or_default();
        Ok((!columns.is_empty()).then_some(columns))
    }
}

fn write_checkpoint(
    connection: &Connection,
    checkpoint: &Checkpoint,
    changes: &[(String, u32, Changes)],
) -> rusqlite::Result<()> {
    let (mut entries, mut bytes) = (0, 0);
    for (stage, version, changes) in changes {
        let written = state::write(connection, stage, *version, changes)?;
        entries += written.entries;
        bytes += written.bytes;
    }
    let body = serde_json::to_string(checkpoint)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let checksum = xxh3_64(body.as_bytes()).cast_signed();
    connection.execute(
        "INSERT INTO jackfield_checkpoints (epoch, body, entries_changed, state_bytes_changed, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![checkpoint.epoch.cast_signed(), body, entries.cast_signed(), bytes.cast_signed(), checksum],
    )?;
    connection.execute(
        "DELETE FROM jackfield_checkpoints WHERE epoch <= ?1",
        [checkpoint.epoch.saturating_sub(HISTORY).cast_signed()],
    )?;
    connection.execute_batch("COMMIT")
}
