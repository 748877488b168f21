//! Patterns at work.
//!
//! Every event that a match takes is one step, so a match that has begun is the list of its events, and how many they are
//! says which step is next. An event is held against the next step of each match that has begun, and against the first step.

use std::cell::RefCell;

use crate::numbers::Numbers;
use crate::pattern::{Condition, Contiguity};
use crate::state::{Begun, PartialMatch, PatternState};

/// How many [`Begun`]s without a match are kept to be used again.
const MOST_SPARE: usize = 256;

/// A compiled pattern: the same for all keys.
pub struct Matcher<E> {
    stages: Vec<Stage<E>>,
    steps: Vec<Step>,
    /// Milliseconds.
    within: Option<i64>,
    /// Matches begin and end all the time: what held them is used again.
    #[expect(
        clippy::vec_box,
        reason = "the boxes move between here and the states of keys"
    )]
    spare: RefCell<Vec<Box<Begun<E>>>>,
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
    begun: &'m Begun<E>,
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
        events.filter_map(|(_, number)| self.begun.event(*number))
    }
}

impl<E> Matcher<E> {
    pub(crate) fn new(stages: Vec<Stage<E>>, steps: Vec<Step>, within: Option<i64>) -> Self {
        Self {
            stages,
            steps,
            within,
            spare: RefCell::default(),
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
        state.waiting.add(timestamp, event);
        Arrival::Waiting
    }

    /// When [`advance`](Self::advance) has something to do: once the watermark reaches this time.
    #[inline]
    pub fn next_timer(&self, state: &PatternState<E>) -> Option<i64> {
        let event = state.waiting.first_timestamp();
        event.into_iter().chain(self.timeout(state)).min()
    }

    fn timeout(&self, state: &PatternState<E>) -> Option<i64> {
        let first = state.begun.as_ref()?.matches.first()?;
        first.started.checked_add(self.within?)
    }

    /// Takes the events of a key that have waited for `watermark`, in the order of their times, and hands on the matches that
    /// they complete: those of one event by their start, the earliest first.
    ///
    /// # Errors
    /// The first error of `on_match`, which leaves the state half advanced: not to be used any more.
    #[inline]
    pub fn advance<X>(
        &self,
        state: &mut PatternState<E>,
        watermark: i64,
        mut on_match: impl FnMut(Match<'_, E>) -> Result<(), X>,
    ) -> Result<(), X> {
        while let Some((timestamp, event)) = state.waiting.take_due(watermark) {
            // What most events come to: nothing has begun, and they begin nothing.
            if state.begun.is_none() && !self.fits(0, &event) {
                continue;
            }
            let mut begun = state.begun.take().unwrap_or_else(|| self.begin());
            self.take(&mut begun, timestamp, event, &mut on_match)?;
            state.begun = self.keep(begun);
        }
        if let Some(mut begun) = state.begun.take() {
            begun.drop_timed_out(watermark, self.within);
            begun.drop_events();
            state.begun = self.keep(begun);
        }
        Ok(())
    }

    fn begin(&self) -> Box<Begun<E>> {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// The same, if there is a match left.
    fn keep(&self, mut begun: Box<Begun<E>>) -> Option<Box<Begun<E>>> {
        if !begun.matches.is_empty() {
            return Some(begun);
        }
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MOST_SPARE {
            begun.clear();
            spare.push(begun);
        }
        None
    }

    /// Holds an event against the matches that have begun, and against the first step.
    fn take<X>(
        &self,
        begun: &mut Begun<E>,
        timestamp: i64,
        event: E,
        on_match: &mut impl FnMut(Match<'_, E>) -> Result<(), X>,
    ) -> Result<(), X> {
        begun.drop_timed_out(timestamp, self.within);
        let number = begun.number();
        let (mut complete, mut taken) = (Vec::new(), false);
        let Begun {
            matches, before, ..
        } = begun;
        std::mem::swap(matches, before);
        for partial in before.drain(..) {
            let index = partial.events.as_slice().len();
            // One of a longer pattern, whose state this one goes on with, ends here.
            let Some(step) = self.steps.get(index) else {
                continue;
            };
            if self.fits(index, &event) {
                taken = true;
                let stays = step.contiguity == Contiguity::NonDeterministicRelaxed;
                let other = stays.then(|| partial.clone());
                self.grow(partial, number, matches, &mut complete);
                matches.extend(other);
            } else if step.contiguity != Contiguity::Strict {
                matches.push(partial);
            }
        }
        if self.fits(0, &event) {
            taken = true;
            let partial = PartialMatch {
                started: timestamp,
                events: Numbers::default(),
            };
            self.grow(partial, number, matches, &mut complete);
        }
        if taken {
            begun.keep(event);
        }
        for PartialMatch { events, .. } in &complete {
            let events = events.as_slice();
            on_match(Match {
                matcher: self,
                begun,
                events,
                timestamp,
            })?;
        }
        begun.drop_events();
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
        let is_complete = grown.events.as_slice().len() == self.steps.len();
        let growing = if is_complete { complete } else { partial };
        growing.push(grown);
    }

    #[inline]
    fn fits(&self, step: usize, event: &E) -> bool {
        let stage = &self.stages[self.steps[step].stage];
        stage.conditions.iter().all(|condition| condition(event))
    }
}
