//! Runs: immutable objects with changes in the order of (stage, key group, key). The newest run that says something of a key is right.
//!
//! A run is a line that says what it is, and then blocks of some sixty kibibytes, each of one stage: length as it is stored and as it was (4 bytes each),
//! checksum (8), and the changes compressed with LZ4. Where the blocks of each stage are is said where the run is named, so that one stage is read without the others.

mod reader;
mod writer;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

pub(super) use reader::RunReader;
pub(super) use writer::RunWriter;

/// What a run begins with.
const HEAD: &[u8; 16] = b"jackfield run 1\n";

/// Bytes in front of a block.
const BLOCK_HEAD: usize = 16;

/// Bytes of changes after which a block ends.
const BLOCK_BYTES: usize = 64 << 10;

/// A run, and where in it the changes of each stage are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Its object.
    pub(super) object: String,
    /// Bytes of the object.
    pub(super) bytes: u64,
    pub(super) stages: BTreeMap<String, Extent>,
}

/// The changes of one stage in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extent {
    /// Where its blocks begin.
    pub(super) offset: u64,
    /// Bytes of its blocks.
    pub(super) length: u64,
    /// Keys that have a value.
    pub(super) kept: u64,
    /// Keys of which nothing is left.
    pub(super) forgotten: u64,
    /// Bytes of keys and values.
    pub(super) bytes: u64,
    /// The versions of the values.
    pub(super) versions: BTreeSet<u32>,
}

/// Also of where the block belongs: one that stands in another object or stage is as wrong as one that has changed.
fn checksum(object: &str, stage: &str, raw_length: u32, packed: &[u8]) -> u64 {
    let place = xxh3_64(object.as_bytes()) ^ xxh3_64(stage.as_bytes()).rotate_left(1);
    xxh3_64_with_seed(packed, place ^ u64::from(raw_length))
}
