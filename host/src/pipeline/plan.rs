//! A plan: everything that running a pipeline needs to know, checked against the plugins and inert.

use std::time::Duration;

use super::watermark::Strategy;
use crate::config;
use crate::plugin::{Component, Limits};

/// A pipeline, ready to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// How many instances of a stage work side by side.
    pub parallelism: usize,
    /// How often checkpoints are taken.
    pub checkpoint: CheckpointPlan,
    /// Failures in a row, with no progress between them, after which it stops.
    pub maximum_restarts: u32,
    /// Where records come from.
    pub sources: Vec<SourcePlan>,
    /// What works on them: a stage comes after those it reads from.
    pub stages: Vec<StagePlan>,
    /// Where results go.
    pub sinks: Vec<SinkPlan>,
    /// How what is written to Kafka becomes true, if anything is.
    pub transaction: Option<TransactionPlan>,
}

/// How what a task writes to Kafka becomes true with its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPlan {
    /// The name of the connection.
    pub connection: String,
    /// The transactional id: one a task, for ever, so that a successor fences those before it. Also the name of the consumer group in which the number of
    /// the committed epoch is kept, as an offset.
    pub id: String,
    /// A topic that exists: the offset is kept for its partition 0, which nobody reads in that group.
    pub topic: String,
}

/// How often checkpoints are taken.
#[derive(Clone, Debug)]
pub struct CheckpointPlan {
    /// From the start of one to the start of the next.
    pub interval: Duration,
    /// At least from the end of one to the start of the next.
    pub minimum_pause: Duration,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: config::SourceKind,
    /// How its watermark is made, if it is made here.
    pub watermark: Option<Strategy>,
    /// How fast it is read at most.
    pub rate_limit: Option<config::RateLimit>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StagePlan {
    /// Its name.
    pub name: String,
    /// Its code.
    pub component: Component,
    /// JSON.
    pub configuration: String,
    /// What an instance may use.
    pub limits: Limits,
    /// How the watermark of its outputs is made, if it is made here.
    pub watermark: Option<Strategy>,
    /// By input port: what feeds it.
    pub inputs: Vec<Vec<Origin>>,
}

/// A sink.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: config::SinkKind,
    /// What feeds it.
    pub from: Vec<Origin>,
}

impl SinkPlan {
    /// Whether watermarks and silences matter to it as records do.
    #[must_use]
    pub fn follows_time(&self) -> bool {
        false
    }
}

/// Where the records of an input come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A source, by index.
    Source(usize),
    /// An output port of a stage, both by index.
    Stage {
        /// The stage.
        stage: usize,
        /// The port.
        port: usize,
    },
}
