//! What is remembered of one key.

mod buffer;
pub(crate) mod heap;
mod saved;
mod usage;
mod version_1;
mod waiting;

use std::collections::VecDeque;

pub(crate) use buffer::{Buffer, EventIndex, NO_STEP, Slot, StepIndex};
pub use usage::Usage;
pub use version_1::Version1;
use waiting::Waiting;

use crate::automaton::{Fingerprint, StageIndex, StateIndex};

/// Of matches that have yet to find their states.
pub(crate) const UNPLACED: Fingerprint = Fingerprint(0);

/// Events that wait for the watermark, matches that have begun, and the events that those have taken.
///
/// It is empty, and may be dropped, as soon as nothing that has happened can become part of a match any more. Most keys have
/// one event that waits, and no match that has begun: this takes no memory beside the value itself.
///
/// Serialised, it begins with the version of its layout and is compact: times are written as differences, and a step of a
/// match takes three bytes beside its event. Matches that have begun carry the [`Fingerprint`] of the pattern they belong to,
/// so that a state that is loaded under another pattern is noticed.
#[derive(Clone, Debug)]
pub struct PatternState<E> {
    pub(crate) waiting: Waiting<E>,
    /// None if no match has begun.
    pub(crate) begun: Option<Box<Begun<E>>>,
}

/// Matches that have begun and their events.
#[derive(Clone, Debug)]
pub(crate) struct Begun<E> {
    /// The pattern that they belong to.
    pub(crate) pattern: Fingerprint,
    /// A [`heap`], with the match that is always about to begin.
    pub(crate) partial: Vec<PartialMatch>,
    /// A [`heap`] of matches that wait for others that began before them to come to an end.
    pub(crate) complete: Vec<PartialMatch>,
    pub(crate) buffer: Buffer<E>,
    /// Of the next event that is taken. They begin again at 0 once no match is left.
    pub(crate) next_number: u64,
    /// Times at which Flink would look at the key though nothing is due by our own account, rising.
    pub(crate) timers: VecDeque<i64>,
}

/// A match that has begun, or is about to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartialMatch {
    /// The number of its first event; `u64::MAX` while it has none.
    pub(crate) start: u64,
    /// The time of its first event.
    pub(crate) started: i64,
    /// Its last event and those before it.
    pub(crate) step: StepIndex,
    pub(crate) state: StateIndex,
}

impl PartialMatch {
    /// The one that is about to begin.
    pub(crate) fn beginning(state: StateIndex) -> Self {
        Self {
            start: u64::MAX,
            started: i64::MIN,
            step: NO_STEP,
            state,
        }
    }

    pub(crate) fn is_beginning(&self) -> bool {
        self.step == NO_STEP
    }
}

impl<E> Default for PatternState<E> {
    fn default() -> Self {
        Self {
            waiting: Waiting::None,
            begun: None,
        }
    }
}

impl<E> PatternState<E> {
    /// Whether nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.waiting.first_timestamp().is_none() && self.begun.is_none()
    }

    /// The pattern that the matches belong to that have begun; none if no match has, or before a state of an older version
    /// has found its place.
    pub fn pattern(&self) -> Option<Fingerprint> {
        let pattern = self.begun.as_ref().map(|begun| begun.pattern);
        pattern.filter(|pattern| *pattern != UNPLACED)
    }

    /// Drops all matches that have begun, and returns how many those were. Events that wait go on waiting: they are all that
    /// another pattern can make use of.
    pub fn restart(&mut self) -> usize {
        self.begun.take().map_or(0, |begun| begun.matches())
    }
}

impl<E> Begun<E> {
    pub(crate) fn new() -> Self {
        Self {
            pattern: Fingerprint(0),
            partial: Vec::new(),
            complete: Vec::new(),
            buffer: Buffer::default(),
            next_number: 0,
            timers: VecDeque::new(),
        }
    }

    /// Makes it what it is before the first event.
    pub(crate) fn begin(&mut self, pattern: Fingerprint, start: StateIndex) {
        self.pattern = pattern;
        self.partial.clear();
        self.partial.push(PartialMatch::beginning(start));
        self.complete.clear();
        self.buffer.clear();
        self.next_number = 0;
        self.timers.clear();
    }

    /// How many matches have begun, those included that are complete and wait.
    pub(crate) fn matches(&self) -> usize {
        let partial = self
            .partial
            .iter()
            .filter(|partial| !partial.is_beginning());
        partial.count() + self.complete.len()
    }

    /// Whether it is as good as nothing.
    pub(crate) fn is_over(&self) -> bool {
        self.partial.len() <= 1 && self.complete.is_empty() && self.timers.is_empty()
    }

    /// Of the match that began first.
    pub(crate) fn earliest(&self) -> Option<&PartialMatch> {
        self.partial
            .first()
            .filter(|partial| !partial.is_beginning())
    }

    /// Steps, by stage and event.
    pub(crate) fn path(&self, partial: PartialMatch, path: &mut Vec<(StageIndex, EventIndex)>) {
        self.buffer.path(partial.step, path);
    }

    /// Bytes of what is alive, as [`Limits`](crate::Limits) count them.
    pub(crate) fn live_bytes(&self) -> usize {
        let matches = self.partial.len() + self.complete.len();
        matches * size_of::<PartialMatch>() + self.buffer.live_bytes()
    }
}
