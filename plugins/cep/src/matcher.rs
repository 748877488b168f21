//! Patterns at work: a key's events in their order, against the matches that have begun.

mod adopt;
mod error;
mod hand_on;
mod options;
mod question;
mod step;
mod time;
mod trial;

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

pub use adopt::Shape;
pub use error::{AdvanceError, MatchError};
pub use options::{Limits, Timers};
use question::Question;
pub use trial::{Standing, Trial, TriedEdge};

use crate::automaton::{Automaton, Guard, StageIndex};
use crate::condition::Condition;
use crate::state::{Begun, EventIndex, PartialMatch, PatternState};
use crate::{EdgeDescription, Fingerprint, Match, SkipStrategy, StateDescription, StateKind};

/// How many [`Begun`]s without a match are kept to be used again, each if it has no room for more than so many matches.
const MOST_SPARE: usize = 256;

/// A compiled pattern: the same for all keys.
pub struct Matcher<E> {
    automaton: Automaton,
    conditions: Vec<Condition<E>>,
    /// What an event has to be like to begin a match: one of these.
    beginnings: Vec<Guard>,
    /// Whether a condition looks at what was taken before; by number.
    iterative: Vec<bool>,
    /// Whether something that is not to happen can end a match.
    has_stops: bool,
    /// Whether a state limits the time since the event before.
    limits_gaps: bool,
    skip: SkipStrategy,
    limits: Limits,
    timers: Timers,
    /// Bytes that an event keeps elsewhere.
    weigh: Option<fn(&E) -> usize>,
    order: Option<Order<E>>,
    /// Whether events may begin matches.
    begins: bool,
    /// Matches begin and end all the time: what held them is used again.
    #[expect(
        clippy::vec_box,
        reason = "the boxes move between here and the states of keys"
    )]
    spare: RefCell<Vec<Box<Begun<E>>>>,
    scratch: Cell<Option<Box<Scratch>>>,
}

type Order<E> = Box<dyn Fn(&E, &E) -> Ordering>;

/// Lists that are empty between calls, but for the memory that they have.
#[derive(Default)]
struct Scratch {
    question: Question,
    /// The matches that an event is held against.
    before: Vec<PartialMatch>,
    /// What becomes of one of them.
    after: Vec<PartialMatch>,
    /// A heap of those that have just been completed.
    complete: Vec<PartialMatch>,
    /// Those that are handed on.
    leaving: Vec<PartialMatch>,
    /// With the time at which they have.
    timed_out: Vec<(PartialMatch, i64)>,
    path: Vec<(StageIndex, EventIndex)>,
}

/// How far a call has come.
#[derive(Default)]
struct Now {
    /// The time of the last event. Time passes between events, not within one time.
    time: Option<i64>,
    /// Whether a match has begun since the call.
    has_begun: bool,
}

/// What became of an event that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<E> {
    /// It waits for the watermark to reach its time.
    Waiting,
    /// The watermark has reached its time before: it takes no part, and is given back.
    Late(E),
}

/// What comes of a key.
pub enum Output<'m, E> {
    /// Events that fit the pattern.
    Match(Match<'m, E>),
    /// A match that had begun, and was not completed in time.
    TimedOut(Match<'m, E>),
    /// A match that had begun, and was given up for the sake of [`Limits`]. It has to be counted: from here on, other
    /// results may be missing.
    Evicted(Match<'m, E>),
}

impl<E> Matcher<E> {
    pub(crate) fn new(
        automaton: Automaton,
        conditions: Vec<Condition<E>>,
        skip: SkipStrategy,
    ) -> Self {
        Self {
            beginnings: automaton.beginnings(),
            iterative: conditions.iter().map(Condition::is_iterative).collect(),
            has_stops: automaton
                .states
                .iter()
                .any(|state| state.kind == StateKind::Stop),
            limits_gaps: automaton
                .states
                .iter()
                .any(|state| state.within_previous.is_some()),
            automaton,
            conditions,
            skip,
            limits: Limits::default(),
            timers: Timers::default(),
            weigh: None,
            order: None,
            begins: true,
            spare: RefCell::default(),
            scratch: Cell::default(),
        }
    }

    /// What the pattern is known by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.automaton.fingerprint
    }

    /// The names of the stages in the order in which they are written, those in groups too.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.automaton.stages.iter().map(String::as_str)
    }

    /// The states that the pattern was compiled to, to be shown. Their order and names depend on the pattern alone.
    pub fn states(&self) -> impl Iterator<Item = StateDescription<'_>> {
        self.automaton.states()
    }

    /// The edges between the states, to be shown.
    pub fn edges(&self) -> impl Iterator<Item = EdgeDescription<'_>> {
        self.automaton.edges()
    }

    /// Adds an event of a key, which then waits for the watermark to reach its time.
    #[inline]
    pub fn add(
        &self,
        state: &mut PatternState<E>,
        timestamp: i64,
        watermark: i64,
        event: E,
    ) -> Arrival<E> {
        if timestamp <= watermark {
            return Arrival::Late(event);
        }
        match &self.order {
            None => state.waiting.add(timestamp, event, |_, _| Ordering::Equal),
            Some(order) => state.waiting.add(timestamp, event, order),
        }
        Arrival::Waiting
    }

    /// Takes the events of a key that have waited for `watermark`, in the order of their times, gives up what is not complete
    /// in time, and hands on what comes of it. To be called once the watermark reaches [`next_timer`](Self::next_timer).
    ///
    /// Of one event, matches come by their start, the earliest first.
    ///
    /// # Errors
    /// The first error of `on_output`, or what the pattern cannot go on with. Either leaves the state half advanced: not to be
    /// used any more. If the state is of another pattern, nothing has changed.
    #[inline]
    pub fn advance<X>(
        &self,
        state: &mut PatternState<E>,
        watermark: i64,
        on_output: impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        // What most events come to: nothing has begun, and they begin nothing.
        while state.begun.is_none() {
            let Some((timestamp, event)) = state.waiting.take_due(watermark) else {
                return Ok(());
            };
            if self.begins_with(timestamp, &event) {
                state.begun = Some(self.begin());
                return self.advance_begun(state, watermark, Some((timestamp, event)), on_output);
            }
        }
        self.advance_begun(state, watermark, None, on_output)
    }

    /// Advances a key of which something has begun, or begins with its next event.
    fn advance_begun<X>(
        &self,
        state: &mut PatternState<E>,
        watermark: i64,
        mut next: Option<(i64, E)>,
        mut on_output: impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        if let Some(begun) = &mut state.begun {
            self.place(begun);
            if let Some(weigh) = self.weigh {
                begun.buffer.weigh_once(weigh);
            }
        }
        self.require_own(state)?;
        let mut scratch = self.scratch.take().unwrap_or_default();
        let mut now = Now::default();
        while let Some((timestamp, event)) =
            next.take().or_else(|| state.waiting.take_due(watermark))
        {
            if state.begun.is_none() && !self.begins_with(timestamp, &event) {
                continue;
            }
            let mut begun = state.begun.take().unwrap_or_else(|| self.begin());
            if now.time.replace(timestamp) != Some(timestamp) {
                self.advance_time(&mut begun, &mut scratch, timestamp, &mut on_output)?;
            }
            now.has_begun |= self.take(&mut begun, &mut scratch, timestamp, event)?;
            self.hand_on(&mut begun, &mut scratch, timestamp, &mut on_output)?;
            self.keep_limits(&mut begun, &mut scratch, timestamp, &mut on_output)?;
            self.note_timer(&mut begun, timestamp, now.has_begun);
            state.begun = self.keep(begun);
        }
        if let Some(mut begun) = state.begun.take() {
            self.advance_time(&mut begun, &mut scratch, watermark, &mut on_output)?;
            forget_timers(&mut begun, watermark);
            state.begun = self.keep(begun);
        }
        self.scratch.set(Some(scratch));
        Ok(())
    }

    /// Whether an event begins a match where none has begun.
    #[inline]
    fn begins_with(&self, timestamp: i64, event: &E) -> bool {
        let begins = |guard: &Guard| match guard {
            Guard::Holds(index) if !self.iterative[usize::from(*index)] => {
                self.conditions[usize::from(*index)].holds_of(event)
            }
            guard => self.holds_at_first(guard, timestamp, event),
        };
        self.begins && self.beginnings.iter().any(begins)
    }

    fn holds_at_first(&self, guard: &Guard, timestamp: i64, event: &E) -> bool {
        let nothing = Match {
            stages: &self.automaton.stages,
            path: &[],
            slots: &[],
            timestamp,
        };
        guard.holds(&mut |index| self.conditions[usize::from(index)].holds(event, &nothing))
    }

    fn begin(&self) -> Box<Begun<E>> {
        let spare = self.spare.borrow_mut().pop();
        let mut begun = spare.unwrap_or_else(|| Box::new(Begun::new()));
        begun.begin(self.automaton.fingerprint, self.automaton.start);
        begun
    }

    /// The same, if there is something left.
    #[inline]
    fn keep(&self, begun: Box<Begun<E>>) -> Option<Box<Begun<E>>> {
        if !begun.is_over() {
            return Some(begun);
        }
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MOST_SPARE && begun.partial.capacity() <= MOST_SPARE {
            spare.push(begun);
        }
        None
    }

    fn require_own(&self, state: &PatternState<E>) -> Result<(), MatchError> {
        match state.pattern() {
            Some(found) if found != self.automaton.fingerprint => Err(MatchError::OtherPattern {
                found,
                expected: self.automaton.fingerprint,
            }),
            _ => Ok(()),
        }
    }
}

/// Drops the times that the watermark has reached.
fn forget_timers<E>(begun: &mut Begun<E>, watermark: i64) {
    while begun
        .timers
        .front()
        .is_some_and(|timer| *timer <= watermark)
    {
        begun.timers.pop_front();
    }
}
