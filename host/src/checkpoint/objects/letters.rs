//! Dead letters as entries of runs: the key is the letter's number, so that they come in their order and one that is taken out is a key of which nothing is left.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::bucket::Bucket;
use super::merge::merge;
use super::run::{Run, RunWriter};
use crate::checkpoint::packed::Change;
use crate::checkpoint::{
    DeadLetter, DeadLetterFilter, EntrySnapshot, StoreError, StoredDeadLetter,
};

/// In place of the name of a stage.
const LETTERS: &str = "dead-letters";

/// The form of a letter.
const VERSION: u32 = 2;

/// The form before, which ends behind the record.
const FORMER: u32 = 1;

/// Bytes of letters after which they are written although the epoch has not ended.
pub(super) const FULL: usize = 4 << 20;

/// What an epoch that is under way does to the queue.
#[derive(Debug, Default)]
pub(super) struct Pending {
    letters: Vec<(i64, Vec<u8>)>,
    bytes: usize,
    /// Letters that were too many to keep in memory.
    pub(super) written: Vec<Run>,
    removed: Vec<i64>,
    /// The number that the next letter gets.
    pub(super) next: i64,
}

impl Pending {
    /// Of an epoch that goes on numbering from there.
    pub(super) fn from(next: i64) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, epoch: u64, rejected_at: i64, letter: &DeadLetter) {
        let value = encode(epoch, rejected_at, letter);
        self.bytes += value.len();
        self.letters.push((self.next, value));
        self.next += 1;
    }

    pub(super) fn remove(&mut self, ids: &[i64]) {
        self.removed.extend_from_slice(ids);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.removed.is_empty()
    }

    /// Writes what is in memory.
    pub(super) fn flush(&mut self, bucket: &Bucket, object: String) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut writer = RunWriter::new(bucket, object)?;
        self.removed.sort_unstable();
        self.removed.dedup();
        // Letters that are taken out are older than those that come in.
        let removed = self.removed.iter().map(|id| (*id, None));
        let letters = self
            .letters
            .iter()
            .map(|(id, value)| (*id, Some((VERSION, &**value))));
        for (id, value) in removed.chain(letters) {
            let key = id.to_be_bytes();
            writer.push(
                LETTERS,
                &Change {
                    key_group: 0,
                    key: &key,
                    value,
                },
            )?;
        }
        self.written.extend(writer.finish()?);
        self.letters.clear();
        self.removed.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Reads the letters that a filter lets through, the oldest first.
pub(super) fn read(
    bucket: &Bucket,
    runs: &[Run],
    filter: &DeadLetterFilter,
) -> Result<Vec<StoredDeadLetter>, StoreError> {
    let limit = filter.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let mut found = Vec::new();
    each(bucket, runs, filter, |letter| {
        if found.len() < limit {
            found.push(letter);
        }
        found.len() < limit
    })?;
    Ok(found)
}

/// How many letters that a filter lets through there are of each stage and code, most first.
pub(super) fn counts(
    bucket: &Bucket,
    runs: &[Run],
    filter: &DeadLetterFilter,
) -> Result<Vec<(String, String, u64)>, StoreError> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    each(
        bucket,
        runs,
        filter,
        |StoredDeadLetter { letter, .. }| {
            *counts.entry((letter.stage, letter.code)).or_default() += 1;
            true
        },
    )?;
    let mut counts: Vec<_> = counts
        .into_iter()
        .map(|((stage, code), count)| (stage, code, count))
        .collect();
    // The sort is stable: equal counts stay in the order of stage and code.
    counts.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    Ok(counts)
}

fn each(
    bucket: &Bucket,
    runs: &[Run],
    filter: &DeadLetterFilter,
    mut more: impl FnMut(StoredDeadLetter) -> bool,
) -> Result<(), StoreError> {
    merge(bucket, runs, LETTERS, |change| {
        let Some((version, value)) = change.value else {
            return Ok(ControlFlow::Continue(()));
        };
        let letter = decode(change.key, version, value).ok_or_else(|| {
            bucket.damaged(
                "dead-letters",
                "a dead letter is not of the form that it should be",
            )
        })?;
        Ok(match filter.admits(&letter) && !more(letter) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    })
}

/// Numbers little-endian, texts with their length in front; one that is missing has the length of all ones. Version and length of a state entry follow
/// only where there is one.
fn encode(epoch: u64, rejected_at: i64, letter: &DeadLetter) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + letter.record.len());
    bytes.extend_from_slice(&epoch.to_le_bytes());
    bytes.extend_from_slice(&rejected_at.to_le_bytes());
    bytes.extend_from_slice(&letter.timestamp.to_le_bytes());
    let texts = [
        Some(letter.stage.as_bytes()),
        Some(letter.port.as_bytes()),
        Some(letter.code.as_bytes()),
        Some(letter.message.as_bytes()),
        Some(letter.plugin.as_bytes()),
        letter.key.as_deref(),
        Some(&letter.record),
        letter.backtrace.as_deref().map(str::as_bytes),
        letter.state.as_ref().map(|entry| &*entry.value),
    ];
    for text in texts {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(text.unwrap_or_default());
    }
    if let Some(entry) = &letter.state {
        bytes.extend_from_slice(&u64::from(entry.version).to_le_bytes());
        bytes.extend_from_slice(&entry.bytes.to_le_bytes());
    }
    bytes
}

fn decode(key: &[u8], version: u32, mut value: &[u8]) -> Option<StoredDeadLetter> {
    if version != VERSION && version != FORMER {
        return None;
    }
    let id = i64::from_be_bytes(key.try_into().ok()?);
    let epoch = number(&mut value)?;
    let rejected_at = number(&mut value)?.cast_signed();
    let timestamp = number(&mut value)?.cast_signed();
    let stage = words(&mut value)?;
    let port = words(&mut value)?;
    let code = words(&mut value)?;
    let message = words(&mut value)?;
    let plugin = words(&mut value)?;
    let key = text(&mut value)?.map(<[u8]>::to_vec);
    let record = text(&mut value)??.to_vec();
    let (backtrace, state) = match version {
        FORMER => (None, None),
        _ => (optional_words(&mut value)?, entry(&mut value)?),
    };
    let letter = DeadLetter {
        stage,
        port,
        code,
        message,
        record,
        key,
        timestamp,
        plugin,
        backtrace,
        state,
    };
    Some(StoredDeadLetter {
        id,
        epoch,
        rejected_at,
        letter,
    })
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = number(bytes)?;
    if length == u64::MAX {
        return Some(None);
    }
    let (text, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(text))
}

fn words(bytes: &mut &[u8]) -> Option<String> {
    optional_words(bytes)?
}

fn optional_words(bytes: &mut &[u8]) -> Option<Option<String>> {
    let words = text(bytes)?.map(|text| String::from_utf8(text.to_vec()));
    words.transpose().ok()
}

fn entry(bytes: &mut &[u8]) -> Option<Option<EntrySnapshot>> {
    let Some(value) = text(bytes)? else {
        return Some(None);
    };
    Some(Some(EntrySnapshot {
        value: value.to_vec(),
        version: u32::try_from(number(bytes)?).ok()?,
        bytes: number(bytes)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> DeadLetter {
        DeadLetter {
            stage: "parse".to_owned(),
            port: "lines".to_owned(),
            code: "not-json".to_owned(),
            message: "no".to_owned(),
            record: b"\xff{".to_vec(),
            key: None,
            timestamp: -5,
            plugin: String::new(),
            backtrace: None,
            state: None,
        }
    }

    #[test]
    fn a_letter_comes_back_as_it_was_written_and_one_that_is_cut_short_does_not() {
        let of_a_failure = DeadLetter {
            backtrace: Some("0: process".to_owned()),
            state: Some(EntrySnapshot::of(7, b"\xff")),
            ..letter()
        };
        for letter in [letter(), of_a_failure] {
            let bytes = encode(3, 77, &letter);
            let stored = decode(&9i64.to_be_bytes(), VERSION, &bytes).unwrap();
            assert_eq!((stored.id, stored.epoch, stored.rejected_at), (9, 3, 77));
            assert_eq!(stored.letter, letter);
            assert!((0..bytes.len()).all(|end| decode(&[0; 8], VERSION, &bytes[..end]).is_none()));
        }
    }

    #[test]
    fn a_letter_of_the_former_form_is_read_and_one_of_a_later_form_is_not() {
        let mut bytes = encode(3, 77, &letter());
        assert_eq!(decode(&[0; 8], VERSION + 1, &bytes), None);
        // Without the lengths of backtrace and state.
        bytes.truncate(bytes.len() - 16);
        assert_eq!(decode(&[0; 8], FORMER, &bytes).unwrap().letter, letter());
    }
}
