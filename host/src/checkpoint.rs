//! What a pipeline knows at a moment when nothing is in flight, and the store that keeps it.
//!
//! A checkpoint is the positions of the sources, the watermarks, the state of every stage, and how far each sink has come. All
//! of it is committed at once, together with the dead letters of the same epoch and, where the store is a database, the rows of the sqlite sinks:
//! after a crash either everything of an epoch has happened or nothing has. Two places can keep checkpoints: an SQLite database, and an object store, which
//! a process on another machine can go on from.

mod backend;
mod dead_letters;
mod error;
mod letter_json;
mod location;
mod objects;
mod packed;
mod sqlite;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use dead_letters::{DeadLetter, DeadLetterFilter, EntrySnapshot, StoredDeadLetter};
pub use error::StoreError;
pub use letter_json::LetterJson;
pub use location::Location;
pub(crate) use sqlite::Lock;
pub use sqlite::{Outbox, Owed};
pub(crate) use state::Parts;
pub use state::{StoredEntry, StoredKey};
pub use store::{Database, Finality, Recorded, StageState, Store};

use crate::pipeline::reload::Note;
use crate::record::EventTime;

/// Everything of a checkpoint but the state entries, which are kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The epoch that ended with it. Epochs rise, and some are missing: every attempt begins a new one.
    pub epoch: u64,
    /// When the pipeline began its first epoch, tenths of a second since the start of 2020.
    pub origin: u64,
    /// Whether all input had been read and worked on.
    pub complete: bool,
    /// When it was committed, milliseconds since the Unix epoch.
    pub taken_at: i64,
    /// How long the pipeline stood still for it, microseconds.
    pub pause_micros: u64,
    /// Number of key groups that the entries were divided into.
    pub key_groups: u16,
    /// By source and partition.
    pub sources: BTreeMap<String, BTreeMap<String, PartitionCheckpoint>>,
    /// By stage.
    pub stages: BTreeMap<String, StageCheckpoint>,
    /// By sink: what it needs to go on from here.
    pub sinks: BTreeMap<String, serde_json::Value>,
    /// Sums over the life of the pipeline.
    pub totals: Totals,
    /// Which version of the pipeline took it, and which is to follow; none where versions are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// How far a partition of a source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionCheckpoint {
    /// Where to go on reading; its form is the source's.
    pub position: serde_json::Value,
    /// By the source or stage that makes watermarks: what it knows of the partition.
    pub watermarks: BTreeMap<String, PartitionWatermark>,
}

/// What is known of the event time of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionWatermark {
    /// The greatest event time seen.
    pub latest: EventTime,
    /// Whether it had been silent for longer than its time-out.
    pub idle: bool,
}

/// What is known of a stage beside its state entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageCheckpoint {
    /// SHA-256 of the plugin.
    pub digest: String,
    /// The version in which it writes its state.
    pub state_version: u32,
    /// The watermark that its instances had reached.
    pub watermark: EventTime,
}

/// Sums over the life of a pipeline; a record that was read again after a failure counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Records read from the sources.
    pub records: u64,
    /// Dead letters, late ones included.
    pub rejected: u64,
    /// Records that came behind the watermark and were refused for it.
    pub late: u64,
}
