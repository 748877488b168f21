//! State entries as a table: one row a key.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, Row, params};
use xxhash_rust::xxh3::Xxh3Default;

use crate::checkpoint::backend::EachEntry;
use crate::checkpoint::packed::Change;
use crate::checkpoint::state::Written;
use crate::checkpoint::{StageState, StoreError, StoredEntry, StoredKey};
use crate::plugin::Changes;
use crate::record::key_group;

fn checksum(stage: &str, key: &[u8], version: u32, value: &[u8]) -> i64 {
    let mut hasher = Xxh3Default::new();
    for part in [stage.as_bytes(), key] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&version.to_le_bytes());
    hasher.update(value);
    hasher.digest().cast_signed()
}

pub(super) fn write(
    connection: &Connection,
    stage: &str,
    version: u32,
    changes: &Changes,
) -> rusqlite::Result<Written> {
    let mut written = Written::default();
    for change in Change::each(version, changes) {
        put(connection, stage, &change)?;
        written.count(&change);
    }
    Ok(written)
}

/// Makes what has become of a key true.
pub(super) fn put(
    connection: &Connection,
    stage: &str,
    change: &Change<'_>,
) -> rusqlite::Result<()> {
    let Change { key_group, key, .. } = change;
    match change.value {
        Some((version, value)) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO jackfield_state (stage, key_group, key, version, value, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![stage, key_group, key, version, value, checksum(stage, key, version, value)]),
        None => connection
            .prepare_cached("DELETE FROM jackfield_state WHERE stage = ?1 AND key_group = ?2 AND key = ?3")?
            .execute(params![stage, key_group, key]),
    }
    .map(drop)
}

/// Reads the entries of a stage in the order of (key group, key).
pub(super) fn read(
    connection: &Connection,
    stage: &str,
    each: &mut EachEntry<'_>,
    unusable: impl Fn(rusqlite::Error) -> StoreError,
    damaged: impl Fn(String) -> StoreError,
) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT key_group, key, version, value, checksum FROM jackfield_state WHERE stage = ?1 ORDER BY key_group, key",
        )
        .map_err(&unusable)?;
    let mut rows = statement.query([stage]).map_err(&unusable)?;
    while let Some(row) = rows.next().map_err(&unusable)? {
        let stored = Unverified::of(stage, row).map_err(&unusable)?;
        if each(stored.verified().map_err(&damaged)?) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// A row of the table, before anybody may rely on it.
pub(super) struct Unverified {
    entry: StoredEntry,
    checksum: i64,
}

impl Unverified {
    /// From the columns key group, key, version, value, checksum.
    fn of(stage: &str, row: &Row<'_>) -> rusqlite::Result<Self> {
        let entry = StoredEntry {
            stage: stage.to_owned(),
            key_group: row.get(0)?,
            key: row.get(1)?,
            version: row.get(2)?,
            value: row.get(3)?,
        };
        Ok(Self {
            entry,
            checksum: row.get(4)?,
        })
    }

    /// The entry if it is what was written, else what is wrong with it.
    pub(super) fn verified(self) -> Result<StoredEntry, String> {
        let Self {
            entry,
            checksum: stored,
        } = self;
        let StoredEntry {
            stage,
            key_group: group,
            key,
            version,
            value,
        } = &entry;
        if stored != checksum(stage, key, *version, value) || *group != key_group(key) {
            let key = key.escape_ascii();
            return Err(format!(
                "the entry of the stage `{stage}` with the key `{key}` is damaged"
            ));
        }
        Ok(entry)
    }
}

pub(super) fn entry(
    connection: &Connection,
    stage: &str,
    key: &[u8],
) -> rusqlite::Result<Option<Unverified>> {
    connection
        .query_row(
            "SELECT key_group, key, version, value, checksum FROM jackfield_state
             WHERE stage = ?1 AND key_group = ?2 AND key = ?3",
            params![stage, key_group(key), key],
            |row| Unverified::of(stage, row),
        )
        .optional()
}

pub(super) fn keys(
    connection: &Connection,
    stage: &str,
    prefix: &[u8],
    limit: Option<u64>,
) -> rusqlite::Result<Vec<StoredKey>> {
    let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let stored = |row: &Row<'_>| {
        Ok(StoredKey {
            key: row.get(0)?,
            key_group: row.get(1)?,
            version: row.get(2)?,
            bytes: row.get::<_, i64>(3)?.cast_unsigned(),
        })
    };
    connection
        .prepare(
            "SELECT key, key_group, version, length(value) FROM jackfield_state
             WHERE stage = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key LIMIT ?3",
        )?
        .query_map(params![stage, prefix, limit], stored)?
        .collect()
}

pub(super) fn stages(connection: &Connection) -> rusqlite::Result<Vec<StageState>> {
    let stage = |row: &Row<'_>| {
        Ok(StageState {
            stage: row.get(0)?,
            keys: row.get::<_, i64>(1)?.cast_unsigned(),
            bytes: row.get::<_, i64>(2)?.cast_unsigned(),
        })
    };
    connection
        .prepare("SELECT stage, count(*), sum(length(key) + length(value)) FROM jackfield_state GROUP BY stage")?
        .query_map([], stage)?
        .collect()
}

pub(super) fn versions(connection: &Connection, stage: &str) -> rusqlite::Result<Vec<u32>> {
    connection
        .prepare("SELECT DISTINCT version FROM jackfield_state WHERE stage = ?1 ORDER BY version")?
        .query_map([stage], |row| row.get(0))?
        .collect()
}
