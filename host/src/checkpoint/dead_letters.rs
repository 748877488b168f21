//! The dead-letter queue: records that a stage refused, or that a plugin failed on.

use crate::record::EventTime;

/// A record on its way into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The stage, source or sink that did not take it.
    pub stage: String,
    /// The input port at which it arrived.
    pub port: String,
    /// Why, for machines.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// The record as it arrived.
    pub record: Vec<u8>,
    /// Its key, if the port is keyed.
    pub key: Option<Vec<u8>>,
    /// Its event time, [`NO_EVENT_TIME`](crate::record::NO_EVENT_TIME) if it has none.
    pub timestamp: EventTime,
    /// SHA-256 of the plugin; empty where none was involved.
    pub plugin: String,
    /// Where in the plugin it failed on the record, if it did and that is known.
    pub backtrace: Option<String>,
    /// What the stage remembered of the record's key when the plugin failed on it; none where it remembered nothing, or did not fail.
    pub state: Option<EntrySnapshot>,
}

/// A state entry as it was when a plugin failed on a record of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySnapshot {
    /// The state version that the value is of.
    pub version: u32,
    /// What was remembered, at most [`EntrySnapshot::MOST`] bytes of it.
    pub value: Vec<u8>,
    /// Bytes of all that was remembered.
    pub bytes: u64,
}

impl EntrySnapshot {
    /// The most that is kept of a value, bytes.
    pub const MOST: usize = 1 << 20;

    /// Of a value in a state version.
    #[must_use]
    pub fn of(version: u32, value: &[u8]) -> Self {
        Self {
            version,
            value: value[..value.len().min(Self::MOST)].to_vec(),
            bytes: value.len() as u64,
        }
    }

    /// Whether the value is the beginning of a longer one.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        (self.value.len() as u64) < self.bytes
    }
}

/// A record in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDeadLetter {
    /// By which it can be named.
    pub id: i64,
    /// The epoch in whose checkpoint it was committed.
    pub epoch: u64,
    /// When it was refused, milliseconds since the Unix epoch.
    pub rejected_at: i64,
    /// What and why.
    pub letter: DeadLetter,
}

/// Which dead letters are meant.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterFilter {
    /// Those with these ids; all if there is none.
    pub ids: Vec<i64>,
    /// Those of this stage.
    pub stage: Option<String>,
    /// Those with this code.
    pub code: Option<String>,
    /// Those of later epochs than this one.
    pub after_epoch: Option<u64>,
    /// At most so many, the oldest first.
    pub limit: Option<u64>,
}

impl DeadLetterFilter {
    /// Whether it lets a letter through; its limit does not count.
    pub(super) fn admits(&self, stored: &StoredDeadLetter) -> bool {
        let equal = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        (self.ids.is_empty() || self.ids.contains(&stored.id))
            && equal(&self.stage, &stored.letter.stage)
            && equal(&self.code, &stored.letter.code)
            && self.after_epoch.is_none_or(|epoch| stored.epoch > epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_large_entry_the_beginning_is_kept_and_how_much_there_was() {
        let small = EntrySnapshot::of(3, b"abc");
        assert_eq!((small.version, &small.value[..]), (3, &b"abc"[..]));
        assert!(!small.is_cut());
        let value: Vec<u8> = (0..EntrySnapshot::MOST + 5).map(|n| n as u8).collect();
        let large = EntrySnapshot::of(3, &value);
        assert!(large.is_cut() && value.starts_with(&large.value));
        assert_eq!(
            (large.value.len(), large.bytes),
            (EntrySnapshot::MOST, value.len() as u64)
        );
    }
}
