//! Checkpoints in an object store: nothing is ever altered, and the only thing asked of it beyond keeping objects is to refuse a name that is in use.
//!
//! A [log](log) of numbered entries says what counts. A checkpoint is an entry that names *runs*, which together are the state: an epoch adds one with what
//! it changed, and from time to time some are merged. So a checkpoint takes as long as its changes are many, and to go back to the one before it is to
//! read another entry. The dead-letter queue is kept the same way.

mod bucket;
mod compaction;
mod housekeeping;
mod letters;
mod log;
mod merge;
mod owner;
mod reading;
mod run;
mod writing;

use super::backend::{Backend, EachEntry};
use super::{
    Checkpoint, DeadLetter, DeadLetterFilter, Finality, Recorded, StageState, StoreError,
    StoredDeadLetter, StoredEntry, StoredKey, location,
};
use crate::connection::Services;
use crate::pipeline::epoch::tenths_since_2020;
use crate::plugin::Changes;
use bucket::Bucket;
use housekeeping::{Housekeeping, object};
use letters::Pending;
use log::{Content, Entry, Snapshot};
use owner::Owner;

/// Where the runs of the state are.
const STATE: &str = "state";

/// Where the runs of the dead-letter queue are.
const LETTERS: &str = "dead-letters";

/// How often a claim that somebody else was faster with is tried again.
const CLAIMS: usize = 20;

/// The store of a task in an object store.
#[derive(Debug)]
pub(super) struct Objects {
    bucket: Bucket,
    /// The pipeline, with its task if it has several.
    pipeline: String,
    retain: usize,
    owner: Owner,
    /// The newest entry of the log as far as it is known, and what it says of the pipeline's origin.
    newest: Option<(u64, u64)>,
    /// Whether this store has written it: then the epoch after it is its own.
    owns_next: bool,
    /// What counts; none before the first checkpoint.
    current: Option<Snapshot>,
    undecided: Option<Snapshot>,
    /// What was decided of an undecided checkpoint, which the log does not say yet.
    settled: Option<Settled>,
    pending: Pending,
    housekeeping: Option<Housekeeping>,
    /// The newest entry when old ones were removed last.
    swept: u64,
}

/// An undecided checkpoint that has been settled.
#[derive(Debug)]
struct Settled {
    undecided: Snapshot,
    /// What counted before.
    base: Option<Snapshot>,
    counts: bool,
}

impl Objects {
    /// Opens the store of a task, where it may be that there is nothing yet.
    pub(super) fn open(
        location: &location::Objects,
        pipeline: &str,
        task: Option<&str>,
        services: &Services,
    ) -> Result<Self, StoreError> {
        let bucket = Bucket::open(location, &folder(pipeline, task), true, services)?;
        Self::of(bucket, location, pipeline, task)
    }

    /// Opens the store to look at what counts; the pipeline may be running.
    pub(super) fn open_read_only(
        location: &location::Objects,
        pipeline: &str,
        task: Option<&str>,
        services: &Services,
    ) -> Result<Self, StoreError> {
        let bucket = Bucket::open(location, &folder(pipeline, task), false, services)?;
        let store = Self::of(bucket, location, pipeline, task)?;
        match store.newest {
            Some(_) => Ok(store),
            None => Err(StoreError::Missing {
                place: store.place(),
            }),
        }
    }

    fn of(
        bucket: Bucket,
        location: &location::Objects,
        pipeline: &str,
        task: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut store = Self {
            bucket,
            pipeline: task.map_or_else(|| pipeline.to_owned(), |task| format!("{pipeline}/{task}")),
            retain: location.retain,
            owner: Owner::this_process(),
            newest: None,
            owns_next: false,
            current: None,
            undecided: None,
            settled: None,
            pending: Pending::default(),
            housekeeping: None,
            swept: 0,
        };
        let newest = store.newest_entry()?;
        store.follow(newest.as_ref())?;
        Ok(store)
    }

    fn newest_entry(&self) -> Result<Option<Entry>, StoreError> {
        let Some(&number) = log::numbers(&self.bucket)?.last() else {
            return Ok(None);
        };
        let entry = log::read(&self.bucket, &self.pipeline, number)?;
        let missing = || self.bucket.damaged(&log::object(number), "it is missing");
        Ok(Some(entry.ok_or_else(missing)?))
    }

    /// Takes over what the log says, up to its newest entry.
    fn follow(&mut self, newest: Option<&Entry>) -> Result<(), StoreError> {
        self.newest = newest.map(|entry| (entry.number, entry.origin));
        (self.current, self.undecided, self.settled) = (None, None, None);
        if let Some(number) = newest.and_then(Entry::checkpoint) {
            let snapshot = log::snapshot(&self.bucket, &self.pipeline, number)?;
            let counts = match snapshot.undecided {
                true => log::is_settled(&self.bucket, number)?,
                false => Some(true),
            };
            if counts == Some(true) {
                self.current = Some(snapshot);
            } else {
                let base = snapshot.base;
                self.undecided = counts.is_none().then_some(snapshot);
                self.current = base
                    .map(|base| log::snapshot(&self.bucket, &self.pipeline, base))
                    .transpose()?;
            }
        }
        self.begin_epoch();
        Ok(())
    }

    fn begin_epoch(&mut self) {
        // Letters of an epoch that is undecided may yet count.
        let last = self.undecided.as_ref().or(self.current.as_ref());
        self.pending = Pending::from(last.map_or(1, |last| last.next_letter));
    }

    /// The epoch that is under way here, if one is.
    fn under_way(&self) -> Option<u64> {
        let (newest, _) = self.newest?;
        self.owns_next.then_some(newest + 1)
    }

    /// Writes a claim behind the newest entry. Gives its number, none if somebody else was faster.
    fn try_claim(&self, newest: Option<&Entry>) -> Result<Option<Entry>, StoreError> {
        let content = Content::Claim {
            checkpoint: newest.and_then(Entry::checkpoint),
        };
        let number = newest.map_or(0, |entry| entry.number + 1);
        let origin = newest.map_or_else(tenths_since_2020, |entry| entry.origin);
        let claim = Entry::new(&self.pipeline, number, origin, &self.owner, content);
        Ok(log::append(&self.bucket, &claim)?.then_some(claim))
    }

    fn fenced(&self, epoch: u64) -> StoreError {
        let by = match self.newest_entry() {
            Ok(Some(entry)) if entry.owner != self.owner => entry.owner.to_string(),
            _ => "another process".to_owned(),
        };
        let place = self.place();
        StoreError::Fenced { place, epoch, by }
    }
}

/// Each task has a folder of its own, and so has each pipeline.
fn folder(pipeline: &str, task: Option<&str>) -> String {
    match task {
        Some(task) => format!("{pipeline}/tasks/{task}"),
        None => pipeline.to_owned(),
    }
}

impl Backend for Objects {
    fn place(&self) -> String {
        self.bucket.place().to_owned()
    }

    fn history(&self, limit: u64) -> Result<Vec<Recorded>, StoreError> {
        self.read_history(limit)
    }

    fn entries(&self, stage: &str, each: &mut EachEntry<'_>) -> Result<(), StoreError> {
        self.read_entries(stage, each)
    }

    fn keys(
        &self,
        stage: &str,
        prefix: &[u8],
        limit: Option<u64>,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.read_keys(stage, prefix, limit)
    }

    fn entry(&self, stage: &str, key: &[u8]) -> Result<Option<StoredEntry>, StoreError> {
        self.read_entry(stage, key)
    }

    fn stages_with_state(&self) -> Result<Vec<StageState>, StoreError> {
        self.measure_stages()
    }

    fn state_versions(&self, stage: &str) -> Result<Vec<u32>, StoreError> {
        self.read_versions(stage)
    }

    fn dead_letters(&self, filter: &DeadLetterFilter) -> Result<Vec<StoredDeadLetter>, StoreError> {
        letters::read(&self.bucket, self.letters(), filter)
    }

    fn dead_letter_counts(
        &self,
        filter: &DeadLetterFilter,
    ) -> Result<Vec<(String, String, u64)>, StoreError> {
        letters::counts(&self.bucket, self.letters(), filter)
    }

    fn claim(&mut self) -> Result<(u64, u64), StoreError> {
        if self.newest.is_none() {
            self.bucket.check_conditions()?;
        }
        self.owns_next = false;
        // What is being merged may rest on what does not count after all.
        self.housekeeping = None;
        for _ in 0..CLAIMS {
            let newest = self.newest_entry()?;
            if let Some(claim) = self.try_claim(newest.as_ref())? {
                self.follow(Some(&claim))?;
                self.owns_next = true;
                return Ok((claim.number + 1, claim.origin));
            }
        }
        Err(self.fenced(self.newest.map_or(0, |(newest, _)| newest + 1)))
    }

    fn write_dead_letters(
        &mut self,
        epoch: u64,
        now: i64,
        letters: &[DeadLetter],
    ) -> Result<(), StoreError> {
        for letter in letters {
            self.pending.push(epoch, now, letter);
            if self.pending.is_full() {
                self.pending.flush(&self.bucket, object(LETTERS, epoch))?;
            }
        }
        Ok(())
    }

    fn remove_dead_letters(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        self.pending.remove(ids);
        Ok(())
    }

    fn commit(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<(), StoreError> {
        let epoch = checkpoint.epoch;
        if self.under_way() != Some(epoch) {
            return Err(self.fenced(epoch));
        }
        let snapshot = self.snapshot(checkpoint, changes, finality)?;
        let origin = self.newest.map_or(checkpoint.origin, |(_, origin)| origin);
        let content = Content::Checkpoint(Box::new(snapshot.clone()));
        let entry = Entry::new(&self.pipeline, epoch, origin, &self.owner, content);
        // Where it is not known whether the entry was written, only the log can tell: until the next claim nothing is under way.
        self.owns_next = false;
        // From here on it may name the letters, also where that fails: none may be removed as what no entry names.
        self.pending.written.clear();
        if !log::append(&self.bucket, &entry)? {
            return Err(self.fenced(epoch));
        }
        self.newest = Some((epoch, origin));
        self.owns_next = true;
        self.settled = None;
        self.keep_house(epoch, &snapshot);
        match finality {
            Finality::Certain => (self.current, self.undecided) = (Some(snapshot), None),
            Finality::Undecided => self.undecided = Some(snapshot),
        }
        self.begin_epoch();
        Ok(())
    }

    fn undecided(&self) -> Option<u64> {
        self.undecided
            .as_ref()
            .map(|snapshot| snapshot.checkpoint.epoch)
    }

    fn settle(&mut self, counts: bool) -> Result<(), StoreError> {
        let Some(undecided) = self.undecided.take() else {
            return Ok(());
        };
        let base = self.current.clone();
        if counts {
            self.current = Some(undecided.clone());
        }
        self.settled = Some(Settled {
            undecided,
            base,
            counts,
        });
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        if let Some(settled) = self.settled.take() {
            self.undecided = Some(settled.undecided);
            self.current = settled.base;
        }
        let written: Vec<String> = self
            .pending
            .written
            .drain(..)
            .map(|run| run.object)
            .collect();
        self.begin_epoch();
        // No entry names them: where they cannot be removed now, they are when old checkpoints are.
        if let Err(error) = self.bucket.remove(&written) {
            tracing::debug!("{error}");
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.housekeeping = None;
        match self.settled.take() {
            Some(Settled {
                undecided, counts, ..
            }) => log::settle(&self.bucket, undecided.checkpoint.epoch, counts),
            None => Ok(()),
        }
    }
}
