//! What one event does to each match that has begun, and to the one that is about to.

use super::{MatchError, Matcher, Scratch};
use crate::StateKind;
use crate::automaton::{Effect, Guard, StateIndex};
use crate::state::{Begun, EventIndex, PartialMatch, heap};

/// The event that matches are held against.
struct Current<'e, E> {
    event: &'e E,
    index: EventIndex,
    number: u64,
    timestamp: i64,
}

impl<E> Matcher<E> {
    /// Holds an event against all matches. What it completes is in `begun.complete` then. Says whether one has begun, with an
    /// event after 1970-01-01T00:00:00Z.
    pub(super) fn take(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        timestamp: i64,
        event: E,
    ) -> Result<bool, MatchError> {
        scratch.question.ask_anew(self.conditions.len());
        let number = begun.next_number;
        begun.next_number += 1;
        let current = Current {
            event: &event,
            index: begun.buffer.reserve(timestamp, number),
            number,
            timestamp,
        };
        let index = current.index;
        let mut before = std::mem::take(&mut scratch.before);
        std::mem::swap(&mut before, &mut begun.partial);
        let mut has_begun = false;
        for partial in before.drain(..) {
            has_begun |= self.move_on(begun, scratch, partial, &current)?;
        }
        scratch.before = before;
        begun.buffer.settle(index, event, self.weigh);
        for complete in scratch.complete.drain(..) {
            heap::push(&mut begun.complete, complete);
        }
        Ok(has_begun)
    }

    /// Puts in the place of a match what the event makes of it.
    fn move_on(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        partial: PartialMatch,
        current: &Current<'_, E>,
    ) -> Result<bool, MatchError> {
        let is_beginning = partial.is_beginning();
        if is_beginning && !self.begins {
            heap::push(&mut begun.partial, partial);
            return Ok(false);
        }
        let state = if is_beginning {
            self.automaton.start
        } else {
            partial.state
        };
        let state = self.automaton.state(state);
        let edges = state.map_or(&[][..], |state| &state.edges);
        let (mut has_begun, mut stopped) = (false, None);
        scratch.question.ask_of_another(&self.iterative);
        for edge in edges {
            if !self.holds(&edge.guard, begun, scratch, partial, current) {
                continue;
            }
            let Some(moved) = self.follow(edge.effect, begun, partial, current)? else {
                continue;
            };
            has_begun |= is_beginning && current.timestamp > 0;
            match self.kind(moved.state) {
                StateKind::Final => heap::push(&mut scratch.complete, moved),
                StateKind::Stop => {
                    stopped = Some(moved.state);
                    begun.buffer.release(moved.step);
                }
                // Nothing can make it void.
                _ if !self.has_stops => heap::push(&mut begun.partial, moved),
                StateKind::Start | StateKind::Normal | StateKind::Pending => {
                    scratch.after.push(moved);
                }
            }
            let takes = matches!(edge.effect, Effect::Take { .. });
            if takes && self.is_complete(begun, scratch, moved.state, partial, current)? {
                begun.buffer.hold(moved.step);
                heap::push(&mut scratch.complete, moved);
            }
        }
        for moved in scratch.after.drain(..) {
            if stopped.is_none() {
                heap::push(&mut begun.partial, moved);
            } else {
                begun.buffer.release(moved.step);
            }
        }
        match stopped {
            Some(stop) if is_beginning => return Err(self.stopped_before_start(stop)),
            _ if is_beginning => heap::push(&mut begun.partial, partial),
            _ => begun.buffer.release(partial.step),
        }
        Ok(has_begun)
    }

    /// Where an edge leads a match, which then holds its step once more. The match that is about to begin ignores nothing.
    #[inline]
    fn follow(
        &self,
        effect: Effect,
        begun: &mut Begun<E>,
        partial: PartialMatch,
        current: &Current<'_, E>,
    ) -> Result<Option<PartialMatch>, MatchError> {
        let is_beginning = partial.is_beginning();
        match effect {
            Effect::Ignore { .. } if is_beginning => Ok(None),
            Effect::Ignore { target: state } => {
                begun.buffer.hold(partial.step);
                Ok(Some(PartialMatch { state, ..partial }))
            }
            Effect::Take { stage, target } => {
                let step = begun.buffer.step(stage, current.index, partial.step);
                let (start, started) = if is_beginning {
                    (current.number, current.timestamp)
                } else {
                    (partial.start, partial.started)
                };
                Ok(Some(PartialMatch {
                    start,
                    started,
                    step,
                    state: target,
                }))
            }
            Effect::Missing => Err(MatchError::NoWayOn {
                after_taking: false,
            }),
        }
    }

    /// Whether a guard holds for a match and the event.
    #[inline]
    fn holds(
        &self,
        guard: &Guard,
        begun: &Begun<E>,
        scratch: &mut Scratch,
        partial: PartialMatch,
        current: &Current<'_, E>,
    ) -> bool {
        let so_far = (&begun.buffer, partial.step);
        let question = &mut scratch.question;
        guard
            .holds(&mut |index| question.ask(self, index, current.timestamp, current.event, so_far))
    }

    /// Whether a match that has just come to a state is complete without another event.
    fn is_complete(
        &self,
        begun: &Begun<E>,
        scratch: &mut Scratch,
        state: StateIndex,
        before: PartialMatch,
        current: &Current<'_, E>,
    ) -> Result<bool, MatchError> {
        let endings = self
            .automaton
            .state(state)
            .map_or(&[][..], |state| &state.endings);
        let mut endings = endings.iter();
        let ending = endings.find(|ending| {
            let guard = &ending.guard;
            self.holds(guard, begun, scratch, before, current)
        });
        match ending {
            Some(ending) if ending.is_missing => Err(MatchError::NoWayOn { after_taking: true }),
            ending => Ok(ending.is_some()),
        }
    }

    fn kind(&self, state: StateIndex) -> StateKind {
        self.automaton
            .state(state)
            .map_or(StateKind::Stop, |state| state.kind)
    }

    fn stopped_before_start(&self, stop: StateIndex) -> MatchError {
        let name = self.states().nth(stop as usize).map(|state| state.name);
        let stage = name.unwrap_or_default().to_owned();
        MatchError::StoppedBeforeStart { stage }
    }
}
