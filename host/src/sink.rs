//! Sinks: where results go, and how their effect is exactly once.
//!
//! A sink is written during an epoch, *prepared* when everything of the epoch has arrived, and counts when the checkpoint is committed. What it
//! gives at `prepare` is kept in the checkpoint and given back to it when it is opened again: whatever it wrote since is then undone.
//! A new kind of sink is a file here, a line in [`open`] and its options in the manifest.

mod appended;
mod audit;
mod cassandra;
mod exchange;
mod jsonl;
mod kafka;
mod object_store;
mod patience;
mod sqlite;
mod stdout;
mod webhook;

pub use self::object_store::ObjectError;
pub use cassandra::TableError;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::checkpoint::{DeadLetter, Store, StoreError};
use crate::config;
use crate::connection::Services;
use crate::connection::cassandra::CassandraError;
use crate::connection::http::ConnectionError;
use crate::connection::kafka::{KafkaError, Transaction};
use crate::error::Code;
use crate::pipeline::epoch::EpochClock;
use crate::pipeline::plan::SinkKind;
use crate::pipeline::progress::Progress;
use crate::pipeline::{Halt, Waits};
use crate::record::Batch;

/// A sink at work.
pub trait Sink: Send {
    /// Takes records of what feeds it, by index. Those that do not fit are given back and go to the dead-letter queue. Where it
    /// [follows time](crate::pipeline::plan::SinkPlan::follows_time), batches without records come too, for their marks.
    ///
    /// # Errors
    /// [`SinkError`] where it cannot be written.
    fn write(&mut self, from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError>;

    /// What feeds it, by index, has nothing to say for now. Only said to a sink that
    /// [follows time](crate::pipeline::plan::SinkPlan::follows_time).
    ///
    /// # Errors
    /// [`SinkError`] where it cannot be written.
    fn silence(&mut self, _from: usize) -> Result<(), SinkError> {
        Ok(())
    }

    /// When [`flush`](Sink::flush) is due at the latest; none while nothing is held back.
    fn flush_at(&self) -> Option<Instant> {
        None
    }

    /// Writes what was held back to gather more.
    ///
    /// # Errors
    /// [`SinkError`] where it cannot be written.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Whether a checkpoint is to be taken before it is due: what has come since the last one is as much as the sink can keep.
    fn wants_checkpoint(&self) -> bool {
        false
    }

    /// Records that were taken earlier, and turned out since not to be wanted where they go. They leave the sink with the epoch that is under way, and are asked for before
    /// [`prepare`](Sink::prepare).
    fn refused(&mut self) -> Vec<DeadLetter> {
        Vec::new()
    }

    /// Makes everything durable that does not become so with the checkpoint itself, and says what is needed to go on from here.
    ///
    /// # Errors
    /// [`SinkError`] where that fails.
    fn prepare(&mut self) -> Result<serde_json::Value, SinkError>;
}

/// A record that does not fit its sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Its position in the batch.
    pub index: usize,
    /// Why, for people.
    pub message: String,
}

impl Misfit {
    /// As a letter to the dead-letter queue, from the sink of that name.
    #[must_use]
    pub fn into_letter(self, sink: &str, batch: &Batch) -> DeadLetter {
        let record = batch.record(self.index);
        DeadLetter {
            stage: sink.to_owned(),
            port: String::new(),
            code: "sink-record".to_owned(),
            message: self.message,
            record: record.value.to_vec(),
            key: (!batch.keys.is_empty()).then(|| record.key.to_vec()),
            timestamp: record.timestamp,
            plugin: String::new(),
            backtrace: None,
            state: None,
        }
    }
}

/// A sink cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A file cannot be written.
    #[error("the sink cannot write {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file is shorter than what the last checkpoint says was written to it.
    #[error("{} has {found} bytes, but the last checkpoint says that {expected} were written", path.display())]
    Shorter {
        /// The file.
        path: PathBuf,
        /// Its length, bytes.
        found: u64,
        /// What was committed, bytes.
        expected: u64,
    },
    /// There is a file already, and it is not known to be the sink's.
    #[error("{} holds {found} bytes that this pipeline has no record of writing", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// Its length, bytes.
        found: u64,
    },
    /// What the checkpoint says of the sink is not what this kind of sink says.
    #[error(
        "what the last checkpoint says of the sink `{sink}` cannot be used: the sink was of another kind then"
    )]
    Position {
        /// The sink.
        sink: String,
    },
    /// A table has other columns.
    #[error("the table `{table}` has the columns {found}, but the manifest says {expected}")]
    Table {
        /// The table.
        table: String,
        /// Its columns.
        found: String,
        /// Those of the manifest.
        expected: String,
    },
    /// Standard output is closed.
    #[error("cannot write to the standard output: {0}")]
    Stdout(std::io::Error),
    /// The attempt is over while the sink was waiting.
    #[error("the pipeline is stopping")]
    Halted,
    /// A sink that writes to Kafka was given no transaction.
    #[error("the sink `{sink}` has no transaction to write in")]
    NoTransaction {
        /// The sink.
        sink: String,
    },
    /// A Kafka cluster cannot be written.
    #[error("the sink cannot write to Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// A Cassandra cluster does not let itself be written to.
    #[error("the sink cannot write to Cassandra: {0}")]
    Cassandra(#[from] CassandraError),
    /// A table of Cassandra cannot take what it is given.
    #[error(transparent)]
    CassandraTable(#[from] TableError),
    /// A connection that records are posted to cannot be used.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// An object store does not take what it is given.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
    /// The database of the checkpoints, which sqlite sinks write to, cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SinkError {
    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Kafka(error) if error.is_transient())
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } | Self::Stdout(_) => Code::SINK_UNWRITABLE,
            Self::Shorter { .. } => Code::SINK_SHORTER,
            Self::Exists { .. } => Code::SINK_EXISTS,
            Self::Position { .. } => Code::CHECKPOINT_MISMATCH,
            Self::Table { .. } => Code::SINK_TABLE,
            Self::Halted | Self::NoTransaction { .. } | Self::Thread(_) => Code::THREAD_FAILED,
            Self::Kafka(error) => error.code(),
            Self::Cassandra(error) => error.code(),
            Self::CassandraTable(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Connection(error) => error.code(),
            Self::Objects(error) => error.code(),
        }
    }
}

/// What a sink is opened with.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// In a part of a distributed pipeline: which task it is.
    pub task: Option<&'a str>,
    /// The sink's name.
    pub name: &'a str,
    /// Its place among the sinks of the progress.
    pub index: usize,
    /// What the sink said at the last checkpoint, none if there is none.
    pub position: Option<&'a serde_json::Value>,
    /// Where checkpoints are kept.
    pub store: &'a Arc<Mutex<Store>>,
    /// Connections of the manifest.
    pub services: &'a Services,
    /// The epoch that is under way.
    pub epoch: &'a Arc<EpochClock>,
    /// What the task writes to Kafka, if it writes there.
    pub transaction: Option<&'a Arc<Transaction>>,
    /// Whether dead letters are given back, in place of what the sources hold.
    pub is_replay: bool,
    /// How far the pipeline has come.
    pub progress: &'a Arc<Progress>,
    /// Where to say what is waited for.
    pub waits: &'a Arc<Waits>,
    /// When to wait no longer.
    pub halt: &'a Halt,
}

/// Opens a sink as it was at the last checkpoint.
///
/// # Errors
/// [`SinkError`] where what it writes to is not what it left.
pub fn open(kind: &SinkKind, opening: Opening<'_>) -> Result<Box<dyn Sink>, SinkError> {
    let Opening {
        name,
        position,
        store,
        ..
    } = opening;
    let kind = match kind {
        SinkKind::Manifest(kind) => kind,
        SinkKind::Exchange(exchange) => {
            return Ok(Box::new(exchange::ExchangeSink::open(exchange, opening)?));
        }
    };
    Ok(match kind {
        config::SinkKind::Sqlite(options) => Box::new(sqlite::SqliteSink::open(options, store)?),
        config::SinkKind::Jsonl(options) => {
            Box::new(jsonl::JsonlSink::open(name, options, position)?)
        }
        config::SinkKind::Audit(options) => {
            Box::new(audit::AuditSink::open(name, options, position)?)
        }
        config::SinkKind::Stdout(_) => Box::new(stdout::StdoutSink::new()),
        config::SinkKind::Kafka(options) => Box::new(kafka::KafkaSink::open(options, opening)?),
        config::SinkKind::Cassandra(options) => {
            Box::new(cassandra::CassandraSink::open(options, opening)?)
        }
        config::SinkKind::Webhook(options) => {
            Box::new(webhook::WebhookSink::open(options, opening)?)
        }
        config::SinkKind::ObjectStore(options) => object_store::open(options, opening)?,
    })
}
