//! What is remembered of one key.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Events that wait for the watermark, matches that have begun, and the events that those have taken.
///
/// It is empty, and may be dropped, as soon as nothing that has happened can become part of a match any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternState<E> {
    /// By event time, and those of one time by arrival.
    pub(crate) waiting: VecDeque<(i64, E)>,
    /// By start, the earliest first.
    pub(crate) partial: Vec<PartialMatch>,
    /// By number.
    pub(crate) taken: VecDeque<(u64, E)>,
    /// The number of the next event that is taken.
    pub(crate) next_number: u64,
}

/// A match that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartialMatch {
    /// The time of its first event.
    pub(crate) started: i64,
    /// The numbers of its events, rising: one a step that it has gone.
    pub(crate) events: Vec<u64>,
}

impl<E> Default for PatternState<E> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            partial: Vec::new(),
            taken: VecDeque::new(),
            next_number: 0,
        }
    }
}

impl<E> PatternState<E> {
    /// Whether nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.partial.is_empty()
    }

    /// Adds an event behind those of its time.
    pub(crate) fn wait(&mut self, timestamp: i64, event: E) {
        // Events come nearly in order: the place is near the end.
        let place = self
            .waiting
            .iter()
            .rposition(|(other, _)| *other <= timestamp);
        self.waiting
            .insert(place.map_or(0, |place| place + 1), (timestamp, event));
    }

    /// Takes the first event whose time the watermark has reached.
    pub(crate) fn take_due(&mut self, watermark: i64) -> Option<(i64, E)> {
        let due = self.waiting.front()?.0 <= watermark;
        if due { self.waiting.pop_front() } else { None }
    }

    /// The event with this number.
    pub(crate) fn event(&self, number: u64) -> Option<&E> {
        let place = self
            .taken
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.taken.get(place).map(|(_, event)| event)
    }

    /// Drops the matches that began too early to be completed at `now`, and the events that no match has taken any more.
    pub(crate) fn prune(&mut self, now: i64, within: Option<i64>) {
        if let Some(within) = within {
            let live = self
                .partial
                .partition_point(|partial| now.saturating_sub(partial.started) >= within);
            self.partial.drain(..live);
        }
        self.drop_events();
    }

    /// Drops the events that come before all that any match has taken.
    pub(crate) fn drop_events(&mut self) {
        let Some(first) = self
            .partial
            .iter()
            .filter_map(|partial| partial.events.first())
            .min()
        else {
            self.taken = VecDeque::new();
            self.next_number = 0;
            return;
        };
        while self.taken.front().is_some_and(|(number, _)| number < first) {
            self.taken.pop_front();
        }
    }
}
