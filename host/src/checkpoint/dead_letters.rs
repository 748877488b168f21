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
