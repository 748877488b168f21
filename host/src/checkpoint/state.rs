//! State entries: what the stages remember of each key.

use super::packed::Change;
use crate::plugin::Entries;
use crate::record::{key_group, owner_of_group};

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

/// Entries on their way to the workers that own their keys, gathered into parts of a few mebibytes: of each worker never more than one is in memory.
pub(crate) struct Parts {
    open: Vec<Entries>,
}

impl Parts {
    /// Parts for so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            open: vec![Entries::default(); workers],
        }
    }

    /// Adds an entry for a worker; gives a part when there is enough for one.
    pub(crate) fn push(
        &mut self,
        worker: usize,
        (key, version, value): (&[u8], u32, &[u8]),
    ) -> Option<Entries> {
        let part = &mut self.open[worker];
        part.keys.push(key);
        part.versions.push(version);
        part.values.push(value);
        let bytes = part.keys.bytes() + part.values.bytes();
        (bytes >= LOAD_BYTES).then(|| std::mem::take(part))
    }

    /// Hands each of these entries to the one of `workers` workers that owns its key, as parts.
    ///
    /// # Errors
    /// The first error of `each`.
    pub(crate) fn deal<'a, E>(
        workers: usize,
        entries: impl IntoIterator<Item = (&'a [u8], u32, &'a [u8])>,
        mut each: impl FnMut(usize, &Entries) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut parts = Self::new(workers);
        for entry in entries {
            let worker = owner_of_group(key_group(entry.0), workers);
            if let Some(part) = parts.push(worker, entry) {
                each(worker, &part)?;
            }
        }
        let mut rest = parts.rest();
        rest.try_for_each(|(worker, part)| each(worker, &part))
    }

    /// What is left, each with its worker.
    pub(crate) fn rest(self) -> impl Iterator<Item = (usize, Entries)> {
        let parts = self.open.into_iter().enumerate();
        parts.filter(|(_, part)| !part.versions.is_empty())
    }
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}
