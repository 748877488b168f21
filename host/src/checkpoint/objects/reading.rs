//! What counts, as it is read.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::merge::merge;
use super::run::{Extent, Run};
use super::{Objects, log};
use crate::checkpoint::backend::EachEntry;
use crate::checkpoint::packed::Change;
use crate::checkpoint::{Recorded, StageState, StoreError, StoredEntry, StoredKey};
use crate::record::key_group;

impl Objects {
    fn state(&self) -> &[Run] {
        self.current.as_ref().map_or(&[], |current| &current.state)
    }

    pub(super) fn letters(&self) -> &[Run] {
        self.current
            .as_ref()
            .map_or(&[], |current| &current.letters)
    }

    pub(super) fn read_history(&self, limit: u64) -> Result<Vec<Recorded>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut history = Vec::new();
        let mut next = None;
        if let Some(current) = self.current.as_ref().filter(|_| limit > 0) {
            history.push(current.recorded());
            next = current.base;
        }
        while let Some(number) = next.filter(|_| history.len() < limit) {
            let entry = log::read(&self.bucket, &self.pipeline, number)?;
            // Older ones have been removed.
            let Some(log::Content::Checkpoint(snapshot)) = entry.map(|entry| entry.content) else {
                break;
            };
            history.push(snapshot.recorded());
            next = snapshot.base;
        }
        Ok(history)
    }

    /// Reads the keys of a stage that have a value, in the order of (key group, key), until `each` has had enough.
    fn each(
        &self,
        stage: &str,
        mut each: impl FnMut(Kept<'_>) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        merge(&self.bucket, self.state(), stage, |change| {
            Ok(Kept::of(change).map_or(ControlFlow::Continue(()), &mut each))
        })
    }

    pub(super) fn read_entries(
        &self,
        stage: &str,
        each: &mut EachEntry<'_>,
    ) -> Result<(), StoreError> {
        self.each(stage, |kept| each(kept.entry(stage)))
    }

    pub(super) fn read_keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError> {
        let limit = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let mut first: BTreeMap<Vec<u8>, StoredKey> = BTreeMap::new();
        self.each(stage, |kept| {
            if kept.key.starts_with(prefix) {
                first.insert(kept.key.to_vec(), kept.stored_key());
                if first.len() > limit {
                    first.pop_last();
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(first.into_values().collect())
    }

    pub(super) fn read_entry(
        &self,
        stage: &str,
        key: &[u8],
    ) -> Result<Option<StoredEntry>, StoreError> {
        let wanted = (key_group(key), key);
        let mut found = None;
        self.each(stage, |kept| {
            if (kept.key_group, kept.key) < wanted {
                return ControlFlow::Continue(());
            }
            found = (kept.key == key).then(|| kept.entry(stage));
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// What is known of a stage without reading any of it: what one run says where it is the only one that says something.
    fn only_extent(&self, stage: &str) -> Option<&Extent> {
        let mut extents = self.state().iter().filter_map(|run| run.stages.get(stage));
        let only = extents.next().filter(|extent| extent.forgotten == 0)?;
        extents.next().is_none().then_some(only)
    }

    pub(super) fn measure_stages(&self) -> Result<Vec<StageState>, StoreError> {
        let mut stages: Vec<&String> = self
            .state()
            .iter()
            .flat_map(|run| run.stages.keys())
            .collect();
        stages.sort();
        stages.dedup();
        let mut measured = Vec::with_capacity(stages.len());
        for stage in stages {
            let (mut keys, mut bytes) = (0, 0);
            if let Some(extent) = self.only_extent(stage) {
                (keys, bytes) = (extent.kept, extent.bytes);
            } else {
                self.each(stage, |kept| {
                    keys += 1;
                    bytes += (kept.key.len() + kept.value.len()) as u64;
                    ControlFlow::Continue(())
                })?;
            }
            let stage = stage.clone();
            measured.extend((keys > 0).then_some(StageState { stage, keys, bytes }));
        }
        Ok(measured)
    }

    pub(super) fn read_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError> {
        let extents = self.state().iter().filter_map(|run| run.stages.get(stage));
        let mut possible: Vec<u32> = extents
            .flat_map(|extent| extent.versions.iter().copied())
            .collect();
        possible.sort_unstable();
        possible.dedup();
        // Some may be of values that newer runs have replaced.
        let mut found = Vec::with_capacity(possible.len());
        self.each(stage, |kept| {
            if !found.contains(&kept.version) {
                found.push(kept.version);
            }
            match found.len() < possible.len() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        found.sort_unstable();
        Ok(found)
    }
}

/// A key that has a value.
#[derive(Clone, Copy)]
struct Kept<'a> {
    key_group: u16,
    key: &'a [u8],
    version: u32,
    value: &'a [u8],
}

impl<'a> Kept<'a> {
    fn of(change: &Change<'a>) -> Option<Self> {
        let (version, value) = change.value?;
        Some(Self {
            key_group: change.key_group,
            key: change.key,
            version,
            value,
        })
    }

    fn entry(&self, stage: &str) -> StoredEntry {
        StoredEntry {
            stage: stage.to_owned(),
            key_group: self.key_group,
            key: self.key.to_vec(),
            version: self.version,
            value: self.value.to_vec(),
        }
    }

    fn stored_key(&self) -> StoredKey {
        StoredKey {
            key: self.key.to_vec(),
            key_group: self.key_group,
            version: self.version,
            bytes: self.value.len() as u64,
        }
    }
}
