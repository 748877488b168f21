//! Lines that hold on to each other.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::hexadecimal;

/// The SHA-256 of a line without its line break.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first line of a log holds on to.
    pub const NONE: Self = Self([0; 32]);

    /// Of a line.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(line).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hexadecimal::text(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hexadecimal::bytes(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no SHA-256 of 64 hexadecimal digits"))
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The end of a log, to which more can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Lines that there are, which is the number of the last one.
    pub sequence: u64,
    /// What the next line holds on to.
    pub head: Hash,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            sequence: 0,
            head: Hash::NONE,
        }
    }
}

/// A line as it is read back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    pub(super) sequence: u64,
    pub(super) previous: Hash,
    #[serde(borrow, rename = "record")]
    _record: &'a RawValue,
}

impl Chain {
    /// Adds a record to the log, as a line with its line break.
    ///
    /// # Errors
    /// Where the record is not one line of JSON; the log then stays as it is.
    pub fn append(&mut self, record: &[u8], log: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        // As it is written: numbers keep their digits, members their order.
        let record: &RawValue = serde_json::from_slice(record)?;
        let text = record.get();
        let compact;
        let text = if text.contains(['\n', '\r']) {
            // Line breaks can only stand between the parts of the record.
            compact = text.replace(['\n', '\r'], " ");
            &compact
        } else {
            text
        };
        let begin = log.len();
        let sequence = self.sequence + 1;
        let previous = self.head;
        // Writing to a `Vec` does not fail.
        let _ = write!(
            log,
            r#"{{"sequence":{sequence},"previous":"{previous}","record":{text}}}"#
        );
        *self = Self {
            sequence,
            head: Hash::of(&log[begin..]),
        };
        log.push(b'\n');
        Ok(())
    }
}

/// The name of a file of a log, by its number from 1 on.
#[must_use]
pub fn file_name(number: u64) -> String {
    format!("{number:06}.jsonl")
}

/// The number of a file of a log; none if it has another name.
#[must_use]
pub fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let number = name.strip_suffix(".jsonl")?.parse().ok()?;
    (file_name(number) == name && number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_holds_the_hash_of_the_one_before_it() {
        let (mut chain, mut log) = (Chain::default(), Vec::new());
        chain.append(br#"{"b": 1.50, "a": "x"}"#, &mut log).unwrap();
        chain.append(b"[1,\n2]", &mut log).unwrap();
        let text = String::from_utf8(log).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let zeros = "0".repeat(64);
        assert_eq!(
            lines[0],
            format!(r#"{{"sequence":1,"previous":"{zeros}","record":{{"b": 1.50, "a": "x"}}}}"#)
        );
        let first = Hash::of(lines[0].as_bytes());
        assert_eq!(
            lines[1],
            format!(r#"{{"sequence":2,"previous":"{first}","record":[1, 2]}}"#)
        );
        assert_eq!(chain.head, Hash::of(lines[1].as_bytes()));
    }

    #[test]
    fn what_is_no_json_is_not_added() {
        let (mut chain, mut log) = (Chain::default(), Vec::new());
        for record in [&b"{"[..], b"", b"1 2", b"\xff"] {
            assert!(chain.append(record, &mut log).is_err());
        }
        assert_eq!((chain, log.len()), (Chain::default(), 0));
    }

    #[test]
    fn a_hash_reads_back_what_it_wrote_and_nothing_else() {
        let hash = Hash::of(b"line");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for wrong in ["", "12", &"g".repeat(64), &"+f".repeat(32), &"0".repeat(65)] {
            assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_numbered_from_one_on() {
        assert_eq!(number_of(Path::new("log/000012.jsonl")), Some(12));
        assert_eq!(number_of(Path::new(&file_name(1_234_567))), Some(1_234_567));
        for other in ["000000.jsonl", "12.jsonl", "000012.json", "a.jsonl"] {
            assert_eq!(number_of(Path::new(other)), None);
        }
    }
}
