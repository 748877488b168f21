//! Sources: where records come from.
//!
//! A source is a set of partitions. Each is read in order and can be read again from any position it has given, which is what
//! recovery rests on. A new kind of source is a file here, a line in [`open`] and its options in the manifest.

mod file;
mod lines;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::checkpoint::PartitionCheckpoint;
use crate::config::SourceKind;
use crate::error::Code;
use crate::record::Batch;

/// A part of a source that is read in order.
pub trait Partition: Send {
    /// Its name among the partitions of its source, which stays the same from run to run.
    fn name(&self) -> &str;

    /// Reads on, up to a batch.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    fn read(&mut self) -> Result<Read, SourceError>;

    /// Where to go on reading behind what was read last.
    fn position(&self) -> serde_json::Value;

    /// How far it has come and how far it goes, if that is known, in the same unit.
    fn progress(&self) -> (u64, Option<u64>);
}

/// What reading gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Records.
    Records(ReadBatch),
    /// There is nothing more and never will be.
    End,
}

/// Records that were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReadBatch {
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
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } => Code::SOURCE_UNREADABLE,
            Self::Changed { .. } | Self::Gone { .. } | Self::Added { .. } => Code::SOURCE_CHANGED,
        }
    }
}

/// Opens the partitions of a source, each where the last checkpoint left it.
///
/// # Errors
/// [`SourceError`] where one cannot be read, or is not what it was.
pub fn open(
    name: &str,
    kind: &SourceKind,
    restored: Option<&BTreeMap<String, PartitionCheckpoint>>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let partitions: Vec<Box<dyn Partition>> = match kind {
        SourceKind::File(options) => file::open(options, restored)?,
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
