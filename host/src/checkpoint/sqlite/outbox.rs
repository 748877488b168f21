//! Records that sinks owe to a service, as a table: they are added and removed with the epoch, and sent when it is committed.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Row, params};

use super::BUSY;
use crate::checkpoint::StoreError;
use crate::record::{Batch, EventTime, NO_EVENT_TIME};

/// Bytes of records that are read at once; one that is larger is read alone.
const READ_BYTES: usize = 1 << 20;

/// What counts at the epoch of parameter 2: not what was added behind it, and also what was removed behind it.
const COUNTS: &str = "sink = ?1 AND epoch <= ?2 AND (removed IS NULL OR removed > ?2)";

/// A record that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its number, which no other record of the database ever has.
    pub id: i64,
    /// When the sink took it, milliseconds since the Unix epoch.
    pub at: i64,
    /// The record.
    pub record: Vec<u8>,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its event time, [`NO_EVENT_TIME`] if it has none.
    pub timestamp: EventTime,
}

pub(super) fn write(
    connection: &Connection,
    (sink, epoch, at): (&str, u64, i64),
    batch: &Batch,
    mut is_wanted: impl FnMut(usize) -> bool,
) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO jackfield_owed (sink, epoch, at, record, key, timestamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for index in (0..batch.len()).filter(|&index| is_wanted(index)) {
        let record = batch.record(index);
        let key = (!batch.keys.is_empty()).then_some(record.key);
        let timestamp = (record.timestamp != NO_EVENT_TIME).then_some(record.timestamp);
        put.execute(params![
            sink,
            epoch.cast_signed(),
            at,
            record.value,
            key,
            timestamp
        ])?;
    }
    Ok(())
}

/// Removes records in the epoch of that number; they are gone for good when it is settled.
pub(super) fn remove(connection: &Connection, ids: &[i64], epoch: u64) -> rusqlite::Result<()> {
    let mut mark =
        connection.prepare_cached("UPDATE jackfield_owed SET removed = ?2 WHERE id = ?1")?;
    ids.iter()
        .try_for_each(|id| mark.execute([*id, epoch.cast_signed()]).map(drop))
}

/// Settles what the epoch of that number added and removed.
pub(super) fn settle(connection: &Connection, epoch: u64, counts: bool) -> rusqlite::Result<()> {
    let statements = if counts {
        &["DELETE FROM jackfield_owed WHERE removed = ?1"][..]
    } else {
        &[
            "UPDATE jackfield_owed SET removed = NULL WHERE removed = ?1",
            "DELETE FROM jackfield_owed WHERE epoch = ?1",
        ]
    };
    statements.iter().try_for_each(|statement| {
        connection
            .prepare_cached(statement)?
            .execute([epoch.cast_signed()])
            .map(drop)
    })
}

/// How many records each sink owes, undecided ones included.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare("SELECT sink, count(*) FROM jackfield_owed GROUP BY sink ORDER BY sink")?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })?
        .collect()
}

/// What a sink owes, for whoever delivers it: read beside the transaction of the epoch that is under way, of which it sees nothing.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    connection: Connection,
    sink: String,
}

impl Outbox {
    pub(in crate::checkpoint) fn open(path: &Path, sink: &str) -> Result<Self, StoreError> {
        // Opened for writing all the same: a reader of a write-ahead log takes part in its locking.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        Ok(Self {
            path: path.to_owned(),
            connection: connect().map_err(|error| StoreError::of_sqlite(path, error))?,
            sink: sink.to_owned(),
        })
    }

    /// Records behind a number, in their order, as the checkpoint of that epoch has them: at least one if there is one, else a mebibyte or so.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn read(&self, behind: i64, epoch: u64) -> Result<Vec<Owed>, StoreError> {
        self.records(behind, epoch)
            .map_err(|error| StoreError::of_sqlite(&self.path, error))
    }

    fn records(&self, behind: i64, epoch: u64) -> rusqlite::Result<Vec<Owed>> {
        let select = format!(
            "SELECT id, at, record, key, timestamp FROM jackfield_owed WHERE {COUNTS} AND id > ?3 ORDER BY id LIMIT 256"
        );
        let mut statement = self.connection.prepare_cached(&select)?;
        let mut rows = statement.query(params![self.sink, epoch.cast_signed(), behind])?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let owed = owed(row)?;
            bytes += owed.record.len();
            records.push(owed);
            if bytes >= READ_BYTES {
                break;
            }
        }
        Ok(records)
    }

    /// How many there are at the checkpoint of that epoch.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be counted.
    pub fn count(&self, epoch: u64) -> Result<u64, StoreError> {
        let select = format!("SELECT count(*) FROM jackfield_owed WHERE {COUNTS}");
        self.connection
            .query_row(&select, params![self.sink, epoch.cast_signed()], |row| {
                Ok(row.get::<_, i64>(0)?.cast_unsigned())
            })
            .map_err(|error| StoreError::of_sqlite(&self.path, error))
    }
}

fn owed(row: &Row<'_>) -> rusqlite::Result<Owed> {
    Ok(Owed {
        id: row.get(0)?,
        at: row.get(1)?,
        record: row.get(2)?,
        key: row.get(3)?,
        timestamp: row.get::<_, Option<i64>>(4)?.unwrap_or(NO_EVENT_TIME),
    })
}
