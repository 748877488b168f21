//! What is done behind the back of a pipeline that goes on: merging runs, and removing what no checkpoint that is kept needs any more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use super::bucket::Bucket;
use super::compaction::{Merged, compact, due};
use super::log::{self, Snapshot};
use super::owner::random;
use super::run::Run;
use super::{LETTERS, STATE};
use crate::checkpoint::StoreError;

/// What is to be done.
pub(super) struct Job {
    pub(super) bucket: Bucket,
    pub(super) pipeline: String,
    /// The newest entry of the log, which this store has written.
    pub(super) newest: u64,
    /// How many checkpoints are kept, if it is time to remove the others.
    pub(super) retain: Option<usize>,
    /// The runs of the state and of the dead-letter queue.
    pub(super) state: Vec<Run>,
    pub(super) letters: Vec<Run>,
}

/// What has become of it.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) state: Option<Merged>,
    pub(super) letters: Option<Merged>,
}

/// A job at work on a thread of its own. Dropping it breaks it off.
#[derive(Debug)]
pub(super) struct Housekeeping {
    cancelled: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Done, StoreError>>>,
}

impl Job {
    /// Whether there is anything to do.
    pub(super) fn is_needed(&self) -> bool {
        self.retain.is_some() || is_due(&self.state) || is_due(&self.letters)
    }

    fn run(self, cancelled: &AtomicBool) -> Result<Done, StoreError> {
        if let Some(retain) = self.retain {
            sweep(&self.bucket, &self.pipeline, self.newest, retain)?;
        }
        let merge = |runs: &[Run], folder: &str| {
            let sizes: Vec<u64> = runs.iter().map(|run| run.bytes).collect();
            let Some(range) = due(&sizes) else {
                return Ok(None);
            };
            let oldest = range.start == 0;
            let object = object(folder, self.newest + 1);
            compact(
                &self.bucket,
                runs[range].to_vec(),
                object,
                oldest,
                cancelled,
            )
        };
        Ok(Done {
            state: merge(&self.state, STATE)?,
            letters: merge(&self.letters, LETTERS)?,
        })
    }
}

fn is_due(runs: &[Run]) -> bool {
    let sizes: Vec<u64> = runs.iter().map(|run| run.bytes).collect();
    due(&sizes).is_some()
}

impl Housekeeping {
    pub(super) fn start(job: Job) -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&cancelled);
        let thread = thread::Builder::new()
            .name("housekeeping".to_owned())
            .spawn(move || job.run(&seen));
        if let Err(error) = &thread {
            tracing::warn!(%error, "the checkpoints are not tidied up");
        }
        Self {
            cancelled,
            thread: thread.ok(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until it is done. What went wrong is tried again another time: nothing depends on it.
    pub(super) fn finish(mut self) -> Done {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Ok(done))) => done,
            Some(Ok(Err(error))) => {
                tracing::warn!(
                    code = error.code().id,
                    "the checkpoints are not tidied up: {error}"
                );
                Done::default()
            }
            Some(Err(_)) | None => Done::default(),
        }
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.cancelled.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it was at stays as objects that no entry names, and the next one removes them.
            let _ = thread.join();
        }
    }
}

/// A name for a run that nobody has used. It begins with the epoch under way: only the entry of that epoch or a later one can name it.
pub(super) fn object(folder: &str, epoch: u64) -> String {
    format!("{folder}/{epoch:020}-{}", random())
}

/// Removes all but the last checkpoints, and the objects that none of them needs.
fn sweep(bucket: &Bucket, pipeline: &str, newest: u64, retain: usize) -> Result<(), StoreError> {
    let kept = kept(bucket, pipeline, newest, retain)?;
    let numbers: BTreeSet<u64> = kept
        .iter()
        .map(|snapshot| snapshot.checkpoint.epoch)
        .collect();
    let is_old = |number: u64| number < newest && !numbers.contains(&number);
    let mut entries: Vec<String> = Vec::new();
    entries.extend(
        log::numbers(bucket)?
            .into_iter()
            .filter(|number| is_old(*number))
            .map(log::object),
    );
    for name in bucket.list(log::SETTLED, None)? {
        if name.parse().is_ok_and(is_old) {
            entries.push(format!("{}/{name}", log::SETTLED));
        }
    }
    // Before what they name: no entry shall ever name what is not there.
    bucket.remove(&entries)?;
    let needed: BTreeSet<&str> = kept.iter().flat_map(Snapshot::objects).collect();
    let mut objects = Vec::new();
    for folder in [STATE, LETTERS] {
        for name in bucket.list(folder, None)? {
            let object = format!("{folder}/{name}");
            // Who writes an object for a later epoch may still name it.
            let epoch = name.split('-').next().and_then(|epoch| epoch.parse().ok());
            if epoch.is_some_and(|epoch: u64| epoch <= newest) && !needed.contains(&*object) {
                objects.push(object);
            }
        }
    }
    bucket.remove(&objects)
}

/// The last checkpoints that count, so many of them, and one that is undecided.
fn kept(
    bucket: &Bucket,
    pipeline: &str,
    newest: u64,
    retain: usize,
) -> Result<Vec<Snapshot>, StoreError> {
    let mut kept: Vec<Snapshot> = Vec::new();
    let mut next = log::read(bucket, pipeline, newest)?.and_then(|entry| entry.checkpoint());
    while let Some(number) = next {
        let undecided = kept
            .iter()
            .filter(|snapshot| snapshot.undecided)
            .count()
            .min(1);
        if kept.len() >= retain + undecided {
            break;
        }
        match log::read(bucket, pipeline, number)?.map(|entry| entry.content) {
            Some(log::Content::Checkpoint(snapshot)) => {
                next = snapshot.base;
                kept.push(*snapshot);
            }
            _ => break,
        }
    }
    Ok(kept)
}
