//! State entries: what the stages remember, one row a key.

use rusqlite::{Connection, OptionalExtension, Row, params};
use xxhash_rust::xxh3::Xxh3Default;

use super::StoreError;
use crate::plugin::{Changes, Entries};
use crate::record::key_group;

/// Bytes of state that are handed to an instance in one call.
const LOAD_BYTES: usize = 4 << 20;

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The stage that remembers.
    pub stage: String,
    /// The group of the key.
    pub key_group: u16,
    /// The key of the records which it belongs to.
    pub key: Vec<u8>,
    /// The state version that the value is of.
    pub version: u32,
    /// What is remembered.
    pub value: Vec<u8>,
}

/// An entry without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key of the records which the entry belongs to.
    pub key: Vec<u8>,
    /// The group of the key.
    pub key_group: u16,
    /// The state version that the value is of.
    pub version: u32,
    /// Bytes of the value.
    pub bytes: u64,
}

/// What a write of changes came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

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
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO jackfield_state (stage, key_group, key, version, value, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut written = Written::default();
    for (key, value) in changes.keys.iter().zip(changes.values.iter()) {
        put.execute(params![
            stage,
            key_group(key),
            key,
            version,
            value,
            checksum(stage, key, version, value)
        ])?;
        written.entries += 1;
        written.bytes += (key.len() + value.len()) as u64;
    }
    let mut forget = connection.prepare_cached(
        "DELETE FROM jackfield_state WHERE stage = ?1 AND key_group = ?2 AND key = ?3",
    )?;
    for key in changes.forgotten.iter() {
        forget.execute(params![stage, key_group(key), key])?;
        written.entries += 1;
    }
    Ok(written)
}

/// Reads the entries of the stages that `wanted` names, in the order of (stage, key group, key).
pub(super) fn read(
    connection: &Connection,
    stage: &str,
    mut each: impl FnMut(StoredEntry) -> Result<(), StoreError>,
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
        each(stored.verified().map_err(&damaged)?)?;
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

/// Gathers entries into parts of a size that is good to hand over.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) part: Entries,
}

impl Parts {
    /// Adds an entry; gives a part when there is enough for one.
    pub(super) fn push(&mut self, entry: &StoredEntry) -> Option<Entries> {
        self.part.keys.push(&entry.key);
        self.part.versions.push(entry.version);
        self.part.values.push(&entry.value);
        let bytes = self.part.keys.bytes() + self.part.values.bytes();
        (bytes >= LOAD_BYTES).then(|| std::mem::take(&mut self.part))
    }
}
