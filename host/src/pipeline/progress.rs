//! How far a pipeline has come, for those who look on. Counters are of the attempt under way, on top of what its checkpoint says.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::checkpoint::Totals;
use crate::record::START_OF_TIME;

/// Shared between the threads of a pipeline and those who watch it.
#[derive(Debug)]
pub struct Progress {
    /// Records read since the checkpoint that the attempt started from.
    pub records: AtomicU64,
    /// Dead letters since then.
    pub rejected: AtomicU64,
    /// Late records since then.
    pub late: AtomicU64,
    /// By stage.
    pub stages: Vec<StageProgress>,
    /// The greatest event time that has been seen, [`START_OF_TIME`] before any.
    pub latest: AtomicI64,
    /// How often the pipeline went back to its last checkpoint.
    pub restarts: AtomicU64,
    /// By partition: how far it was read, and how far it goes.
    input: Mutex<Vec<(u64, Option<u64>)>>,
    committed: Mutex<Committed>,
}

/// What the last checkpoint says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Committed {
    /// Its epoch, 0 before the first.
    pub epoch: u64,
    /// When it was committed, milliseconds since the Unix epoch.
    pub taken_at: i64,
    /// How long the pipeline stood still for it.
    pub pause: Duration,
    /// Its sums.
    pub totals: Totals,
}

/// How far a stage has come since the process started.
#[derive(Debug)]
pub struct StageProgress {
    /// Its name.
    pub name: String,
    /// Records that it was given.
    pub records_in: AtomicU64,
    /// Records that it wrote.
    pub records_out: AtomicU64,
    /// CPU time of its calls, nanoseconds.
    pub cpu_nanos: AtomicU64,
    /// The least watermark of its instances.
    pub watermark: AtomicI64,
}

impl Progress {
    /// Of a pipeline with stages of these names and so many partitions.
    #[must_use]
    pub fn new(stages: impl Iterator<Item = String>) -> Self {
        let stage = |name| StageProgress {
            name,
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            cpu_nanos: AtomicU64::new(0),
            watermark: AtomicI64::new(START_OF_TIME),
        };
        Self {
            records: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            late: AtomicU64::new(0),
            stages: stages.map(stage).collect(),
            latest: AtomicI64::new(START_OF_TIME),
            restarts: AtomicU64::new(0),
            input: Mutex::default(),
            committed: Mutex::default(),
        }
    }

    /// Sums up to now, committed or not.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let committed = self.committed().totals;
        Totals {
            records: committed.records + self.records.load(Relaxed),
            rejected: committed.rejected + self.rejected.load(Relaxed),
            late: committed.late + self.late.load(Relaxed),
        }
    }

    /// What the last checkpoint says.
    #[must_use]
    pub fn committed(&self) -> Committed {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the input was read and how far it goes, if that is known of all of it.
    #[must_use]
    pub fn input(&self) -> (u64, Option<u64>) {
        let partitions = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let done = partitions.iter().map(|(done, _)| done).sum();
        (done, partitions.iter().map(|&(_, length)| length).sum())
    }

    pub(super) fn commit(&self, committed: Committed) {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = committed;
        self.start_over();
    }

    /// Nothing has been done since the last checkpoint.
    pub(super) fn start_over(&self) {
        for counter in [&self.records, &self.rejected, &self.late] {
            counter.store(0, Relaxed);
        }
    }

    pub(super) fn has_partitions(&self, partitions: usize) {
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = vec![(0, None); partitions];
    }

    pub(super) fn read(&self, partition: usize, progress: (u64, Option<u64>)) {
        if let Some(slot) = self.input.lock().unwrap_or_else(PoisonError::into_inner).get_mut(partition) {
            *slot = progress;
        }
    }
}
