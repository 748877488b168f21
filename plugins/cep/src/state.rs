//! What is remembered of one key.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::numbers::Numbers;
use crate::waiting::Waiting;

/// Events that wait for the watermark, matches that have begun, and the events that those have taken.
///
/// It is empty, and may be dropped, as soon as nothing that has happened can become part of a match any more. Most keys have
/// one event that waits, and no match that has begun: this takes no memory beside the value itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternState<E> {
    pub(crate) waiting: Waiting<E>,
    /// None if no match has begun.
    pub(crate) begun: Option<Box<Begun<E>>>,
}

/// Matches that have begun, at least one, and their events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun<E> {
    /// By start, the earliest first.
    pub(crate) matches: Vec<PartialMatch>,
    /// Empty but while an event is held against the matches: what they are moved to meanwhile.
    #[serde(skip)]
    pub(crate) before: Vec<PartialMatch>,
    /// By number.
    taken: VecDeque<(u64, E)>,
    /// The number of the next event that is taken. They begin again at 0 once no match is left.
    next_number: u64,
}

/// A match that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartialMatch {
    /// The time of its first event.
    pub(crate) started: i64,
    /// The numbers of its events, rising: one a step that it has gone.
    pub(crate) events: Numbers,
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
}

impl<E> Default for Begun<E> {
    fn default() -> Self {
        Self {
            matches: Vec::new(),
            before: Vec::new(),
            taken: VecDeque::new(),
            next_number: 0,
        }
    }
}

impl<E> Begun<E> {
    /// The number of the event that is held against the matches now.
    pub(crate) fn number(&self) -> u64 {
        self.next_number
    }

    /// Keeps the event with that number.
    pub(crate) fn keep(&mut self, event: E) {
        self.taken.push_back((self.next_number, event));
        self.next_number += 1;
    }

    /// The event with this number.
    pub(crate) fn event(&self, number: u64) -> Option<&E> {
        let place = self
            .taken
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.taken.get(place).map(|(_, event)| event)
    }

    /// Makes it as good as new, but for the memory that it has.
    pub(crate) fn clear(&mut self) {
        self.matches.clear();
        self.taken.clear();
        self.next_number = 0;
    }

    /// Drops the matches that began too early to be completed at `now`.
    pub(crate) fn drop_timed_out(&mut self, now: i64, within: Option<i64>) {
        let Some(within) = within else { return };
        let timed_out = |partial: &PartialMatch| now.saturating_sub(partial.started) >= within;
        let live = self.matches.partition_point(timed_out);
        self.matches.drain(..live);
    }

    /// Drops the events that come before all that any match has taken.
    pub(crate) fn drop_events(&mut self) {
        let first = self
            .matches
            .iter()
            .filter_map(|partial| partial.events.as_slice().first())
            .min();
        while let (Some((number, _)), Some(first)) = (self.taken.front(), first) {
            if number >= first {
                break;
            }
            self.taken.pop_front();
        }
    }
}
