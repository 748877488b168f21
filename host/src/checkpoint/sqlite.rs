//! Checkpoints in an SQLite database, which has room for the tables of sinks too: their rows and the checkpoint are one transaction.

mod dead_letters;
mod lock;
mod outbox;
mod prepared;
mod schema;
mod state;
mod transaction;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use xxhash_rust::xxh3::xxh3_64;

use super::backend::{Backend, EachEntry};
use super::{
    Checkpoint, DeadLetter, DeadLetterFilter, Finality, Recorded, StageState, StoreError,
    StoredDeadLetter, StoredEntry, StoredKey,
};
use crate::plugin::Changes;
use crate::record::Batch;
pub(crate) use lock::Lock;
pub use outbox::{Outbox, Owed};

/// How long another connection may keep this one waiting.
const BUSY: Duration = Duration::from_secs(10);

/// A database.
///
/// What is written after a commit stands in an open transaction. An undecided checkpoint is committed with a mark and its changes aside; to settle it is a
/// part of the transaction of the epoch after it.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    connection: Connection,
    /// Held for as long as the store may write.
    _lock: Option<Lock>,
    /// What the table of claims said when this store wrote it.
    claimed: Option<u64>,
    undecided: Option<u64>,
    /// How the open transaction has settled an undecided epoch.
    settled: Option<(u64, bool)>,
    /// Dead letters that the epoch under way takes out of the queue.
    removed: Vec<i64>,
}

impl Sqlite {
    /// Opens the database, or makes it, and keeps other processes from running the pipeline.
    pub(super) fn open(
        path: &Path,
        pipeline: &str,
        task: Option<&str>,
    ) -> Result<Self, StoreError> {
        let path = &path_of_task(path, task);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| StoreError::Create {
                path: folder.to_owned(),
                error,
            })?;
        }
        let lock = Lock::take(path)?;
        Self::connect(
            path,
            &owner(pipeline, task),
            OpenFlags::default(),
            Some(lock),
        )
    }

    /// Opens the database to look at what counts; the pipeline may be running.
    pub(super) fn open_read_only(
        path: &Path,
        pipeline: &str,
        task: Option<&str>,
    ) -> Result<Self, StoreError> {
        let path = &path_of_task(path, task);
        if !path.exists() {
            return Err(StoreError::Missing {
                place: path.display().to_string(),
            });
        }
        // Opened for writing all the same: a reader of a write-ahead log takes part in its locking.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Self::connect(path, &owner(pipeline, task), flags, None)?;
        store
            .connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| store.unusable(error))?;
        Ok(store)
    }

    fn connect(
        path: &Path,
        owner: &str,
        flags: OpenFlags,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        let unusable = |error| StoreError::of_sqlite(path, error);
        let mut connection = Connection::open_with_flags(path, flags).map_err(unusable)?;
        connection.busy_timeout(BUSY).map_err(unusable)?;
        connection
            .pragma_update(None, "synchronous", "full")
            .map_err(unusable)?;
        schema::prepare(&mut connection, path, owner, lock.is_some())?;
        let mut store = Self {
            path: path.to_owned(),
            connection,
            _lock: lock,
            claimed: None,
            undecided: None,
            settled: None,
            removed: Vec::new(),
        };
        store.undecided = store.find_undecided()?;
        Ok(store)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn unusable(&self, error: rusqlite::Error) -> StoreError {
        StoreError::of_sqlite(&self.path, error)
    }

    fn damaged(&self, found: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            place: self.place(),
            found: found.into(),
        }
    }

    fn find_undecided(&self) -> Result<Option<u64>, StoreError> {
        let found: Option<i64> = self
            .connection
            .query_row(
                "SELECT max(epoch) FROM jackfield_checkpoints WHERE undecided",
                [],
                |row| row.get(0),
            )
            .map_err(|error| self.unusable(error))?;
        Ok(found.map(i64::cast_unsigned))
    }

    pub(super) fn columns_of(&self, table: &str) -> Result<Option<Vec<String>>, StoreError> {
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

    /// Adds records of a batch to those that a sink owes, with the epoch that is under way.
    pub(super) fn owe(
        &mut self,
        about: (&str, u64, i64),
        batch: &Batch,
        is_wanted: impl FnMut(usize) -> bool,
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        outbox::write(self.transaction()?, about, batch, is_wanted)
            .map_err(|error| StoreError::of_sqlite(&path, error))
    }

    /// Removes records that are not owed any more, with the epoch that is under way.
    pub(super) fn owe_no_longer(&mut self, ids: &[i64], epoch: u64) -> Result<(), StoreError> {
        let path = self.path.clone();
        outbox::remove(self.transaction()?, ids, epoch)
            .map_err(|error| StoreError::of_sqlite(&path, error))
    }

    /// How many records each sink owes.
    pub(super) fn owed(&self) -> Result<Vec<(String, u64)>, StoreError> {
        outbox::counts(&self.connection).map_err(|error| self.unusable(error))
    }

    fn recorded(&self, row: RecordedRow) -> Result<Recorded, StoreError> {
        if xxh3_64(row.body.as_bytes()).cast_signed() != row.checksum {
            return Err(self.damaged("a checkpoint does not have the checksum it was written with"));
        }
        let checkpoint: Checkpoint = serde_json::from_str(&row.body)
            .map_err(|error| self.damaged(format!("a checkpoint cannot be read: {error}")))?;
        Ok(Recorded {
            checkpoint,
            entries: row.entries.cast_unsigned(),
            bytes: row.bytes.cast_unsigned(),
        })
    }
}

/// A row of the table of checkpoints, before anybody may rely on it.
struct RecordedRow {
    body: String,
    entries: i64,
    bytes: i64,
    checksum: i64,
}

impl RecordedRow {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            body: row.get(0)?,
            entries: row.get(1)?,
            bytes: row.get(2)?,
            checksum: row.get(3)?,
        })
    }
}

impl Backend for Sqlite {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn history(&self, limit: u64) -> Result<Vec<Recorded>, StoreError> {
        let rows: Vec<RecordedRow> = self
            .connection
            .prepare(
                "SELECT body, entries_changed, state_bytes_changed, checksum FROM jackfield_checkpoints
                 WHERE NOT undecided ORDER BY epoch DESC LIMIT ?1",
            )
            .and_then(|mut statement| {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                statement.query_map([limit], RecordedRow::of)?.collect()
            })
            .map_err(|error| self.unusable(error))?;
        rows.into_iter().map(|row| self.recorded(row)).collect()
    }

    fn entries(&self, stage: &str, each: &mut EachEntry<'_>) -> Result<(), StoreError> {
        state::read(
            &self.connection,
            stage,
            each,
            |error| self.unusable(error),
            |found| self.damaged(found),
        )
    }

    fn keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError> {
        state::keys(&self.connection, stage, prefix, limit).map_err(|error| self.unusable(error))
    }

    fn entry(&self, stage: &str, key: &[u8]) -> Result<Option<StoredEntry>, StoreError> {
        state::entry(&self.connection, stage, key)
            .map_err(|error| self.unusable(error))?
            .map(|stored| stored.verified().map_err(|found| self.damaged(found)))
            .transpose()
    }

    fn stages_with_state(&self) -> Result<Vec<StageState>, StoreError> {
        state::stages(&self.connection).map_err(|error| self.unusable(error))
    }

    fn state_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError> {
        state::versions(&self.connection, stage).map_err(|error| self.unusable(error))
    }

    fn dead_letters(&self, filter: &DeadLetterFilter) -> Result<Vec<StoredDeadLetter>, StoreError> {
        dead_letters::read(&self.connection, filter).map_err(|error| self.unusable(error))
    }

    fn dead_letter_counts(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(String, String, u64)>, StoreError> {
        dead_letters::counts(&self.connection, filter).map_err(|error| self.unusable(error))
    }

    fn claim(&mut self) -> Result<(u64, u64), StoreError> {
        self.begin_claim()
    }

    fn write_dead_letters(
        &mut self,
        epoch: u64,
        now: i64,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        let path = self.path.clone();
        dead_letters::write(self.transaction()?, epoch, now, letters)
            .map_err(|error| StoreError::of_sqlite(&path, error))
    }

    fn remove_dead_letters(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        self.removed.extend_from_slice(ids);
        Ok(())
    }

    fn commit(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<(), StoreError> {
        self.end_epoch(checkpoint, changes, finality)
    }

    fn undecided(&self) -> Option<u64> {
        self.undecided
    }

    fn settle(&mut self, counts: bool) -> Result<(), StoreError> {
        self.settle_undecided(counts)
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        self.undo()
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let settled = self.settled;
        self.undo()?;
        if let Some((_, counts)) = settled {
            self.settle_undecided(counts)?;
            self.connection
                .execute_batch("COMMIT")
                .map_err(|error| self.unusable(error))?;
            self.settled = None;
        }
        Ok(())
    }
}

/// Each task has a file of its own: `pipeline.db`, `pipeline.TASK.db`.
fn path_of_task(path: &Path, task: Option<&str>) -> PathBuf {
    let Some(task) = task else {
        return path.to_owned();
    };
    let name = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let stem = name(path.file_stem());
    path.with_file_name(match path.extension() {
        Some(extension) => format!("{stem}.{task}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{task}"),
    })
}

fn owner(pipeline: &str, task: Option<&str>) -> String {
    match task {
        Some(task) => format!("{pipeline}/{task}"),
        None => pipeline.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_a_file_of_its_own() {
        let path = |task| path_of_task(Path::new("/data/orders.db"), task);
        assert_eq!(path(None), Path::new("/data/orders.db"));
        assert_eq!(
            path(Some("records-3")),
            Path::new("/data/orders.records-3.db")
        );
        let plain = path_of_task(Path::new("orders"), Some("records-3"));
        assert_eq!(plain, Path::new("orders.records-3"));
    }
}
