//! State entries: what the stages remember of each key.

use super::packed::Change;
use crate::plugin::Entries;

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

impl Written {
    pub(super) fn count(&mut self, change: &Change<'_>) {
        self.entries += 1;
        self.bytes += change
            .value
            .map_or(0, |(_, value)| (change.key.len() + value.len()) as u64);
    }
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

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}
