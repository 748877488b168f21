//! Patterns at work.
//!
//! Every event that a match takes is one step, so a match that has begun is the list of its events, and how many they are
//! says which step is next. An event is held against the next step of each match that has begun, and against the first step.

use crate::pattern::{Condition, Contiguity};
use crate::state::{PartialMatch, PatternState};

/// A compiled pattern: the same for all keys.
pub struct Matcher<E> {
    stages: Vec<Stage<E>>,
    steps: Vec<Step>,
    /// Milliseconds.
    within: Option<i64>,
}

pub(crate) struct Stage<E> {
    pub(crate) name: String,
    pub(crate) conditions: Vec<Condition<E>>,
}

/// One event of a match.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// The stage that the event belongs to.
    pub(crate) stage: usize,
    /// What may come before it.
    pub(crate) contiguity: Contiguity,
}

/// What became of an event that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It waits for the watermark to reach its time.
    Waiting,
    /// The watermark has reached its time before: it takes no part.
    Late,
}

/// Events that fit the pattern.
pub struct Match<'m, E> {
    matcher: &'m Matcher<E>,
    state: &'m PatternState<E>,
    events: &'m [u64],
    timestamp: i64,
}

impl<E> Match<'_, E> {
    /// The time of the event that completed it.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// The events of a stage, in the order in which they were taken; none if there is no such stage.
    pub fn stage(&self, name: &str) -> impl Iterator<Item = &E> {
        let stage = self
            .matcher
            .stages
            .iter()
            .position(|stage| stage.name == name);
        let steps = self.matcher.steps.iter().zip(self.events);
        let events = steps.filter(move |(step, _)| Some(step.stage) == stage);
        events.filter_map(|(_, number)| self.state.event(*number))
    }
}

impl<E> Matcher<E> {
    pub(crate) fn new(stages: Vec<Stage<E>>, steps: Vec<Step>, within: Option<i64>) -> Self {
        Self {
            stages,
            steps,
            within,
        }
    }

    /// Adds an event of a key, which then waits for the watermark to reach its time.
    #[inline]
    pub fn add(
        &self,
        state: &mut PatternState<E>,
        timestamp: i64,
        watermark: i64,
        event: E,
    ) -> Arrival {
        if timestamp <= watermark {
            return Arrival::Late;
        }
        state.wait(timestamp, event);
        Arrival::Waiting
    }

    /// When [`advance`](Self::advance) has something to do: once the watermark reaches this time.
    #[inline]
    pub fn next_timer(&self, state: &PatternState<E>) -> Option<i64> {
        let event = state.waiting.front().map(|(timestamp, _)| *timestamp);
        let timeout = self
            .within
            .and_then(|within| state.partial.first()?.started.checked_add(within));
        event.into_iter().chain(timeout).min()
    }

    /// Takes the events of a key that have waited for `watermark`, in the order of their times, and hands on the matches that
    /// they complete: those of one event by their start, the earliest first.
    ///
    /// # Errors
    /// The first error of `on_match`, which leaves the state half advanced: not to be used any more.
    pub fn advance<X>(
        &self,
        state: &mut PatternState<E>,
        watermark: i64,
        mut on_match: impl FnMut(Match<'_, E>) -> Result<(), X>,
    ) -> Result<(), X> {
        while let Some((timestamp, event)) = state.take_due(watermark) {
            if state.partial.is_empty() && !self.fits(0, &event) {
                continue;
            }
            self.take(state, timestamp, event, &mut on_match)?;
        }
        if !state.partial.is_empty() {
            state.prune(watermark, self.within);
        }
        Ok(())
    }

    fn take<X>(
        &self,
        state: &mut PatternState<E>,
        timestamp: i64,
        event: E,
        on_match: &mut impl FnMut(Match<'_, E>) -> Result<(), X>,
    ) -> Result<(), X> {
        state.prune(timestamp, self.within);
        let number = state.next_number;
        let before = std::mem::take(&mut state.partial);
        let mut complete = Vec::new();
        let mut taken = false;
        for partial in before {
            let step = partial.events.len();
            let fits = self.fits(step, &event);
            if fits {
                taken = true;
                let stays = self.steps[step].contiguity == Contiguity::NonDeterministicRelaxed;
                let other = stays.then(|| partial.clone());
                self.grow(partial, number, &mut state.partial, &mut complete);
                state.partial.extend(other);
            } else if self.steps[step].contiguity != Contiguity::Strict {
                state.partial.push(partial);
            }
        }
        if self.fits(0, &event) {
            taken = true;
            let partial = PartialMatch {
                started: timestamp,
                events: Vec::with_capacity(self.steps.len()),
            };
            self.grow(partial, number, &mut state.partial, &mut complete);
        }
        if taken {
            state.next_number += 1;
            state.taken.push_back((number, event));
        }
        for PartialMatch { events, .. } in &complete {
            on_match(Match {
                matcher: self,
                state,
                events,
                timestamp,
            })?;
        }
        state.drop_events();
        Ok(())
    }

    /// Lets a match take event `number`.
    fn grow(
        &self,
        mut grown: PartialMatch,
        number: u64,
        partial: &mut Vec<PartialMatch>,
        complete: &mut Vec<PartialMatch>,
    ) {
        grown.events.push(number);
        let growing = if grown.events.len() == self.steps.len() {
            complete
        } else {
            partial
        };
        growing.push(grown);
    }

    #[inline]
    fn fits(&self, step: usize, event: &E) -> bool {
        self.stages[self.steps[step].stage]
            .conditions
            .iter()
            .all(|condition| condition(event))
    }
}
