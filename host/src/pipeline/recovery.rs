//! What to do when a plugin fails: which record it was, and when to give up.
//!
//! A failure is first met with *caution*: the next attempt feeds the batch that was being worked on record by record, so that a second
//! failure points at one record. That record is *poison*: the attempt after that leaves it out and puts it into the dead-letter queue. Counts
//! are of what a stage instance was fed since the checkpoint which the attempts start from, and no checkpoint is taken until all of it has passed.
//!
//! Each stage has a [breaker](super::breaker), which opens when its plugin keeps failing.
//!
//! Pure: what time it is is said by the caller.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::Xxh3Default;

use super::breaker::{Breaker, Exhausted, Finding};
use crate::checkpoint::EntrySnapshot;
use crate::config::{self, OnBreaker};
use crate::plugin::{Failure, presentable};
use crate::record::Record;

/// How much of a record a message shows, bytes.
const EXCERPT: usize = 200;

/// A stage instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
        /// What the stage remembered of its key.
        state: Option<EntrySnapshot>,
    },
}

impl Suspect {
    /// A single record, and what the stage remembered of its key.
    #[must_use]
    pub fn record(identity: Identity, record: Record<'_>, state: Option<EntrySnapshot>) -> Self {
        let shown = &record.value[..record.value.len().min(EXCERPT)];
        let mut excerpt = presentable(String::from_utf8_lossy(shown).into_owned());
        if shown.len() < record.value.len() {
            excerpt.push('…');
        }
        Self::Record {
            identity,
            excerpt,
            state,
        }
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
    /// What the stage remembered of its key.
    pub state: Option<EntrySnapshot>,
}

/// What the next attempt has to look out for.
#[derive(Clone, Debug, Default)]
pub struct Precautions {
    /// Records, by number since the checkpoint, that are to be fed one by one.
    pub caution: HashMap<Site, Range<u64>>,
    /// Records that are to be left out.
    pub poison: Vec<Poison>,
    /// Stages, by index, that nothing is fed to, and why.
    pub bypassed: BTreeMap<usize, String>,
}

impl Precautions {
    /// Forgets what is known of the records of a stage.
    fn forget(&mut self, stage: usize) {
        self.caution.retain(|site, _| site.stage != stage);
        self.poison.retain(|poison| poison.site.stage != stage);
    }

    /// Takes note of what a failure says. Gives what that is worth.
    fn learn(&mut self, site: Site, suspect: Suspect, failure: &Failure) -> Finding {
        match suspect {
            Suspect::Record {
                identity, state, ..
            } => {
                self.poison.push(Poison {
                    site,
                    identity,
                    failure: failure.clone(),
                    state,
                });
                let of_stage = |poison: &&Poison| poison.site.stage == site.stage;
                Finding::Record(self.poison.iter().filter(of_stage).count())
            }
            Suspect::Batch(records) => {
                let caution = self.caution.entry(site).or_insert_with(|| records.clone());
                // Met outside of what was expected: the order is not that of last time, so all of it is suspect.
                if *caution != records {
                    *caution = 0..caution.end.max(records.end);
                }
                Finding::Nothing
            }
            Suspect::None => Finding::Nothing,
        }
    }
}

/// What is to be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on from the last checkpoint.
    Restart,
    /// Go on from it after so long, reading nothing until then.
    Pause(Exhausted, Duration),
    /// Go on from it without the stage, for so long.
    Bypass(Exhausted, Duration),
    /// There is no use in going on.
    Stop(Exhausted),
}

/// Decides, and remembers from attempt to attempt.
#[derive(Debug)]
pub struct Recovery {
    settings: config::Recovery,
    /// By stage.
    breakers: BTreeMap<usize, Breaker>,
    precautions: Precautions,
}

impl Recovery {
    /// With breakers as the manifest says.
    #[must_use]
    pub fn new(settings: config::Recovery) -> Self {
        Self {
            settings,
            breakers: BTreeMap::new(),
            precautions: Precautions::default(),
        }
    }

    /// What the next attempt has to look out for.
    #[must_use]
    pub fn precautions(&self) -> &Precautions {
        &self.precautions
    }

    /// An attempt begins: stages whose pause is over take part in it.
    pub fn on_attempt(&mut self, now: Instant) {
        for (stage, breaker) in &mut self.breakers {
            if breaker.admits(now) {
                self.precautions.bypassed.remove(stage);
            }
        }
    }

    /// When a stage that is left out is to be tried again, which takes another attempt.
    #[must_use]
    pub fn next_trial(&self) -> Option<Instant> {
        let bypassed = self.precautions.bypassed.keys();
        let breakers = bypassed.filter_map(|stage| self.breakers.get(stage));
        breakers.filter_map(Breaker::open_until).min()
    }

    /// A stage has another plugin: how the former one failed says nothing of it.
    pub fn on_replacement(&mut self, stage: usize) {
        self.breakers.remove(&stage);
        self.precautions.bypassed.remove(&stage);
        self.precautions.forget(stage);
    }

    /// A checkpoint was committed: what was set aside is behind it.
    pub fn on_checkpoint(&mut self, now: Instant) {
        self.precautions.caution.clear();
        self.precautions.poison.clear();
        for breaker in self.breakers.values_mut() {
            breaker.on_checkpoint(now);
        }
    }

    /// An instance failed.
    pub fn on_failure(
        &mut self,
        now: Instant,
        site: Site,
        suspect: Suspect,
        failure: &Failure,
    ) -> Decision {
        let finding = self.precautions.learn(site, suspect, failure);
        let breaker = self
            .breakers
            .entry(site.stage)
            .or_insert_with(|| Breaker::new(self.settings));
        let Some((exhausted, pause)) = breaker.on_failure(now, finding) else {
            return Decision::Restart;
        };
        match self.settings.on_breaker {
            OnBreaker::Stop => Decision::Stop(exhausted),
            OnBreaker::Pause => {
                // Else what was found goes on to be left out, so that each trial comes further.
                if matches!(exhausted, Exhausted::Poison(_)) {
                    self.precautions.forget(site.stage);
                }
                Decision::Pause(exhausted, pause)
            }
            OnBreaker::BypassToDlq => {
                self.precautions.forget(site.stage);
                let reason = format!("its plugin {failure}; {exhausted}");
                self.precautions.bypassed.insert(site.stage, reason);
                Decision::Bypass(exhausted, pause)
            }
        }
    }
}

#[cfg(test)]
mod tests;
