//! Looking out for the records that earlier attempts failed on: what is poison is left out, and what is suspect is fed record by record.
//!
//! It costs a call of `process` and one of `flush` a record, and only after a failure: what the stage remembers of a record's key has to be known from
//! before the record, since nothing can be asked of an instance that has failed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Made, StageWorker, fault};
use crate::checkpoint::{DeadLetter, EntrySnapshot, Store};
use crate::pipeline::channel::Fault;
use crate::pipeline::plan::StagePlan;
use crate::pipeline::recovery::{Census, Identity, Poison, Precautions, Suspect};
use crate::plugin::Changes;
use crate::record::{Batch, Mark, Record};

/// The most that is kept of a backtrace, bytes.
const LONGEST_BACKTRACE: usize = 64 << 10;

/// What an instance looks out for.
pub(super) struct Watch {
    caution: Option<Range<u64>>,
    poison: Vec<Poison>,
    census: Census,
    /// What the instance has flushed since the checkpoint.
    flushed: Flushed,
    /// What was true at the checkpoint.
    store: Arc<Mutex<Store>>,
    /// Counts the instances that still have something to look out for.
    outstanding: Arc<AtomicUsize>,
    done: bool,
}

/// What has become of keys, by key: what is remembered of it, if anything is.
#[derive(Default)]
struct Flushed(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Flushed {
    fn add(&mut self, changes: &Changes) {
        for (key, value) in changes.keys.iter().zip(changes.values.iter()) {
            self.0.insert(key.to_vec(), Some(value.to_vec()));
        }
        for key in changes.forgotten.iter() {
            self.0.insert(key.to_vec(), None);
        }
    }

    fn into_changes(self) -> Changes {
        let mut changes = Changes::default();
        for (key, value) in self.0 {
            match value {
                Some(value) => {
                    changes.keys.push(&key);
                    changes.values.push(&value);
                }
                None => changes.forgotten.push(&key),
            }
        }
        changes
    }
}

impl Watch {
    /// All that has changed since the checkpoint; `last` is what the instance flushes at its end.
    pub(super) fn merge(mut self, last: &Changes) -> Changes {
        self.flushed.add(last);
        self.flushed.into_changes()
    }

    /// What the stage remembers of a key, as of the last flush.
    fn entry(&self, plan: &StagePlan, key: &[u8]) -> Option<EntrySnapshot> {
        if let Some(changed) = self.flushed.0.get(key) {
            let version = plan.component.description().state_version;
            let value = changed.as_deref();
            return value.map(|value| EntrySnapshot::of(version, value));
        }
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        match store.entry(&plan.name, key) {
            Ok(stored) => stored.map(|stored| EntrySnapshot::of(stored.version, &stored.value)),
            Err(error) => {
                // What the plugin did is the greater news.
                tracing::warn!(
                    stage = plan.name,
                    "what the record met is not known: {error}"
                );
                None
            }
        }
    }

    fn take_poison(&mut self, identity: Identity) -> Option<Poison> {
        let mut poison = self.poison.iter();
        let position = poison.position(|poison| poison.identity == identity)?;
        Some(self.poison.swap_remove(position))
    }

    fn suspects(&self, number: u64) -> bool {
        let caution = self.caution.as_ref();
        caution.is_some_and(|caution| caution.contains(&number))
    }

    /// Says once that there is nothing left to look out for.
    fn settle(&mut self, fed: u64) {
        let passed = self
            .caution
            .as_ref()
            .is_none_or(|caution| caution.end <= fed);
        if passed && self.poison.is_empty() && !std::mem::replace(&mut self.done, true) {
            self.outstanding.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl StageWorker {
    /// Looks out for what the last attempt failed on.
    pub(in crate::pipeline) fn take_precautions(
        &mut self,
        precautions: &Precautions,
        store: &Arc<Mutex<Store>>,
        outstanding: &Arc<AtomicUsize>,
    ) {
        let caution = precautions.caution.get(&self.site).cloned();
        let poison: Vec<Poison> = precautions
            .poison
            .iter()
            .filter(|poison| poison.site == self.site)
            .cloned()
            .collect();
        if self.instance.is_none() || (caution.is_none() && poison.is_empty()) {
            return;
        }
        outstanding.fetch_add(1, Ordering::AcqRel);
        self.watch = Some(Watch {
            caution,
            poison,
            census: Census::default(),
            flushed: Flushed::default(),
            store: Arc::clone(store),
            outstanding: Arc::clone(outstanding),
            done: false,
        });
    }

    /// Leaves out what is poison, and feeds record by record what is suspect.
    pub(super) fn process_watchfully(
        &mut self,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
    ) -> Result<Vec<Made>, Fault> {
        let Some(mut watch) = self.watch.take() else {
            return Ok(Vec::new());
        };
        let mut made = Vec::new();
        let mut parts = Parts {
            batch,
            marks,
            start: 0,
        };
        let first = self.fed;
        for index in 0..batch.len() {
            let record = batch.record(index);
            let identity = watch.census.identify(input, record);
            if let Some(poison) = watch.take_poison(identity) {
                made.push(self.feed_part(input, &parts.until(index))?);
                made.push(Made {
                    letters: vec![self.letter_of_poison(input, record, poison)],
                    ..Made::default()
                });
                self.fed += 1;
            } else if watch.suspects(first + index as u64) {
                made.push(self.feed_part(input, &parts.until(index))?);
                let alone = batch.slice(index..index + 1);
                made.push(self.feed_alone(&mut watch, input, &alone, identity)?);
            } else {
                continue;
            }
            parts.start = index + 1;
        }
        made.push(self.feed_part(input, &parts.until(batch.len()))?);
        watch.settle(self.fed);
        self.watch = Some(watch);
        Ok(made)
    }

    fn feed_part(&mut self, input: usize, part: &Part) -> Result<Made, Fault> {
        if part.batch.is_empty() && part.marks.is_empty() {
            return Ok(Made::default());
        }
        self.feed(input, &part.batch, &part.marks)
    }

    /// Feeds a batch of one record. If the instance fails, it is known what the record met.
    fn feed_alone(
        &mut self,
        watch: &mut Watch,
        input: usize,
        alone: &Batch,
        identity: Identity,
    ) -> Result<Made, Fault> {
        let keyed = self.plan.component.description().inputs[input].keyed;
        if keyed {
            watch.flushed.add(&self.flush_instance()?);
        }
        self.call(input, alone, &[]).map_err(|failure| {
            let record = alone.record(0);
            let state = keyed.then(|| watch.entry(&self.plan, record.key));
            let suspect = Suspect::record(identity, record, state.flatten());
            fault(&self.plan, self.site, failure, suspect)
        })
    }

    fn letter_of_poison(&self, input: usize, record: Record<'_>, poison: Poison) -> DeadLetter {
        let Poison { failure, state, .. } = poison;
        let code = failure.breach.letter_code().to_owned();
        let letter = self.letter(input, record, code, failure.to_string());
        DeadLetter {
            backtrace: failure.backtrace.map(shortened),
            state,
            ..letter
        }
    }
}

fn shortened(mut backtrace: String) -> String {
    let end = backtrace.floor_char_boundary(LONGEST_BACKTRACE);
    backtrace.truncate(end);
    backtrace
}

/// A part of a batch, with the marks that belong to it.
struct Part {
    batch: Batch,
    marks: Vec<Mark>,
}

/// Takes a batch apart from front to back; each mark goes with the part in front of it.
struct Parts<'a> {
    batch: &'a Batch,
    marks: &'a [Mark],
    start: usize,
}

impl Parts<'_> {
    fn until(&mut self, end: usize) -> Part {
        let passed = self
            .marks
            .partition_point(|mark| mark.index as usize <= end);
        let (marks, rest) = self.marks.split_at(passed);
        self.marks = rest;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a batch has less than 2^32 records"
        )]
        let start = self.start as u32;
        let marks = marks
            .iter()
            .map(|mark| Mark {
                index: mark.index.saturating_sub(start),
                ..*mark
            })
            .collect();
        let batch = self.batch.slice(self.start..end);
        self.start = end;
        Part { batch, marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(kept: &[(&str, &str)], forgotten: &[&str]) -> Changes {
        let mut changes = Changes::default();
        for (key, value) in kept {
            changes.keys.push(key.as_bytes());
            changes.values.push(value.as_bytes());
        }
        for key in forgotten {
            changes.forgotten.push(key.as_bytes());
        }
        changes
    }

    #[test]
    fn of_several_flushes_the_last_word_on_each_key_is_kept() {
        let mut flushed = Flushed::default();
        flushed.add(&changes(&[("a", "1"), ("b", "1"), ("c", "1")], &["d"]));
        flushed.add(&changes(&[("a", "2"), ("d", "2")], &["b"]));
        flushed.add(&changes(&[], &[]));
        assert_eq!(
            flushed.into_changes(),
            changes(&[("a", "2"), ("c", "1"), ("d", "2")], &["b"])
        );
    }

    #[test]
    fn a_mark_goes_with_the_part_in_front_of_it() {
        let mut batch = Batch::default();
        for value in [b"a", b"b", b"c"] {
            batch.push(value, None, 0);
        }
        let mark = |index, watermark| Mark { index, watermark };
        let marks = [mark(0, 10), mark(2, 20), mark(3, 30)];
        let mut parts = Parts {
            batch: &batch,
            marks: &marks,
            start: 0,
        };
        assert_eq!(parts.until(1).marks, [mark(0, 10)]);
        let rest = parts.until(3);
        assert_eq!(
            (rest.batch.len(), rest.marks),
            (2, vec![mark(1, 20), mark(2, 30)])
        );
    }
}
