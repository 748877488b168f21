//! What became of the records of an outbox, between the delivery that finds it out and the sink that puts it into the next checkpoint.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::checkpoint::{DeadLetter, Owed, StoreError};
use crate::pipeline::progress::{Debt, Progress, SinkProgress};

/// What became of the records of an attempt.
#[derive(Debug)]
pub(super) struct Ledger {
    progress: Arc<SinkProgress>,
    entries: Mutex<Entries>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Entries {
    /// Records that are neither delivered nor given up, those of the epoch under way among them.
    owed: u64,
    delivered: Vec<i64>,
    refused: Vec<(i64, DeadLetter)>,
    /// Those that are on their way, by their numbers, with when they were taken.
    under_way: BTreeMap<i64, i64>,
    /// Why nothing is delivered any more.
    failure: Option<StoreError>,
}

impl Ledger {
    pub(super) fn new(progress: &Arc<Progress>, index: usize, owed: u64) -> Self {
        let progress = Arc::clone(&progress.sinks()[index]);
        progress.backlog.begin(owed);
        Self {
            progress,
            entries: Mutex::new(Entries {
                owed,
                ..Entries::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut Debt)) {
        self.progress.backlog.change(change);
    }

    /// How many records are owed; what keeps the delivery from its work comes up here.
    pub(super) fn check(&self) -> Result<u64, StoreError> {
        let mut entries = self.entries();
        match entries.failure.take() {
            Some(error) => Err(error),
            None => Ok(entries.owed),
        }
    }

    /// Waits until something became of a record, at most so long.
    pub(super) fn wait(&self, longest: Duration) {
        let waited = self.changed.wait_timeout(self.entries(), longest);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn owe(&self, records: u64) {
        self.change(|entries| entries.owed += records);
    }

    pub(super) fn take_delivered(&self) -> Vec<i64> {
        std::mem::take(&mut self.entries().delivered)
    }

    pub(super) fn take_refused(&self) -> Vec<(i64, DeadLetter)> {
        std::mem::take(&mut self.entries().refused)
    }

    pub(super) fn under_way(&self, owed: &Owed) {
        self.change(|entries| {
            entries.under_way.insert(owed.id, owed.at);
        });
    }

    pub(super) fn delivered(&self, id: i64) {
        self.change(|entries| {
            entries.delivered.push(id);
            entries.end(id);
        });
    }

    pub(super) fn refused(&self, id: i64, letter: DeadLetter) {
        self.change(|entries| {
            entries.refused.push((id, letter));
            entries.end(id);
        });
    }

    pub(super) fn failed(&self, error: &str) {
        let error = error.to_owned();
        self.tell(|debt| debt.last_error = Some(error));
    }

    pub(super) fn broke_off(&self, error: StoreError) {
        self.change(|entries| entries.failure = Some(error));
    }

    fn change(&self, change: impl FnOnce(&mut Entries)) {
        let mut entries = self.entries();
        change(&mut entries);
        let (owed, oldest) = (entries.owed, entries.under_way.values().min().copied());
        self.tell(|debt| {
            debt.records = owed;
            debt.oldest = oldest;
        });
        self.changed.notify_all();
    }
}

impl Entries {
    fn end(&mut self, id: i64) {
        self.under_way.remove(&id);
        self.owed = self.owed.saturating_sub(1);
    }
}
