//! What an epoch leaves when it ends.

use super::housekeeping::{Housekeeping, Job, object};
use super::log::Snapshot;
use super::run::{Run, RunWriter};
use super::{LETTERS, Objects, STATE, compaction};
use crate::checkpoint::packed::Change;
use crate::checkpoint::state::Written;
use crate::checkpoint::{Checkpoint, Finality, StoreError};
use crate::plugin::Changes;

/// Runs at which a checkpoint waits for some to be merged.
const TOO_MANY_RUNS: usize = 24;

impl Objects {
    /// Writes the changes of an epoch as a run, if there are any.
    fn write_run(
        &self,
        epoch: u64,
        changes: &[(String, u32, Changes)],
        is_first: bool,
    ) -> Result<(Option<Run>, Written), StoreError> {
        let mut written = Written::default();
        let mut sorted: Vec<(&str, Change<'_>)> = Vec::new();
        for (stage, version, changes) in changes {
            for change in Change::each(*version, changes) {
                written.count(&change);
                // Where nothing is older there is nothing to be forgotten.
                if !is_first || change.value.is_some() {
                    sorted.push((stage, change));
                }
            }
        }
        if sorted.is_empty() {
            return Ok((None, written));
        }
        sorted.sort_by_key(|(stage, change)| (*stage, change.key_group, change.key));
        let mut writer = RunWriter::new(&self.bucket, object(STATE, epoch))?;
        for (stage, change) in &sorted {
            writer.push(stage, change)?;
        }
        Ok((writer.finish()?, written))
    }

    /// What the epoch that ends leaves, as it would be in the log.
    pub(super) fn snapshot(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<Snapshot, StoreError> {
        let epoch = checkpoint.epoch;
        let base = self.current.as_ref();
        let mut state = base.map_or_else(Vec::new, |base| base.state.clone());
        let mut letters = base.map_or_else(Vec::new, |base| base.letters.clone());
        let base = base.map(|base| base.checkpoint.epoch);
        let is_late = state.len() >= TOO_MANY_RUNS || letters.len() >= TOO_MANY_RUNS;
        if let Some(job) = self
            .housekeeping
            .take_if(|job| is_late || job.is_finished())
        {
            let done = job.finish();
            for (runs, merged) in [(&mut state, done.state), (&mut letters, done.letters)] {
                if let Some(merged) = merged {
                    compaction::replace(runs, &merged);
                }
            }
        }
        let (run, written) = self.write_run(epoch, changes, state.is_empty())?;
        state.extend(run);
        self.pending.flush(&self.bucket, object(LETTERS, epoch))?;
        letters.extend(self.pending.written.iter().cloned());
        Ok(Snapshot {
            base,
            undecided: finality == Finality::Undecided,
            checkpoint: checkpoint.clone(),
            entries_changed: written.entries,
            bytes_changed: written.bytes,
            state,
            letters,
            next_letter: self.pending.next,
        })
    }

    /// Starts what is to be done while the pipeline goes on.
    pub(super) fn keep_house(&mut self, number: u64, snapshot: &Snapshot) {
        if self.housekeeping.is_some() {
            return;
        }
        let step = (self.retain as u64 / 2).max(1);
        let is_time = number - self.swept >= step;
        let job = Job {
            bucket: self.bucket.clone(),
            pipeline: self.pipeline.clone(),
            newest: number,
            retain: is_time.then_some(self.retain),
            state: snapshot.state.clone(),
            letters: snapshot.letters.clone(),
        };
        if is_time {
            self.swept = number;
        }
        if job.is_needed() {
            self.housekeeping = Some(Housekeeping::start(job));
        }
    }
}
