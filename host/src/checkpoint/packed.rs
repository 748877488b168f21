//! Changes of state laid end to end: what is written once, read from the beginning to the end, and never altered.
//!
//! An entry is its key group (2 bytes), state version (4), length of the key (4), length of the value (4; all ones where the key is forgotten), key and
//! value; numbers are little-endian.

use crate::plugin::Changes;
use crate::record::key_group;

/// Bytes in front of a key.
const HEAD: usize = 14;

/// In place of a value's length: nothing is left of the key.
const FORGOTTEN: u32 = u32::MAX;

/// What has become of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) key_group: u16,
    pub(super) key: &'a [u8],
    /// The state version and what is remembered; none where nothing is.
    pub(super) value: Option<(u32, &'a [u8])>,
}

impl<'a> Change<'a> {
    /// What has become of each key of a stage, in the order of a flush: what is remembered, in that state version, and then what is forgotten.
    pub(super) fn each(version: u32, changes: &'a Changes) -> impl Iterator<Item = Self> {
        let kept = changes.keys.iter().zip(changes.values.iter());
        let kept = kept.map(move |(key, value)| (key, Some((version, value))));
        let forgotten = changes.forgotten.iter().map(|key| (key, None));
        kept.chain(forgotten).map(|(key, value)| Self {
            key_group: key_group(key),
            key,
            value,
        })
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        HEAD + self.key.len() + self.value.map_or(0, |(_, value)| value.len())
    }
}

/// What is not an entry, though it should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entries end in the middle of one")]
pub(super) struct CutShort;

/// Adds an entry at the end.
pub(super) fn push(bytes: &mut Vec<u8>, change: &Change<'_>) {
    let (version, length) = match change.value {
        Some((version, value)) => (version, length(value)),
        None => (0, FORGOTTEN),
    };
    bytes.extend_from_slice(&change.key_group.to_le_bytes());
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&length_of(change.key).to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(change.key);
    bytes.extend_from_slice(change.value.map_or(&[], |(_, value)| value));
}

/// Columns of what a guest returns end at 32 bits, so no string in them is longer.
fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn length(value: &[u8]) -> u32 {
    length_of(value).min(FORGOTTEN - 1)
}

/// The first entry and how many bytes it takes; none where there are no bytes.
pub(super) fn first(bytes: &[u8]) -> Result<Option<(Change<'_>, usize)>, CutShort> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        four.map(u32::from_le_bytes).ok_or(CutShort)
    };
    let group = bytes.get(..2).and_then(|two| two.try_into().ok());
    let key_group = group.map(u16::from_le_bytes).ok_or(CutShort)?;
    let (version, key_length, value_length) = (number(2)?, number(6)?, number(10)?);
    let key_end = HEAD + key_length as usize;
    let key = bytes.get(HEAD..key_end).ok_or(CutShort)?;
    if value_length == FORGOTTEN {
        let value = None;
        let change = Change {
            key_group,
            key,
            value,
        };
        return Ok(Some((change, key_end)));
    }
    let end = key_end + value_length as usize;
    let value = bytes.get(key_end..end).ok_or(CutShort)?;
    let change = Change {
        key_group,
        key,
        value: Some((version, value)),
    };
    Ok(Some((change, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Change<'static> = Change {
        key_group: 7,
        key: b"key",
        value: Some((3, b"value")),
    };

    #[test]
    fn entries_come_back_as_they_were_written() {
        let forgotten = Change {
            value: None,
            ..KEPT
        };
        let mut bytes = Vec::new();
        push(&mut bytes, &KEPT);
        push(&mut bytes, &forgotten);
        let (change, size) = first(&bytes).unwrap().unwrap();
        assert_eq!((change, size), (KEPT, KEPT.size()));
        assert_eq!(
            first(&bytes[size..]),
            Ok(Some((forgotten, forgotten.size())))
        );
        assert_eq!(first(&[]), Ok(None));
    }

    #[test]
    fn what_is_cut_short_is_noticed_wherever_it_is_cut() {
        let mut bytes = Vec::new();
        push(&mut bytes, &KEPT);
        for length in 1..bytes.len() {
            assert_eq!(first(&bytes[..length]), Err(CutShort), "{length}");
        }
    }
}
