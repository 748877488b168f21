//! How a pipeline fares, as `jackfield status --format json` writes it: one object a line.
//!
//! Durations are seconds, moments milliseconds since the Unix epoch. What is not known is `null`; what only a second look can tell (what happens in a second) is
//! left out of the first. Fields are added as versions go by, and none changes its meaning.

use serde::{Deserialize, Serialize};

use crate::pipeline::progress::TaskState;
use crate::pipeline::reload::{Report, Tally};
use crate::source::Unit;

/// What a task is doing.
pub type State = TaskState;

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub pipeline: String,
    /// The process that runs it; `null` if none does, and what follows is then what its last checkpoint says.
    pub host: Option<HostStatus>,
    /// Its tasks.
    pub tasks: Vec<TaskStatus>,
    /// Which version works, and how the last reload fares; missing where versions are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<ReloadStatus>,
}

/// The version of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReloadStatus {
    /// The digest of the version that works.
    pub version: String,
    /// How reloads ended since the start of the process.
    pub tally: Tally,
    /// The reload that is under way or was the last; missing if there was none since the start of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Report>,
}

/// A process that runs pipelines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The version of Jackfield.
    pub version: String,
    /// The number of the process.
    pub process: u32,
    /// Since it began to run the pipeline.
    pub uptime_seconds: f64,
    /// Resident memory of the process, which may run other pipelines too; `null` where the system does not say.
    pub memory_bytes: Option<u64>,
}

/// A task: the part of a pipeline's work that has checkpoints of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Its name.
    pub name: String,
    /// `starting`, `running`, `waiting`, `recovering`, `stopping` or `ended`.
    pub state: State,
    /// What it waits for. To wait is no failure: it ends by itself when what is waited for is there.
    pub waits: Vec<WaitStatus>,
    /// Which attempt since the start of the process is under way: 1 is the first, and a failure ends one. `null` if no process runs the task, as
    /// everything that is counted from its start.
    pub attempt: Option<u64>,
    /// How often the process went back to the last checkpoint after a failure.
    pub restarts: Option<u64>,
    /// Records read in the life of the pipeline; one that was read again after a failure counts once.
    pub records: u64,
    /// As above, a second, since the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_second: Option<f64>,
    /// Dead letters written in the life of the pipeline, those included that have been replayed since.
    pub rejected: u64,
    /// Of those, records that came behind the watermark.
    pub late: u64,
    /// The greatest event time that this process has seen.
    pub latest_event_time: Option<i64>,
    /// How far the slowest watermark is behind it; `null` before there is one, and at the end of all input.
    pub watermark_delay_seconds: Option<f64>,
    /// The last checkpoint; `null` before the first.
    pub checkpoint: Option<CheckpointStatus>,
    /// For how long the task has been coming to a standstill for the next one; `null` while it works.
    pub standstill_seconds: Option<f64>,
    /// What it reads.
    pub sources: Vec<SourceStatus>,
    /// What works on it, in the order of the data.
    pub stages: Vec<StageStatus>,
    /// What it writes.
    pub sinks: Vec<SinkStatus>,
}

/// Something that is waited for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WaitStatus {
    /// Who waits: `source NAME`, `stage NAME` (its breaker is open), `sink NAME`, or `pipeline`.
    pub part: String,
    /// What for, and why.
    pub reason: String,
    /// For how long.
    pub seconds: f64,
}

/// A checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointStatus {
    /// Its number. They rise, and some are missing.
    pub epoch: u64,
    /// When it was committed.
    pub taken_at: i64,
    /// How long ago that is.
    pub age_seconds: f64,
    /// How long the task stood still for it.
    pub pause_seconds: f64,
    /// Entries of state that it wrote; `null` of one that an earlier process took.
    pub entries_written: Option<u64>,
    /// Bytes of their keys and values.
    pub bytes_written: Option<u64>,
    /// Size of all that is stored: state, dead letters, the tables of sqlite sinks and what is not yet given back to the disk.
    pub stored_bytes: Option<u64>,
    /// How many this process has taken; `null` if none runs.
    pub taken: Option<u64>,
    /// Whether all input had been read and worked on; `null` while a process runs the task.
    pub complete: Option<bool>,
}

/// A source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// What its positions count: `records` (offsets of a log) or `bytes`; `null` if no process runs that could say.
    pub unit: Option<Unit>,
    /// How much of all partitions is still to be read; `null` if that is not known of all of them.
    pub lag: Option<u64>,
    /// What it consists of.
    pub partitions: Vec<PartitionStatus>,
}

/// A partition of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartitionStatus {
    /// Its name.
    pub name: String,
    /// Where reading goes on.
    pub position: Option<u64>,
    /// The position behind all that there is.
    pub end: Option<u64>,
    /// How much there is between.
    pub lag: Option<u64>,
    /// How much of it was read a second, since the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_per_second: Option<f64>,
}

/// A stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageStatus {
    /// Its name.
    pub name: String,
    /// Records that it was given since the start of the process, those again after a failure included.
    pub records_in: Option<u64>,
    /// Records that it wrote.
    pub records_out: Option<u64>,
    /// CPU time of its calls.
    pub cpu_seconds: Option<f64>,
    /// How often an instance went over a limit of the manifest since the start of the process.
    #[serde(default)]
    pub limit_breaches: Option<u64>,
    /// As [`StageStatus::records_in`], a second, since the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_in_per_second: Option<f64>,
    /// The watermark that all its instances have reached; `null` if they have none, or the input has ended.
    pub watermark: Option<i64>,
    /// How far that is behind the latest event time.
    pub watermark_delay_seconds: Option<f64>,
    /// Whether its watermark has come to the end of all input.
    pub at_end_of_input: bool,
}

/// A sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Records that it took since the start of the process, those again after a failure included.
    pub records: Option<u64>,
    /// As above, a second, since the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_second: Option<f64>,
    /// What it waits for; `null` while it writes.
    pub waits_for: Option<String>,
    /// Records that it has taken and still has to deliver; missing where it keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// For how long the oldest of those has been waiting that are on their way; missing while none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_pending_seconds: Option<f64>,
    /// What went wrong last with a delivery, since the start of the process; missing if nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}
