//! The log of a task: numbered entries, each of which only one process can write. Who writes entry `n` owns epoch `n + 1`.
//!
//! A claim is an entry and a checkpoint is an entry, so whoever finds the number of its next entry taken has been fenced. This needs nothing of an object store
//! but to refuse a name that is in use. Old entries are removed in time; the newest one always stays, so a number that is free although a higher one is in
//! use can be recognised, and is not for use either.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::bucket::Bucket;
use super::owner::Owner;
use super::run::Run;
use crate::checkpoint::{Checkpoint, Recorded, StoreError};

/// The version of the entries below and of what they name.
const FORMAT: u32 = 1;

/// Where the entries are.
pub(super) const FOLDER: &str = "log";

/// Where it is said whether an undecided checkpoint counts although no entry follows it.
pub(super) const SETTLED: &str = "settled";

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) format: u32,
    /// The pipeline, with its task if it has several.
    pub(super) pipeline: String,
    pub(super) number: u64,
    /// As in [`Checkpoint`].
    pub(super) origin: u64,
    pub(super) owner: Owner,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Content {
    /// Somebody begins to work on the epoch after it.
    Claim {
        /// The last entry with a checkpoint at that time, undecided or not.
        checkpoint: Option<u64>,
    },
    /// An epoch has ended.
    Checkpoint(Box<Snapshot>),
}

/// A checkpoint, and the objects that hold what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    /// The checkpoint that it builds on: that one counts.
    pub(super) base: Option<u64>,
    /// Whether it counts only if something else was committed too.
    pub(super) undecided: bool,
    pub(super) checkpoint: Checkpoint,
    /// Entries of state that it wrote or removed.
    pub(super) entries_changed: u64,
    /// Bytes of keys and values that it wrote.
    pub(super) bytes_changed: u64,
    /// What together is the state, the oldest first.
    pub(super) state: Vec<Run>,
    /// What together is the dead-letter queue, the oldest first.
    pub(super) letters: Vec<Run>,
    /// The number that the next dead letter gets.
    pub(super) next_letter: i64,
}

impl Snapshot {
    pub(super) fn recorded(&self) -> Recorded {
        Recorded {
            checkpoint: self.checkpoint.clone(),
            entries: self.entries_changed,
            bytes: self.bytes_changed,
        }
    }

    /// The objects that it needs.
    pub(super) fn objects(&self) -> impl Iterator<Item = &str> {
        self.state
            .iter()
            .chain(&self.letters)
            .map(|run| &*run.object)
    }
}

impl Entry {
    pub(super) fn new(
        pipeline: &str,
        number: u64,
        origin: u64,
        owner: &Owner,
        content: Content,
    ) -> Self {
        Self {
            format: FORMAT,
            pipeline: pipeline.to_owned(),
            number,
            origin,
            owner: owner.clone(),
            content,
        }
    }

    /// The last entry with a checkpoint that it knows of.
    pub(super) fn checkpoint(&self) -> Option<u64> {
        match &self.content {
            Content::Claim { checkpoint } => *checkpoint,
            Content::Checkpoint(_) => Some(self.number),
        }
    }

    /// As two lines: itself, and its checksum.
    fn encode(&self) -> Result<Bytes, serde_json::Error> {
        let mut text = serde_json::to_vec(self)?;
        let checksum = xxh3_64(&text);
        text.extend_from_slice(format!("\n{{\"xxh3\":\"{checksum:016x}\"}}\n").as_bytes());
        Ok(text.into())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let checksum = xxh3_64(line.as_bytes());
        if rest.trim_end() != format!("{{\"xxh3\":\"{checksum:016x}\"}}") {
            return Err("it does not have the checksum that it was written with".to_owned());
        }
        serde_json::from_str(line).map_err(|error| format!("it cannot be read: {error}"))
    }
}

fn name(number: u64) -> String {
    format!("{number:020}.jsonl")
}

/// The name of an entry's object.
pub(super) fn object(number: u64) -> String {
    format!("{FOLDER}/{}", name(number))
}

fn settlement(number: u64) -> String {
    format!("{SETTLED}/{number:020}")
}

/// Whether an undecided checkpoint counts, as far as that was said.
pub(super) fn is_settled(bucket: &Bucket, number: u64) -> Result<Option<bool>, StoreError> {
    let object = settlement(number);
    match bucket.get(&object)?.as_deref() {
        Some(b"counts") => Ok(Some(true)),
        Some(b"undone") => Ok(Some(false)),
        Some(_) => Err(bucket.damaged(&object, "it says neither yes nor no")),
        None => Ok(None),
    }
}

/// Says whether an undecided checkpoint counts.
pub(super) fn settle(bucket: &Bucket, number: u64, counts: bool) -> Result<(), StoreError> {
    let word: &[u8] = if counts { b"counts" } else { b"undone" };
    bucket.put(&settlement(number), Bytes::from_static(word))
}

/// The numbers of the entries, rising.
pub(super) fn numbers(bucket: &Bucket) -> Result<Vec<u64>, StoreError> {
    let names = bucket.list(FOLDER, None)?;
    Ok(names.iter().filter_map(|name| number_of(name)).collect())
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_suffix(".jsonl")?.parse().ok()
}

/// The entry of that number, if there is one.
pub(super) fn read(
    bucket: &Bucket,
    pipeline: &str,
    number: u64,
) -> Result<Option<Entry>, StoreError> {
    let object = object(number);
    let Some(bytes) = bucket.get(&object)? else {
        return Ok(None);
    };
    let entry = Entry::decode(&bytes).map_err(|found| bucket.damaged(&object, found))?;
    let foreign = |found: String| StoreError::Foreign {
        place: bucket.place().to_owned(),
        found,
    };
    if entry.format != FORMAT {
        let found = entry.format;
        return Err(foreign(format!(
            "it has format {found}, this host reads and writes format {FORMAT}"
        )));
    }
    if entry.pipeline != pipeline {
        let owner = entry.pipeline;
        return Err(foreign(format!(
            "it belongs to the pipeline `{owner}`, not to `{pipeline}`"
        )));
    }
    if entry.number != number {
        let found = entry.number;
        return Err(bucket.damaged(&object, format!("it is the entry {found}")));
    }
    Ok(Some(entry))
}

/// As [`read`], of an entry that has to be there and be a checkpoint.
pub(super) fn snapshot(
    bucket: &Bucket,
    pipeline: &str,
    number: u64,
) -> Result<Snapshot, StoreError> {
    let damaged = |found: &str| Err(bucket.damaged(&object(number), found));
    match read(bucket, pipeline, number)?.map(|entry| entry.content) {
        Some(Content::Checkpoint(snapshot)) => Ok(*snapshot),
        Some(Content::Claim { .. }) => damaged("it should be a checkpoint"),
        None => damaged("it is missing"),
    }
}

/// Writes the next entry. Gives whether that was possible: somebody else may have it.
pub(super) fn append(bucket: &Bucket, entry: &Entry) -> Result<bool, StoreError> {
    let object = object(entry.number);
    let bytes = entry
        .encode()
        .map_err(|error| bucket.damaged(&object, format!("it cannot be written: {error}")))?;
    if !bucket.create(&object, &bytes)? {
        return Ok(false);
    }
    let later = bucket.list(FOLDER, Some(&name(entry.number)))?;
    if later
        .iter()
        .filter_map(|name| number_of(name))
        .any(|later| later > entry.number)
    {
        // The number was free because its entry has been removed as too old.
        bucket.remove(&[object])?;
        return Ok(false);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let content = Content::Claim {
            checkpoint: Some(3),
        };
        Entry::new("orders", 7, 5, &Owner::this_process(), content)
    }

    #[test]
    fn an_entry_comes_back_as_it_was_written() {
        let bytes = entry().encode().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap().content, entry().content);
    }

    #[test]
    fn an_entry_with_any_bit_changed_is_refused() {
        let bytes = entry().encode().unwrap();
        for index in 0..bytes.len() - 1 {
            let mut changed = bytes.to_vec();
            changed[index] ^= 1;
            assert!(Entry::decode(&changed).is_err(), "byte {index}");
        }
    }
}
