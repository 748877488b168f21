//! What to do when a plugin fails: which record it was, and when to give up.
//!
//! A failure is first met with *caution*: the next attempt feeds the batch that was being worked on record by record, so that a second
//! failure points at one record. That record is *poison*: the attempt after that leaves it out and puts it into the dead-letter queue. Counts
//! are of what a stage instance was fed since the checkpoint which the attempts start from, and no checkpoint is taken until all of it has passed.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use xxhash_rust::xxh3::Xxh3Default;

use crate::plugin::{Breach, Failure, presentable};
use crate::record::Record;

/// The most records that are set aside between two checkpoints. A plugin that fails on more of them in so short a time is broken
/// itself, and each of them costs an attempt.
const MOST_POISON: usize = 50;

/// How much of a record a message shows, bytes.
const EXCERPT: usize = 200;

/// A stage instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The stage, by index.
    pub stage: usize,
    /// The worker that the instance belongs to.
    pub worker: usize,
}

/// What an instance was being given when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// No record in particular: it was starting, loading, flushing, or firing timers.
    None,
    /// One of these records, by their number since the checkpoint.
    Batch(Range<u64>),
    /// This one.
    Record {
        /// Which it is.
        identity: Identity,
        /// What it looks like, for people.
        excerpt: String,
    },
}

impl Suspect {
    /// A single record.
    #[must_use]
    pub fn record(identity: Identity, record: Record<'_>) -> Self {
        let shown = &record.value[..record.value.len().min(EXCERPT)];
        let mut excerpt = presentable(String::from_utf8_lossy(shown).into_owned());
        if shown.len() < record.value.len() {
            excerpt.push('…');
        }
        Self::Record { identity, excerpt }
    }
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no record in particular"),
            Self::Batch(records) => write!(f, "a batch of {} records", records.end - records.start),
            Self::Record { excerpt, .. } => write!(f, "the record {excerpt}"),
        }
    }
}

/// Which record is meant: the n-th of its content at an input since the checkpoint. A replay may bring the records of several
/// partitions in another order, and numbers alone would then mean another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    input: usize,
    content: u64,
    occurrence: u32,
}

/// Tells records that a stage instance is fed apart.
#[derive(Debug, Default)]
pub struct Census {
    seen: HashMap<(usize, u64), u32>,
}

impl Census {
    /// Takes note of a record that arrives at an input.
    pub fn identify(&mut self, input: usize, record: Record<'_>) -> Identity {
        let mut hasher = Xxh3Default::new();
        hasher.update(&(record.key.len() as u64).to_le_bytes());
        hasher.update(record.key);
        hasher.update(&record.timestamp.to_le_bytes());
        hasher.update(record.value);
        let content = hasher.digest();
        let seen = self.seen.entry((input, content)).or_insert(0);
        *seen += 1;
        Identity {
            input,
            content,
            occurrence: *seen,
        }
    }
}

/// A record that a plugin fails on.
#[derive(Clone, Debug)]
pub struct Poison {
    /// Where it is met.
    pub site: Site,
    /// Which it is.
    pub identity: Identity,
    /// What the plugin did.
    pub failure: Failure,
}

impl Poison {
    /// The code of its dead letter.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.failure.breach {
            Breach::Trap(_) => "plugin-trapped",
            Breach::CpuTime(_) => "plugin-cpu-time",
            Breach::Memory { .. } => "plugin-memory",
            Breach::Contract(_) => "plugin-contract",
            Breach::Refusal(_) => "plugin-refusal",
        }
    }
}

/// What the next attempt has to look out for.
#[derive(Clone, Debug, Default)]
pub struct Precautions {
    /// Records, by number since the checkpoint, that are to be fed one by one.
    pub caution: HashMap<Site, Range<u64>>,
    /// Records that are to be left out.
    pub poison: Vec<Poison>,
}

/// What is to be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on from the last checkpoint.
    Restart,
    /// There is no use in going on.
    Stop(Exhausted),
}

/// Why there is no use in going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// It fails again and again, and no single record is to blame.
    #[error("{0} failures with no checkpoint between them")]
    Restarts(u32),
    /// It fails on so many records that records cannot be what is wrong.
    #[error("{0} records were set aside with no checkpoint between them")]
    Poison(usize),
}

/// Decides, and remembers from attempt to attempt.
#[derive(Debug)]
pub struct Recovery {
    maximum_restarts: u32,
    without_progress: u32,
    precautions: Precautions,
}

impl Recovery {
    /// Gives up after so many failures in a row.
    #[must_use]
    pub fn new(maximum_restarts: u32) -> Self {
        Self {
            maximum_restarts,
            without_progress: 0,
            precautions: Precautions::default(),
        }
    }

    /// What the next attempt has to look out for.
    #[must_use]
    pub fn precautions(&self) -> &Precautions {
        &self.precautions
    }

    /// A checkpoint was committed: what was set aside is behind it.
    pub fn on_checkpoint(&mut self) {
        self.without_progress = 0;
        self.precautions = Precautions::default();
    }

    /// An instance failed.
    pub fn on_failure(&mut self, site: Site, suspect: Suspect, failure: &Failure) -> Decision {
        self.without_progress += 1;
        match suspect {
            Suspect::Record { identity, .. } => {
                if self.precautions.poison.len() == MOST_POISON {
                    return Decision::Stop(Exhausted::Poison(MOST_POISON));
                }
                self.without_progress = 0;
                self.precautions.poison.push(Poison {
                    site,
                    identity,
                    failure: failure.clone(),
                });
            }
            Suspect::Batch(records) => {
                let caution = self
                    .precautions
                    .caution
                    .entry(site)
                    .or_insert_with(|| records.clone());
                // Met outside of what was expected: the order is not that of last time, so all of it is suspect.
                if *caution != records {
                    *caution = 0..caution.end.max(records.end);
                }
            }
            Suspect::None => {}
        }
        match self.without_progress > self.maximum_restarts {
            true => Decision::Stop(Exhausted::Restarts(self.without_progress)),
            false => Decision::Restart,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: Site = Site {
        stage: 0,
        worker: 0,
    };

    fn trap() -> Failure {
        Failure {
            breach: Breach::Trap("unreachable".to_owned()),
            function: "process",
            last_words: String::new(),
            backtrace: None,
        }
    }

    fn suspect(value: &[u8]) -> Suspect {
        let record = Record {
            value,
            key: b"",
            timestamp: 0,
        };
        Suspect::record(Census::default().identify(0, record), record)
    }

    #[test]
    fn a_batch_is_suspected_first_and_then_one_record_of_it_is_left_out() {
        let mut recovery = Recovery::new(3);
        assert_eq!(
            recovery.on_failure(SITE, Suspect::Batch(10..20), &trap()),
            Decision::Restart
        );
        assert_eq!(recovery.precautions().caution[&SITE], 10..20);
        assert_eq!(
            recovery.on_failure(SITE, suspect(b"x"), &trap()),
            Decision::Restart
        );
        assert_eq!(recovery.precautions().poison.len(), 1);
        recovery.on_checkpoint();
        assert!(
            recovery.precautions().poison.is_empty() && recovery.precautions().caution.is_empty()
        );
    }

    #[test]
    fn failures_without_progress_end_in_a_stop() {
        let mut recovery = Recovery::new(2);
        assert_eq!(
            recovery.on_failure(SITE, Suspect::None, &trap()),
            Decision::Restart
        );
        assert_eq!(
            recovery.on_failure(SITE, Suspect::None, &trap()),
            Decision::Restart
        );
        assert_eq!(
            recovery.on_failure(SITE, Suspect::None, &trap()),
            Decision::Stop(Exhausted::Restarts(3))
        );
    }

    #[test]
    fn records_without_number_end_in_a_stop() {
        let mut recovery = Recovery::new(3);
        for number in 0..MOST_POISON {
            let decision = recovery.on_failure(SITE, suspect(&number.to_le_bytes()), &trap());
            assert_eq!(decision, Decision::Restart);
        }
        let decision = recovery.on_failure(SITE, suspect(b"one too many"), &trap());
        assert_eq!(decision, Decision::Stop(Exhausted::Poison(MOST_POISON)));
    }

    #[test]
    fn a_message_shows_the_beginning_of_a_record_and_nothing_that_a_terminal_obeys() {
        assert_eq!(suspect(b"a\x1b[2J").to_string(), "the record a\\u{1b}[2J");
        assert!(suspect(&[b'x'; 1000]).to_string().len() < EXCERPT + 20);
    }

    #[test]
    fn a_failure_in_another_place_than_expected_widens_the_caution() {
        let mut recovery = Recovery::new(3);
        recovery.on_failure(SITE, Suspect::Batch(10..20), &trap());
        recovery.on_failure(SITE, Suspect::Batch(5..15), &trap());
        assert_eq!(recovery.precautions().caution[&SITE], 0..20);
    }

    #[test]
    fn records_of_the_same_content_are_told_apart_by_their_order() {
        let mut census = Census::default();
        let record = Record {
            value: b"x",
            key: b"",
            timestamp: 0,
        };
        let (first, second) = (census.identify(0, record), census.identify(0, record));
        assert_ne!(first, second);
        assert_ne!(first, census.identify(1, record));
        assert_eq!(first, Census::default().identify(0, record));
    }
}
