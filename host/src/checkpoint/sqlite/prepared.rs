//! Changes of an undecided epoch: written as they come, in a few large rows, and applied to the state when the epoch is settled.

use rusqlite::{Connection, params};
use xxhash_rust::xxh3::xxh3_64;

use super::state;
use crate::checkpoint::packed::{self, Change};
use crate::checkpoint::state::Written;
use crate::plugin::Changes;

/// Bytes of a row.
const PART_BYTES: usize = 1 << 20;

/// Why prepared changes cannot be applied.
pub(super) enum Unusable {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Adds changes to those that an epoch has prepared.
pub(super) fn write(
    connection: &Connection,
    epoch: u64,
    changes: &[(String, u32, Changes)],
) -> rusqlite::Result<Written> {
    let mut written = Written::default();
    let mut parts = Parts {
        connection,
        epoch,
        written: 0,
        bytes: Vec::new(),
    };
    for (stage, version, changes) in changes {
        for change in Change::each(*version, changes) {
            written.count(&change);
            parts.push(stage, &change)?;
        }
        parts.end(stage)?;
    }
    Ok(written)
}

/// Rows of one epoch in the making.
struct Parts<'a> {
    connection: &'a Connection,
    epoch: u64,
    written: i64,
    bytes: Vec<u8>,
}

impl Parts<'_> {
    fn push(&mut self, stage: &str, change: &Change<'_>) -> rusqlite::Result<()> {
        packed::push(&mut self.bytes, change);
        if self.bytes.len() >= PART_BYTES {
            self.end(stage)?;
        }
        Ok(())
    }

    fn end(&mut self, stage: &str) -> rusqlite::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO jackfield_prepared (epoch, part, stage, changes, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                self.epoch.cast_signed(),
                self.written,
                stage,
                self.bytes,
                checksum(stage, &self.bytes)
            ])?;
        self.written += 1;
        self.bytes.clear();
        Ok(())
    }
}

fn checksum(stage: &str, bytes: &[u8]) -> i64 {
    (xxh3_64(bytes) ^ xxh3_64(stage.as_bytes())).cast_signed()
}

/// Makes the changes that an epoch has prepared part of the state.
pub(super) fn apply(connection: &Connection, epoch: u64) -> Result<(), Unusable> {
    let mut statement = connection.prepare_cached(
        "SELECT stage, changes, checksum FROM jackfield_prepared WHERE epoch = ?1 ORDER BY part",
    )?;
    let mut rows = statement.query([epoch.cast_signed()])?;
    let damaged = || Unusable::Damaged(format!("what epoch {epoch} has prepared is damaged"));
    while let Some(row) = rows.next()? {
        let stage = row.get_ref(0)?.as_str().map_err(|_| damaged())?;
        let mut bytes = row.get_ref(1)?.as_blob().map_err(|_| damaged())?;
        if checksum(stage, bytes) != row.get::<_, i64>(2)? {
            return Err(damaged());
        }
        while let Some((change, size)) = packed::first(bytes).map_err(|_| damaged())? {
            state::put(connection, stage, &change)?;
            bytes = &bytes[size..];
        }
    }
    Ok(())
}

/// Lets go of what an epoch has prepared.
pub(super) fn remove(connection: &Connection, epoch: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM jackfield_prepared WHERE epoch = ?1")?
        .execute([epoch.cast_signed()])
        .map(drop)
}
