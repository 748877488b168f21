//! Sources: where records come from.
//!
//! A source is a set of partitions. Each is read in order and can be read again from any position it has given, which is what
//! recovery rests on. A new kind of source is a file here, a line in [`open`] and its options in the manifest.

mod exchange;
mod file;
mod job;
mod kafka;
mod lines;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::checkpoint::PartitionCheckpoint;
use crate::config;
use crate::connection::Services;
use crate::connection::kafka::KafkaError;
use crate::error::Code;
use crate::job::JobStoreError;
use crate::pipeline::plan::SourceKind;
use crate::pipeline::{Halt, Waits};
use crate::record::Batch;
pub(crate) use exchange::exchange_topic;

/// A part of a source that is read in order.
pub trait Partition: Send {
    /// Its name among the partitions of its source, which stays the same from run to run.
    fn name(&self) -> &str;

    /// Reads on, up to a batch of at most `most` records, at least one. Does not wait for records that are not there yet.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    fn read(&mut self, most: usize) -> Result<Read, SourceError>;

    /// Where to go on reading behind what was read last.
    fn position(&self) -> serde_json::Value;

    /// How far it has come and how far it goes, if that is known, in the same unit.
    fn progress(&self) -> (u64, Option<u64>);

    /// What [`progress`](Partition::progress) is counted in, and from where.
    fn scale(&self) -> Scale {
        Scale::default()
    }

    /// A checkpoint has been committed with the position that was given last: nothing before it will be read again.
    fn committed(&mut self) {}

    /// Whom to wake when there is something to read again after [`Read::Nothing`] or [`Read::Waiting`].
    fn wake_with(&mut self, _wake: Wake) {}
}

/// How positions in a partition are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// What is counted.
    pub unit: Unit,
    /// The position that [`Partition::progress`] calls 0: of a log that has lost its beginning, the first position that is left.
    pub origin: u64,
}

/// What positions in a partition count. In JSON a word in lower case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Records, or offsets, of which a few may be of something else.
    #[default]
    Records,
    /// Bytes.
    Bytes,
}

/// Wakes the worker that reads a partition. Waking one that is awake does nothing.
#[derive(Clone, Debug)]
pub struct Wake(crossbeam_channel::Sender<()>);

impl Wake {
    /// With what the worker listens to.
    #[must_use]
    pub fn new() -> (Self, crossbeam_channel::Receiver<()>) {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        (Self(sender), receiver)
    }

    /// There is something to read.
    pub fn wake(&self) {
        // Full: the worker knows already. Disconnected: it has gone.
        let _ = self.0.try_send(());
    }
}

/// What reading gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Records.
    Records(ReadBatch),
    /// An output of the source, by index, has nothing to say for now, so that no watermark shall wait for it.
    Silence(usize),
    /// All there is has been read; more may come.
    Nothing,
    /// There may be more, but it cannot be had for now.
    Waiting,
    /// The source has other partitions than when it was opened, and is to be opened again.
    Repartitioned,
    /// There is nothing more and never will be.
    End,
}

/// Records that were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReadBatch {
    /// The output of the source that they are for; 0 where the source has but one.
    pub output: usize,
    /// The records.
    pub batch: Batch,
    /// Records that the source may not take, each the beginning of it and why.
    pub refused: Vec<Refused>,
}

/// A record that a source may not take.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// As much of it as is kept.
    pub beginning: Vec<u8>,
    /// Why, for machines.
    pub code: &'static str,
    /// Why, for people.
    pub message: String,
}

/// A source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("the source cannot read {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A message of another task cannot be read.
    #[error(
        "a message in the exchange topic `{topic}`, partition {partition}, cannot be read: {reason}"
    )]
    Exchange {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Why not.
        reason: String,
    },
    /// A Kafka cluster cannot be read.
    #[error("the source cannot read Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// What jobs have emitted cannot be read.
    #[error("the source `{source_name}` cannot read what jobs have emitted: {error}")]
    Jobs {
        /// The source.
        source_name: String,
        /// Why not.
        error: Box<JobStoreError>,
    },
    /// The jobs are not those that were read before.
    #[error(
        "the database of the jobs is not the one that the last checkpoint of the source `{source_name}` was taken on: {found}"
    )]
    OtherJobs {
        /// The source.
        source_name: String,
        /// What differs.
        found: String,
    },
    /// A file is not the one that was read before.
    #[error("{} is not the file that the last checkpoint was taken on: {found}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What differs.
        found: String,
    },
    /// What the checkpoint says does not fit.
    #[error(
        "the last checkpoint of the source `{source_name}` was taken on {partition}, which is not among its partitions now"
    )]
    Gone {
        /// The source.
        source_name: String,
        /// The partition.
        partition: String,
    },
    /// Input was added after everything had been read.
    #[error(
        "all input of the source `{source_name}` had been read to the end, and now there is {partition} too"
    )]
    Added {
        /// The source.
        source_name: String,
        /// The partition.
        partition: String,
    },
}

impl SourceError {
    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Kafka(error) if error.is_transient())
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } => Code::SOURCE_UNREADABLE,
            Self::Jobs { error, .. } => error.code(),
            Self::OtherJobs { .. } => Code::SOURCE_CHANGED,
            Self::Exchange { .. } => Code::EXCHANGE_UNREADABLE,
            Self::Kafka(error) => error.code(),
            Self::Changed { .. } | Self::Gone { .. } | Self::Added { .. } => Code::SOURCE_CHANGED,
        }
    }
}

/// What a source is opened with.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The source's name.
    pub name: &'a str,
    /// By partition: where the last checkpoint left it.
    pub restored: Option<&'a BTreeMap<String, PartitionCheckpoint>>,
    /// Connections of the manifest.
    pub services: &'a Services,
    /// Where to say what is waited for.
    pub waits: &'a Arc<Waits>,
    /// When to wait no longer.
    pub halt: &'a Halt,
}

/// Opens the partitions of a source, each where the last checkpoint left it.
///
/// # Errors
/// [`SourceError`] where one cannot be read, or is not what it was.
pub fn open(
    kind: &SourceKind,
    opening: Opening<'_>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let Opening { name, restored, .. } = opening;
    let partitions: Vec<Box<dyn Partition>> = match kind {
        SourceKind::Manifest(config::SourceKind::File(options), _) => {
            file::open(options, restored)?
        }
        SourceKind::Manifest(config::SourceKind::Kafka(options), only) => {
            kafka::open(options, *only, opening)?
        }
        SourceKind::Job { job, port } => job::open(job, port.as_deref(), opening)?,
        SourceKind::Exchange(exchange) => exchange::open(exchange, opening)?,
        SourceKind::SameExchange => Vec::new(),
    };
    let known = |partition: &str| partitions.iter().any(|known| known.name() == partition);
    match restored
        .into_iter()
        .flat_map(BTreeMap::keys)
        .find(|partition| !known(partition))
    {
        Some(gone) => Err(SourceError::Gone {
            source_name: name.to_owned(),
            partition: gone.clone(),
        }),
        None => Ok(partitions),
    }
}
