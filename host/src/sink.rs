//! Sinks: where results go, and how their effect is exactly once.
//!
//! A sink is written during an epoch, *prepared* when everything of the epoch has arrived, and counts when the checkpoint is committed. What it
//! gives at `prepare` is kept in the checkpoint and given back to it when it is opened again: whatever it wrote since is then undone.
//! A new kind of sink is a file here, a line in [`open`] and its options in the manifest.

mod jsonl;
mod sqlite;
mod stdout;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::checkpoint::{DeadLetter, Store, StoreError};
use crate::config::SinkKind;
use crate::error::Code;
use crate::record::Batch;

/// A sink at work.
pub trait Sink: Send {
    /// Takes records. Those that do not fit are given back as (index, code, message) and go to the dead-letter queue.
    ///
    /// # Errors
    /// [`SinkError`] where it cannot be written.
    fn write(&mut self, batch: &Batch) -> Result<Vec<Misfit>, SinkError>;

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
    /// The database of the checkpoints, which sqlite sinks write to, cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SinkError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } | Self::Stdout(_) => Code::SINK_UNWRITABLE,
            Self::Shorter { .. } => Code::SINK_SHORTER,
            Self::Exists { .. } => Code::SINK_EXISTS,
            Self::Position { .. } => Code::CHECKPOINT_MISMATCH,
            Self::Table { .. } => Code::SINK_TABLE,
            Self::Store(error) => error.code(),
        }
    }
}

/// Opens a sink as it was at the last checkpoint: `position` is what it said then, none if there is none.
///
/// # Errors
/// [`SinkError`] where what it writes to is not what it left.
pub fn open(
    name: &str,
    kind: &SinkKind,
    position: Option<&serde_json::Value>,
    store: &Arc<Mutex<Store>>,
) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match kind {
        SinkKind::Sqlite(options) => Box::new(sqlite::SqliteSink::open(options, store)?),
        SinkKind::Jsonl(options) => Box::new(jsonl::JsonlSink::open(name, options, position)?),
        SinkKind::Stdout(_) => Box::new(stdout::StdoutSink::new()),
    })
}
