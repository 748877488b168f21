//! How much an instance remembers. State ends on the host's disk, and a plugin could return for ever what it does not hold itself: the memory of its
//! sandbox bounds what it can work with, not what it can leave behind.
//!
//! The sum has to be exact when an entry is written over or forgotten, so the size of each is kept, under a fingerprint of its key: 13 bytes a
//! place in the table, 15 to 30 bytes a key, which is little beside what the instance itself needs for it.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Breach, Changes, Entries};

/// What one instance remembers, bytes of keys and values.
#[derive(Debug)]
pub(super) struct StateAccount {
    limit: u64,
    bytes: u64,
    /// Chosen at random: no plugin can make keys that share a fingerprint.
    seed: u64,
    sizes: HashMap<Fingerprint, u32, BuildHasherDefault<Unchanged>>,
}

/// XXH3 of a key. In halves, so that with the size it takes 12 bytes and not 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint([u32; 2]);

const _: () = assert!(size_of::<(Fingerprint, u32)>() == 12);

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.0[0]) << 32 | u64::from(self.0[1]));
    }
}

/// What is a hash already is not hashed again.
#[derive(Debug, Default)]
struct Unchanged(u64);

impl Hasher for Unchanged {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Fingerprints alone are written, and those as numbers.
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }
}

impl StateAccount {
    /// An empty one, that may come to so many bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            bytes: 0,
            seed: RandomState::new().hash_one(limit),
            sizes: HashMap::default(),
        }
    }

    /// Takes note of what is loaded.
    pub(super) fn load(&mut self, entries: &Entries) -> Result<(), Breach> {
        for index in 0..entries.keys.len() {
            self.remember(entries.keys.get(index), entries.values.get(index));
        }
        self.check()
    }

    /// Takes note of what was flushed.
    pub(super) fn change(&mut self, changes: &Changes) -> Result<(), Breach> {
        for index in 0..changes.forgotten.len() {
            self.replace(changes.forgotten.get(index), None);
        }
        for index in 0..changes.keys.len() {
            self.remember(changes.keys.get(index), changes.values.get(index));
        }
        self.check()
    }

    fn remember(&mut self, key: &[u8], value: &[u8]) {
        let size = key.len().saturating_add(value.len());
        self.replace(key, Some(u32::try_from(size).unwrap_or(u32::MAX)));
    }

    fn replace(&mut self, key: &[u8], size: Option<u32>) {
        let hash = xxh3_64_with_seed(key, self.seed);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
        let fingerprint = Fingerprint([(hash >> 32) as u32, hash as u32]);
        let former = match size {
            Some(size) => self.sizes.insert(fingerprint, size),
            None => self.sizes.remove(&fingerprint),
        };
        self.bytes += u64::from(size.unwrap_or_default());
        self.bytes -= u64::from(former.unwrap_or_default());
    }

    fn check(&self) -> Result<(), Breach> {
        match self.bytes > self.limit {
            true => Err(Breach::StateBytes {
                limit: self.limit,
                wanted: self.bytes,
            }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::record::Column;

    fn column<'a>(strings: impl IntoIterator<Item = &'a [u8]>) -> Column {
        let mut column = Column::new();
        strings.into_iter().for_each(|string| column.push(string));
        column
    }

    fn changes(written: &[(Vec<u8>, Vec<u8>)], forgotten: &[Vec<u8>]) -> Changes {
        Changes {
            keys: column(written.iter().map(|(key, _)| &key[..])),
            values: column(written.iter().map(|(_, value)| &value[..])),
            forgotten: column(forgotten.iter().map(|key| &key[..])),
        }
    }

    fn entry(key: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        (key.into(), value.into())
    }

    #[test]
    fn a_limit_that_is_reached_is_not_exceeded() {
        let mut account = StateAccount::new(6);
        assert_eq!(
            account.change(&changes(&[entry("abc", "123")], &[])),
            Ok(())
        );
        let exceeded = account.change(&changes(&[entry("abc", "1234")], &[]));
        let (limit, wanted) = (6, 7);
        assert_eq!(exceeded, Err(Breach::StateBytes { limit, wanted }));
    }

    #[test]
    fn what_is_loaded_counts_until_it_is_forgotten() {
        let mut account = StateAccount::new(6);
        let loaded = Entries {
            keys: column([&b"abc"[..]]),
            versions: vec![1],
            values: column([&b"123"[..]]),
        };
        assert_eq!(account.load(&loaded), Ok(()));
        let other = changes(&[entry("x", "12345")], &[b"abc".to_vec()]);
        assert_eq!(account.change(&other), Ok(()));
    }

    #[test]
    fn to_forget_what_was_never_remembered_changes_nothing() {
        let mut account = StateAccount::new(0);
        assert_eq!(account.change(&changes(&[], &[b"abc".to_vec()])), Ok(()));
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_a_map(
            flushes in vec((vec((vec(0_u8..4, 0..3), vec(any::<u8>(), 0..9)), 0..6), vec(vec(0_u8..4, 0..3), 0..4)), 0..12),
        ) {
            let mut account = StateAccount::new(u64::MAX);
            let mut map = BTreeMap::new();
            for (written, forgotten) in flushes {
                prop_assert_eq!(account.change(&changes(&written, &forgotten)), Ok(()));
                for key in &forgotten {
                    map.remove(key);
                }
                map.extend(written);
                let sum: usize = map.iter().map(|(key, value)| key.len() + value.len()).sum();
                prop_assert_eq!(account.bytes, sum as u64);
            }
        }
    }
}
