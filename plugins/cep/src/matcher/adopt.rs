//! Goes on with what another pattern, or an older version of this library, has begun.

use serde::{Deserialize, Serialize};

use super::{MatchError, Matcher, Scratch};
use crate::automaton::{Effect, StageIndex, StateIndex};
use crate::state::{Begun, PartialMatch, PatternState, UNPLACED, heap};
use crate::{Fingerprint, Match};

/// What has to be known of a pattern to move its matches to another: to be stored beside the states of keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    fingerprint: Fingerprint,
    stages: Vec<String>,
    states: Vec<String>,
}

impl<E> Matcher<E> {
    /// The names that matches of this pattern are moved by.
    pub fn shape(&self) -> Shape {
        Shape {
            fingerprint: self.fingerprint(),
            stages: self.stages().map(str::to_owned).collect(),
            states: self.states().map(|state| state.name.to_owned()).collect(),
        }
    }

    /// Moves the matches that another pattern has begun to the states of the same name in this one; their events stay with the
    /// stages of the same name. What they have taken is not asked about again. A match is dropped, and handed to `on_dropped`,
    /// if its state or one of its stages is gone. Returns how many were moved.
    ///
    /// States are numbered from the end of a stage: of `times(3)`, those that want one event more are in the same state as
    /// those of `times(2)` that do.
    ///
    /// # Errors
    /// The state is not of the `former` pattern, nor of this one; nothing has changed.
    pub fn adopt(
        &self,
        state: &mut PatternState<E>,
        former: &Shape,
        mut on_dropped: impl FnMut(Match<'_, E>),
    ) -> Result<usize, MatchError> {
        if state.pattern() == Some(former.fingerprint)
            && let Some(mut begun) = state.begun.take()
        {
            let names = Names::new(self, former);
            self.rename(&mut begun, &names, former, &mut on_dropped);
            begun.pattern = self.automaton.fingerprint;
            state.begun = self.keep(begun);
        }
        self.require_own(state)?;
        Ok(state.begun.as_ref().map_or(0, |begun| begun.matches()))
    }

    /// Drops all matches that this pattern has begun, and hands each to `on_dropped`, the earliest first. Returns how many those
    /// were. Events that wait go on waiting.
    ///
    /// # Errors
    /// The state is of another pattern; nothing has changed.
    pub fn give_up(
        &self,
        state: &mut PatternState<E>,
        mut on_dropped: impl FnMut(Match<'_, E>),
    ) -> Result<usize, MatchError> {
        self.require_own(state)?;
        let Some(begun) = state.begun.take() else {
            return Ok(0);
        };
        let mut scratch = Scratch::default();
        let has_begun = |partial: &&PartialMatch| !partial.is_beginning();
        let mut gone: Vec<_> = begun
            .partial
            .iter()
            .chain(&begun.complete)
            .filter(has_begun)
            .collect();
        gone.sort_by_key(|partial| partial.start);
        for partial in &gone {
            begun.path(**partial, &mut scratch.path);
            on_dropped(self.matched(&begun, &scratch, partial.started));
        }
        Ok(gone.len())
    }

    fn rename(
        &self,
        begun: &mut Begun<E>,
        names: &Names,
        former: &Shape,
        on_dropped: &mut impl FnMut(Match<'_, E>),
    ) {
        let mut scratch = Scratch::default();
        let mut renamed = |begun: &mut Begun<E>, mut partial: PartialMatch| {
            begun.path(partial, &mut scratch.path);
            let stage = |stage: StageIndex| names.stages.get(usize::from(stage)).copied().flatten();
            let is_known = scratch.path.iter().all(|step| stage(step.0).is_some());
            let state = names.states.get(partial.state as usize).copied().flatten();
            if let Some(state) = state.filter(|_| is_known) {
                partial.state = state;
                return Some(partial);
            }
            on_dropped(Match {
                stages: &former.stages,
                path: &scratch.path,
                slots: &begun.buffer.events,
                timestamp: partial.started,
            });
            begun.buffer.release(partial.step);
            None
        };
        let (partial, complete) = (
            std::mem::take(&mut begun.partial),
            std::mem::take(&mut begun.complete),
        );
        for partial in partial {
            if partial.is_beginning() {
                heap::push(
                    &mut begun.partial,
                    PartialMatch::beginning(self.automaton.start),
                );
            } else if let Some(partial) = renamed(begun, partial) {
                heap::push(&mut begun.partial, partial);
            }
        }
        for complete in complete {
            if let Some(complete) = renamed(begun, complete) {
                heap::push(&mut begun.complete, complete);
            }
        }
        for step in &mut begun.buffer.steps {
            let stage = names.stages.get(usize::from(step.stage)).copied().flatten();
            step.stage = stage.unwrap_or(step.stage);
        }
    }

    /// Finds the states of matches that version 1 of the layout knew by the number of their events: it had patterns only in
    /// which every event leads to the one next state. Matches of a longer pattern are dropped.
    pub(super) fn place(&self, begun: &mut Begun<E>) {
        if begun.pattern != UNPLACED {
            return;
        }
        begun.pattern = self.automaton.fingerprint;
        let mut scratch = Scratch::default();
        for mut partial in std::mem::take(&mut begun.partial) {
            if partial.is_beginning() {
                heap::push(
                    &mut begun.partial,
                    PartialMatch::beginning(self.automaton.start),
                );
                continue;
            }
            begun.path(partial, &mut scratch.path);
            let mut way = Some((self.automaton.start, 0));
            for (_, event) in &scratch.path {
                way = way.and_then(|(state, _)| self.after(state));
                if let Some((_, stage)) = way {
                    begun.buffer.set_stage(partial.step, *event, stage);
                }
            }
            if let Some((state, _)) = way {
                partial.state = state;
                heap::push(&mut begun.partial, partial);
            } else {
                begun.buffer.release(partial.step);
            }
        }
    }

    /// The state behind the event that is taken in this one, and the stage that it is taken for.
    fn after(&self, state: StateIndex) -> Option<(StateIndex, StageIndex)> {
        let edges = &self.automaton.state(state)?.edges;
        edges.iter().find_map(|edge| match edge.effect {
            Effect::Take { stage, target } => Some((target, stage)),
            Effect::Ignore { .. } | Effect::Missing => None,
        })
    }
}

/// The numbers in this pattern of what another one has.
struct Names {
    stages: Vec<Option<StageIndex>>,
    states: Vec<Option<StateIndex>>,
}

impl Names {
    fn new<E>(matcher: &Matcher<E>, former: &Shape) -> Self {
        let stage = |name: &String| {
            let place = matcher
                .automaton
                .stages
                .iter()
                .position(|stage| stage == name);
            place.and_then(|place| StageIndex::try_from(place).ok())
        };
        let state = |name: &String| matcher.automaton.state_named(name);
        Self {
            stages: former.stages.iter().map(stage).collect(),
            states: former.states.iter().map(state).collect(),
        }
    }
}
