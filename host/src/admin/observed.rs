//! From the counters of a running pipeline to what is told of it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::status::{
    CheckpointStatus, HostStatus, PartitionStatus, ReloadStatus, SinkStatus, SourceStatus,
    StageStatus, Status, TaskStatus, WaitStatus,
};
use crate::job::Jobs;
use crate::pipeline::distributed::Share;
use crate::pipeline::progress::{PartitionProgress, Progress, SinkProgress, StageProgress};
use crate::pipeline::{Wait, Waits};
use crate::record::{END_OF_TIME, EventTime, START_OF_TIME};
use crate::reload::Reloader;

/// A pipeline that this process runs.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Its name.
    pub pipeline: String,
    /// When the process began to run it.
    pub started: Instant,
    /// Its tasks in this process.
    pub tasks: ObservedTasks,
    /// Its jobs, if it has any.
    pub jobs: Option<Jobs>,
    /// Who takes in other versions, where that is possible.
    pub reloader: Option<Reloader>,
}

/// The tasks of a pipeline that this process runs.
#[derive(Clone, Debug)]
pub enum ObservedTasks {
    /// The whole pipeline is one.
    One(ObservedTask),
    /// Those that come to this process and go.
    Share(Arc<Share>),
}

impl ObservedTasks {
    fn reload(&self) -> Option<ReloadStatus> {
        let Self::One(task) = self else {
            return None;
        };
        let (version, tally, last) = task.progress.reload.told()?;
        Some(ReloadStatus {
            version,
            tally,
            last,
        })
    }

    fn statuses(&self) -> Vec<TaskStatus> {
        match self {
            Self::One(task) => vec![task.status()],
            Self::Share(share) => share
                .tasks()
                .into_iter()
                .map(|(name, progress)| {
                    let task = ObservedTask {
                        name,
                        progress,
                        database: None,
                    };
                    task.status()
                })
                .collect(),
        }
    }
}

/// A task of a pipeline.
#[derive(Clone, Debug)]
pub struct ObservedTask {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub progress: Arc<Progress>,
    /// Its checkpoint database, if its checkpoints are kept in one.
    pub database: Option<PathBuf>,
}

impl Observed {
    /// How it fares now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            pipeline: self.pipeline.clone(),
            host: Some(HostStatus {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                process: process::id(),
                uptime_seconds: self.started.elapsed().as_secs_f64(),
                memory_bytes: resident_memory(),
            }),
            tasks: self.tasks.statuses(),
            reload: self.tasks.reload(),
        }
    }
}

impl ObservedTask {
    fn status(&self) -> TaskStatus {
        let progress = &*self.progress;
        let totals = progress.totals();
        let latest = known(progress.latest.load(Relaxed));
        TaskStatus {
            name: self.name.clone(),
            state: progress.state(),
            waits: progress.waits.list().into_iter().map(wait).collect(),
            attempt: Some(progress.attempts.load(Relaxed)),
            restarts: Some(progress.restarts.load(Relaxed)),
            records: totals.records,
            records_per_second: None,
            rejected: totals.rejected,
            late: totals.late,
            latest_event_time: latest,
            watermark_delay_seconds: progress.watermark_delay().map(|delay| delay.as_secs_f64()),
            checkpoint: self.checkpoint(),
            standstill_seconds: progress.standstill().map(|since| since.as_secs_f64()),
            sources: sources(&progress.partitions()),
            stages: progress
                .stages()
                .iter()
                .map(|progress| stage(progress, latest))
                .collect(),
            sinks: progress
                .sinks()
                .iter()
                .map(|known| sink(known, &progress.waits))
                .collect(),
        }
    }

    fn checkpoint(&self) -> Option<CheckpointStatus> {
        let committed = self.progress.committed();
        (committed.epoch > 0).then(|| CheckpointStatus {
            epoch: committed.epoch,
            taken_at: committed.taken_at,
            age_seconds: age_seconds(committed.taken_at),
            pause_seconds: committed.pause.as_secs_f64(),
            entries_written: committed.written.map(|written| written.entries),
            bytes_written: committed.written.map(|written| written.bytes),
            stored_bytes: self.database.as_deref().and_then(stored_bytes),
            taken: Some(self.progress.checkpoints.load(Relaxed)),
            complete: None,
        })
    }
}

/// By the clock on the wall, which may have been set back since.
pub(crate) fn age_seconds(taken_at: i64) -> f64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let taken_at = Duration::from_millis(u64::try_from(taken_at).unwrap_or(0));
    now.saturating_sub(taken_at).as_secs_f64()
}

/// The size of a database and of its write-ahead log; none where checkpoints are kept elsewhere.
pub(crate) fn stored_bytes(database: &Path) -> Option<u64> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let stored = fs::metadata(database).ok().filter(Metadata::is_file)?.len();
    Some(stored + fs::metadata(log).map_or(0, |log| log.len()))
}

/// An event time or watermark that stands for a moment.
pub(crate) fn known(time: EventTime) -> Option<EventTime> {
    (time > START_OF_TIME && time < END_OF_TIME).then_some(time)
}

fn wait(wait: Wait) -> WaitStatus {
    WaitStatus {
        part: wait.who,
        reason: wait.what,
        seconds: wait.since.as_secs_f64(),
    }
}

fn waits_for(waits: &Waits, sink: &str) -> Option<String> {
    let part = format!("sink {sink}");
    let waits = waits.list().into_iter();
    waits
        .filter(|wait| wait.who == part)
        .map(|wait| wait.what)
        .next()
}

fn sink(progress: &SinkProgress, waits: &Waits) -> SinkStatus {
    let debt = progress.backlog.debt();
    SinkStatus {
        name: progress.name.clone(),
        records: Some(progress.records.load(Relaxed)),
        records_per_second: None,
        waits_for: waits_for(waits, &progress.name),
        pending: debt.as_ref().map(|debt| debt.records),
        oldest_pending_seconds: debt.as_ref().and_then(|debt| debt.oldest).map(age_seconds),
        last_error: debt.and_then(|debt| debt.last_error),
    }
}

fn sources(partitions: &[Arc<PartitionProgress>]) -> Vec<SourceStatus> {
    // Those of a source stand side by side.
    partitions
        .chunk_by(|one, next| one.source == next.source)
        .map(|partitions| {
            let (name, unit) = (partitions[0].source.clone(), partitions[0].unit());
            let partitions: Vec<_> = partitions.iter().map(|known| partition(known)).collect();
            SourceStatus {
                name,
                unit: Some(unit),
                lag: partitions.iter().map(|partition| partition.lag).sum(),
                partitions,
            }
        })
        .collect()
}

fn partition(progress: &PartitionProgress) -> PartitionStatus {
    let (position, end) = (progress.position(), progress.end());
    PartitionStatus {
        name: progress.name.clone(),
        position: Some(position),
        end,
        lag: end.map(|end| end.saturating_sub(position)),
        read_per_second: None,
    }
}

fn stage(progress: &StageProgress, latest: Option<EventTime>) -> StageStatus {
    let reached = progress.watermark();
    let watermark = known(reached);
    let cpu = Duration::from_nanos(progress.cpu_nanos.load(Relaxed));
    let delay = latest
        .zip(watermark)
        .and_then(|(latest, watermark)| u64::try_from(latest.checked_sub(watermark)?).ok());
    StageStatus {
        name: progress.name.clone(),
        records_in: Some(progress.records_in.load(Relaxed)),
        records_out: Some(progress.records_out.load(Relaxed)),
        cpu_seconds: Some(cpu.as_secs_f64()),
        limit_breaches: Some(progress.breaches.load(Relaxed)),
        records_in_per_second: None,
        watermark,
        watermark_delay_seconds: delay.map(|delay| Duration::from_millis(delay).as_secs_f64()),
        at_end_of_input: reached == END_OF_TIME,
    }
}

/// `VmRSS` of this process, as Linux says it in KiB.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(size.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
