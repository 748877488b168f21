//! What the threads of an attempt say to each other. Every channel is bounded: a slow sink stops the sources, and nothing grows.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::recovery::{Site, Suspect};
use crate::checkpoint::{PartitionCheckpoint, StoreError};
use crate::connection::kafka::KafkaError;
use crate::plugin::{Changes, Failure};
use crate::record::{Batch, EventTime};
use crate::sink::SinkError;
use crate::source::SourceError;

/// Batches that may wait in front of a worker or a sink.
const ROOM: usize = 8;

/// What travels along an edge.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    /// Records and marks.
    Batch(Arc<Batch>),
    /// Nothing for now; the receiver's watermark shall not wait.
    Silence,
}

/// To a worker.
#[derive(Debug)]
pub(super) enum ToWorker {
    Deliver {
        edge: usize,
        from: usize,
        signal: Signal,
    },
    /// Everything that the sender has to say in this epoch has been said.
    Barrier,
}

/// To a sink.
#[derive(Debug)]
pub(super) enum ToSink {
    /// From what feeds the sink, by index.
    Deliver {
        from: usize,
        signal: Signal,
    },
    Barrier,
}

/// To the workers that read the sources.
#[derive(Clone, Copy, Debug)]
pub(super) enum Control {
    /// Stop reading at the next batch boundary, and say so to all others.
    Checkpoint,
    /// What was said at the last standstill is committed.
    Committed,
    /// Go on reading.
    Resume,
}

/// From the threads to the task.
#[derive(Debug)]
pub(super) enum Event {
    /// A worker of segment 0 has read all its partitions to the end.
    Ended,
    /// A source has other partitions than when the attempt began.
    Repartitioned,
    /// A worker stands still; this is what it knows.
    Flushed(Flushed),
    /// A sink has all of the epoch; this is what it needs to go on from here.
    Prepared {
        sink: usize,
        position: serde_json::Value,
    },
    /// A sink has as much as it can keep of an epoch.
    Wanted,
    Failed(Fault),
}

#[derive(Debug, Default)]
pub(super) struct Flushed {
    pub(super) changes: Vec<(usize, Changes)>,
    pub(super) watermarks: Vec<(usize, EventTime)>,
    pub(super) partitions: Vec<(usize, String, PartitionCheckpoint)>,
}

/// A plugin failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the plugin {plugin} (sha256 {digest:.12}) of the stage `{stage}` {failure}; it was given {suspect}"
)]
pub struct PluginFault {
    /// Its stage.
    pub stage: String,
    /// Its name and version.
    pub plugin: String,
    /// SHA-256 of the plugin.
    pub digest: String,
    /// What it did.
    pub failure: Failure,
    /// Which instance it was.
    pub site: Site,
    /// What it was being given.
    pub suspect: Suspect,
}

/// Why an attempt ends.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A plugin failed.
    #[error(transparent)]
    Plugin(Box<PluginFault>),
    /// A stage without keys returned state.
    #[error(
        "the plugin of the stage `{stage}` wants to remember something, but the stage has no keyed input"
    )]
    StateWithoutKey {
        /// The stage.
        stage: String,
    },
    /// A source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A sink cannot be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// What was written to Kafka cannot be made true.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The checkpoint database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread of the host broke off.
    #[error("the thread `{0}` broke off: {1}")]
    Thread(String, String),
    /// Another thread went away first; what happened is said there.
    #[error("another part of the pipeline went away")]
    Disconnected,
    /// The pipeline was told not to wait for what it was waiting for.
    #[error("the pipeline was told to stop at once")]
    Abandoned,
}

impl Fault {
    /// Whether another attempt may do better although nothing is changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Source(error) => error.is_transient(),
            Self::Sink(error) => error.is_transient(),
            Self::Kafka(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}

impl<T> From<crossbeam_channel::SendError<T>> for Fault {
    fn from(_: crossbeam_channel::SendError<T>) -> Self {
        Self::Disconnected
    }
}

pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    bounded(ROOM)
}
