//! How far a pipeline has come, for those who look on. Counters are of the attempt under way, on top of what its checkpoint says.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::waits::Waits;
use crate::checkpoint::Totals;
use crate::record::{END_OF_TIME, EventTime, START_OF_TIME};

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
    /// Checkpoints that were committed since the process started.
    pub checkpoints: AtomicU64,
    /// What it waits for.
    pub waits: Arc<Waits>,
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
    /// By instance: the watermark that it has reached.
    watermarks: Vec<AtomicI64>,
}

impl StageProgress {
    /// The least watermark of its instances; [`START_OF_TIME`] while one has none.
    #[must_use]
    pub fn watermark(&self) -> EventTime {
        self.watermarks
            .iter()
            .map(|watermark| watermark.load(Relaxed))
            .min()
            .unwrap_or(START_OF_TIME)
    }

    pub(super) fn reach(&self, instance: usize, watermark: EventTime) {
        if let Some(slot) = self.watermarks.get(instance) {
            slot.store(watermark, Relaxed);
        }
    }
}

impl Progress {
    /// Of a pipeline with stages of these names, each of so many instances.
    #[must_use]
    pub fn new(stages: impl Iterator<Item = String>, instances: usize) -> Self {
        let stage = |name| StageProgress {
            name,
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            cpu_nanos: AtomicU64::new(0),
            watermarks: (0..instances)
                .map(|_| AtomicI64::new(START_OF_TIME))
                .collect(),
        };
        Self {
            records: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            late: AtomicU64::new(0),
            stages: stages.map(stage).collect(),
            latest: AtomicI64::new(START_OF_TIME),
            restarts: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            waits: Arc::default(),
            input: Mutex::default(),
            committed: Mutex::default(),
        }
    }

    /// Sums up to now, committed or not.
    #[must_use]
    pub fn totals(&self) -> Totals {
        // Held until the counters are read: a commit moves what they say into the sums.
        let committed = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let committed = &committed.totals;
        Totals {
            records: committed.records + self.records.load(Relaxed),
            rejected: committed.rejected + self.rejected.load(Relaxed),
            late: committed.late + self.late.load(Relaxed),
        }
    }

    /// What the last checkpoint says.
    #[must_use]
    pub fn committed(&self) -> Committed {
        *self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the input was read and how far it goes, if that is known of all of it.
    #[must_use]
    pub fn input(&self) -> (u64, Option<u64>) {
        let partitions = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let done = partitions.iter().map(|(done, _)| done).sum();
        (done, partitions.iter().map(|&(_, length)| length).sum())
    }

    /// How far the slowest watermark of the pipeline is behind the latest event time; none before there is a watermark, and at the end of
    /// all input.
    #[must_use]
    pub fn watermark_delay(&self) -> Option<Duration> {
        // Stages in front of where watermarks are made never have one.
        let reached = self
            .stages
            .iter()
            .map(StageProgress::watermark)
            .filter(|&watermark| watermark > START_OF_TIME);
        let slowest = reached.min().filter(|&watermark| watermark < END_OF_TIME)?;
        let behind = self.latest.load(Relaxed).checked_sub(slowest)?;
        u64::try_from(behind).ok().map(Duration::from_millis)
    }

    pub(super) fn saw(&self, latest: EventTime) {
        self.latest.fetch_max(latest, Relaxed);
    }

    pub(super) fn commit(&self, committed: Committed) {
        let mut last = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = committed;
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
        if let Some(slot) = self
            .input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_mut(partition)
        {
            *slot = progress;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress::new(["parse", "count"].into_iter().map(str::to_owned), 2)
    }

    #[test]
    fn the_delay_is_that_of_the_slowest_instance_behind_a_watermark() {
        let progress = progress();
        assert_eq!(progress.watermark_delay(), None);
        progress.saw(10_000);
        progress.stages[1].reach(0, 9_000);
        assert_eq!(progress.watermark_delay(), None);
        progress.stages[1].reach(1, 4_999);
        assert_eq!(
            progress.watermark_delay(),
            Some(Duration::from_millis(5_001))
        );
        progress.stages[1].reach(0, END_OF_TIME);
        progress.stages[1].reach(1, END_OF_TIME);
        assert_eq!(progress.watermark_delay(), None);
    }

    #[test]
    fn a_commit_moves_the_counters_into_the_sums() {
        let progress = progress();
        progress.records.store(5, Relaxed);
        progress.commit(Committed {
            totals: Totals {
                records: 5,
                ..Totals::default()
            },
            ..Committed::default()
        });
        assert_eq!(progress.totals().records, 5);
        progress.records.store(2, Relaxed);
        progress.start_over();
        assert_eq!(progress.totals().records, 5);
    }
}
