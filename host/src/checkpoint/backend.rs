//! What a place that keeps checkpoints has to do.

use std::fmt;
use std::ops::ControlFlow;

use super::state::{StoredEntry, StoredKey};
use super::{
    Checkpoint, DeadLetter, DeadLetterFilter, Finality, Recorded, StageState, StoreError,
    StoredDeadLetter,
};
use crate::plugin::Changes;

/// A kind of store. What each method means is said of the methods of [`Store`](super::Store), which has them by the same names.
///
/// What is read is what counts: never a checkpoint that is undecided, nor anything that belongs to its epoch.
pub(super) trait Backend: fmt::Debug + Send {
    fn place(&self) -> String;

    fn history(&self, limit: u64) -> Result<Vec<Recorded>, StoreError>;

    fn entries(&self, stage: &str, each: &mut EachEntry<'_>) -> Result<(), StoreError>;

    fn keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError>;

    fn entry(&self, stage: &str, key: &[u8]) -> Result<Option<StoredEntry>, StoreError>;

    fn stages_with_state(&self) -> Result<Vec<StageState>, StoreError>;

    fn state_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError>;

    fn dead_letters(&self, filter: &DeadLetterFilter) -> Result<Vec<StoredDeadLetter>, StoreError>;

    fn dead_letter_counts(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(String, String, u64)>, StoreError>;

    fn claim(&mut self) -> Result<(u64, u64), StoreError>;

    fn write_dead_letters(
        &mut self,
        epoch: u64,
        now: i64,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError>;

    fn remove_dead_letters(&mut self, ids: &[i64]) -> Result<(), StoreError>;

    fn commit(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<(), StoreError>;

    fn undecided(&self) -> Option<u64>;

    fn settle(&mut self, counts: bool) -> Result<(), StoreError>;

    fn roll_back(&mut self) -> Result<(), StoreError>;

    fn close(&mut self) -> Result<(), StoreError>;
}

/// Takes the entries of a stage, one after another, until it has had enough.
pub(super) type EachEntry<'a> = dyn FnMut(StoredEntry) -> ControlFlow<()> + 'a;
