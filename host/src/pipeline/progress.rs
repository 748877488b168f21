//! How far a pipeline has come, for those who look on. Counters are of the attempt under way, on top of what its checkpoint says.

mod backlog;
mod input;
mod state;
mod sum;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use self::backlog::{Backlog, Debt};
pub use self::input::PartitionProgress;
pub use self::state::{StateCell, TaskState};
pub(super) use self::sum::Part;
use super::reload::Board;
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
    /// What the task is doing.
    pub state: StateCell,
    /// Which attempt is under way, from 1 on.
    pub attempts: AtomicU64,
    parts: RwLock<Parts>,
    /// The reload that is under way or was the last.
    pub reload: Board,
    /// The greatest event time that has been seen, [`START_OF_TIME`] before any.
    pub latest: AtomicI64,
    /// How often the pipeline went back to its last checkpoint.
    pub restarts: AtomicU64,
    /// Checkpoints that were committed since the process started.
    pub checkpoints: AtomicU64,
    /// What it waits for.
    pub waits: Arc<Waits>,
    partitions: Mutex<Vec<Arc<PartitionProgress>>>,
    committed: Mutex<Committed>,
    /// The epoch of the last checkpoint.
    epoch: watch::Sender<u64>,
    /// Since when everything is being brought to a standstill for a checkpoint.
    standstill: Mutex<Option<Instant>>,
}

/// The parts of a pipeline, which are others after some reloads.
#[derive(Clone, Debug)]
struct Parts {
    stages: Arc<[Arc<StageProgress>]>,
    sinks: Arc<[Arc<SinkProgress>]>,
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
    /// What it wrote of the stages' state; not known of one that an earlier process took.
    pub written: Option<Written>,
}

/// What a checkpoint wrote of the stages' state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries that were written or forgotten.
    pub entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// How far a sink has come since the process started.
#[derive(Debug)]
pub struct SinkProgress {
    /// Its name.
    pub name: String,
    /// Records that it took, those that were written again after a failure included.
    pub records: AtomicU64,
    /// What it still owes to the service behind it.
    pub backlog: Backlog,
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
    /// How often an instance went over a limit.
    pub breaches: AtomicU64,
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

impl Parts {
    fn new(
        stages: impl IntoIterator<Item = String>,
        instances: usize,
        sinks: impl IntoIterator<Item = String>,
    ) -> Self {
        let stage = |name| {
            Arc::new(StageProgress {
                name,
                records_in: AtomicU64::new(0),
                records_out: AtomicU64::new(0),
                cpu_nanos: AtomicU64::new(0),
                breaches: AtomicU64::new(0),
                watermarks: (0..instances)
                    .map(|_| AtomicI64::new(START_OF_TIME))
                    .collect(),
            })
        };
        let sink = |name| {
            Arc::new(SinkProgress {
                name,
                records: AtomicU64::new(0),
                backlog: Backlog::default(),
            })
        };
        Self {
            stages: stages.into_iter().map(stage).collect(),
            sinks: sinks.into_iter().map(sink).collect(),
        }
    }
}

impl Progress {
    /// Of a pipeline with stages of these names, each of so many instances, and sinks of these names.
    #[must_use]
    pub fn new(
        stages: impl IntoIterator<Item = String>,
        instances: usize,
        sinks: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            records: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            late: AtomicU64::new(0),
            state: StateCell::default(),
            attempts: AtomicU64::new(0),
            parts: RwLock::new(Parts::new(stages, instances, sinks)),
            reload: Board::default(),
            latest: AtomicI64::new(START_OF_TIME),
            restarts: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            waits: Arc::default(),
            partitions: Mutex::default(),
            committed: Mutex::default(),
            epoch: watch::Sender::new(0),
            standstill: Mutex::default(),
        }
    }

    /// By stage.
    #[must_use]
    pub fn stages(&self) -> Arc<[Arc<StageProgress>]> {
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&parts.stages)
    }

    /// By sink.
    #[must_use]
    pub fn sinks(&self) -> Arc<[Arc<SinkProgress>]> {
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&parts.sinks)
    }

    /// The pipeline consists of other parts from now on.
    pub(super) fn consists_of(
        &self,
        stages: impl IntoIterator<Item = String>,
        instances: usize,
        sinks: impl IntoIterator<Item = String>,
    ) {
        let parts = Parts::new(stages, instances, sinks);
        *self.parts.write().unwrap_or_else(PoisonError::into_inner) = parts;
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

    /// The epoch of the last checkpoint that counts, for those who wait for the next one.
    #[must_use]
    pub fn epochs(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// Whether every sink has delivered what it took.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.sinks().iter().all(|sink| sink.backlog.is_settled())
    }

    /// How far the input was read and how far it goes, if that is known of all of it.
    #[must_use]
    pub fn input(&self) -> (u64, Option<u64>) {
        let partitions = self.partitions();
        let read = partitions.iter().map(|partition| partition.read()).sum();
        let length = partitions.iter().map(|partition| partition.length()).sum();
        (read, length)
    }

    /// The partitions of all sources that the attempt under way reads.
    #[must_use]
    pub fn partitions(&self) -> Vec<Arc<PartitionProgress>> {
        self.partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the task is doing: it runs and waits at the same time when something that it runs with does not answer or is left out.
    #[must_use]
    pub fn state(&self) -> TaskState {
        match self.state.get() {
            TaskState::Running if !self.waits.list().is_empty() => TaskState::Waiting,
            state => state,
        }
    }

    /// For how long everything has been coming to a standstill for a checkpoint; none if it is not.
    #[must_use]
    pub fn standstill(&self) -> Option<Duration> {
        let since = *self
            .standstill
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    /// How far the slowest watermark of the pipeline is behind the latest event time; none before there is a watermark, and at the end of
    /// all input.
    #[must_use]
    pub fn watermark_delay(&self) -> Option<Duration> {
        // Stages in front of where watermarks are made never have one.
        let stages = self.stages();
        let reached = stages
            .iter()
            .map(|stage| stage.watermark())
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
        self.epoch.send_replace(committed.epoch);
        self.start_over();
    }

    /// A checkpoint begins; the next commit or recovery ends it.
    pub(super) fn begin_standstill(&self) {
        *self
            .standstill
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Nothing has been done since the last checkpoint.
    pub(super) fn start_over(&self) {
        for counter in [&self.records, &self.rejected, &self.late] {
            counter.store(0, Relaxed);
        }
        *self
            .standstill
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// From now on these are read.
    pub(super) fn reads(&self, partitions: Vec<Arc<PartitionProgress>>) {
        *self
            .partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = partitions;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress::new(["parse", "count"].map(str::to_owned), 2, [])
    }

    #[test]
    fn the_delay_is_that_of_the_slowest_instance_behind_a_watermark() {
        let progress = progress();
        assert_eq!(progress.watermark_delay(), None);
        progress.saw(10_000);
        progress.stages()[1].reach(0, 9_000);
        assert_eq!(progress.watermark_delay(), None);
        progress.stages()[1].reach(1, 4_999);
        assert_eq!(
            progress.watermark_delay(),
            Some(Duration::from_millis(5_001))
        );
        progress.stages()[1].reach(0, END_OF_TIME);
        progress.stages()[1].reach(1, END_OF_TIME);
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

    #[test]
    fn a_pipeline_that_runs_is_waiting_while_a_part_of_it_waits() {
        let progress = progress();
        progress.waits.begin("sink alerts", "the disk");
        assert_eq!(progress.state(), TaskState::Starting);
        progress.state.enter(TaskState::Running);
        assert_eq!(progress.state(), TaskState::Waiting);
        progress.waits.end("sink alerts");
        assert_eq!(progress.state(), TaskState::Running);
    }

    #[test]
    fn a_standstill_lasts_until_its_checkpoint_is_committed_or_given_up() {
        let progress = progress();
        assert_eq!(progress.standstill(), None);
        progress.begin_standstill();
        assert!(progress.standstill().is_some());
        progress.commit(Committed::default());
        assert_eq!(progress.standstill(), None);
        progress.begin_standstill();
        progress.start_over();
        assert_eq!(progress.standstill(), None);
    }
}
