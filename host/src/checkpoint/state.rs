//! State entries: what the stages remember, one row a key.

use rusqlite::{Connection, params};
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
        put.execute(params![stage, key_group(key), key, version, value, checksum(stage, key, version, value)])?;
        written.entries += 1;
        written.bytes += (key.len() + value.len()) as u64;
    }
    let mut forget =
        connection.prepare_cached("DELETE FROM jackfield_state WHERE stage = ?1 AND key_group = ?2 AND key = ?3")?;
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
        let entry = || -> rusqlite::Result<(StoredEntry, i64)> {
            let entry = StoredEntry {
                stage: stage.to_owned(),
                key_group: row.get(0)?,
                key: row.get(1)?,
                version: row.get(2)?,
                value: row.get(3)?,
            };
            Ok((entry, row.get(4)?))
        };
        let (entry, stored) = entry().map_err(&unusable)?;
        if stored != checksum(stage, &entry.key, entry.version, &entry.value) || entry.key_group != key_group(&entry.key) {
            let key = entry.key.escape_ascii();
            return Err(damaged(format!("the entry of the stage `{stage}` with the key `{key}` is damaged")));
        }
        each(entry)?;
    }
    Ok(())
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
