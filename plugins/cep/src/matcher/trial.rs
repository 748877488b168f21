//! What has begun, and what an event would do to it: for those who want to know why a pattern does what it does.

use super::Matcher;
use crate::automaton::{Edge, Effect, Guard};
use crate::condition::ConditionIndex;
use crate::state::{Begun, PartialMatch, PatternState};
use crate::{Action, Match, StateKind, Taken};

/// Where a match stands that has begun, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'m, E> {
    /// The name of its state; see [`StateDescription`](crate::StateDescription).
    pub state: &'m str,
    /// What it has taken: nothing if it is about to begin.
    pub taken: Vec<Taken<'m, E>>,
    /// Whether it is complete, and waits for others that began before it.
    pub is_complete: bool,
}

/// What an event would do to a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial<'m, E> {
    /// The match.
    pub standing: Standing<'m, E>,
    /// The ways on from its state. More than one can be open: the match is then followed along each.
    pub edges: Vec<TriedEdge<'m>>,
}

/// A way on from a state, and whether it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedEdge<'m> {
    /// What becomes of the event. Edges to proceed by are part of these.
    pub action: Action,
    /// The stage that takes the event; none if it is passed over.
    pub stage: Option<&'m str>,
    /// The name of the state that it leads to; none where Flink makes none.
    pub to: Option<&'m str>,
    /// What is asked, in the labels of conditions; empty if nothing is.
    pub condition: String,
    /// Each condition by its label, and whether it holds.
    pub answers: Vec<(&'m str, bool)>,
    /// Whether the match is followed along it.
    pub is_open: bool,
    /// Whether the match is complete then.
    pub completes: bool,
    /// Whether it ends the match: something happened that was not to.
    pub stops: bool,
}

impl<E> Matcher<E> {
    /// The matches of a key that have begun, the earliest first. None if the state is of another pattern.
    pub fn standings<'m>(&'m self, state: &'m PatternState<E>) -> Vec<Standing<'m, E>> {
        let Some(begun) = self.own(state) else {
            return Vec::new();
        };
        let standing = |partial: PartialMatch| self.standing(Some(begun), partial);
        sorted(&begun.partial)
            .map(standing)
            .chain(sorted(&begun.complete).map(|complete| Standing {
                is_complete: true,
                ..standing(complete)
            }))
            .collect()
    }

    /// What an event would do to the matches that have begun, the earliest first, and to the one that is about to begin.
    /// Nothing changes.
    pub fn trials<'m>(
        &'m self,
        state: &'m PatternState<E>,
        timestamp: i64,
        event: &E,
    ) -> Vec<Trial<'m, E>> {
        let begun = self.own(state);
        let beginning = PartialMatch::beginning(self.automaton.start);
        let has_begun = begun.into_iter().flat_map(|begun| sorted(&begun.partial));
        let matches = has_begun.chain(self.begins.then_some(beginning));
        matches
            .map(|partial| self.trial(begun, partial, timestamp, event))
            .collect()
    }

    fn own<'m>(&self, state: &'m PatternState<E>) -> Option<&'m Begun<E>> {
        let begun = state.begun.as_deref()?;
        (begun.pattern == self.automaton.fingerprint).then_some(begun)
    }

    fn standing<'m>(
        &'m self,
        begun: Option<&'m Begun<E>>,
        partial: PartialMatch,
    ) -> Standing<'m, E> {
        let mut path = Vec::new();
        if let Some(begun) = begun {
            begun.path(partial, &mut path);
        }
        let taken = path.iter().filter_map(|(stage, event)| {
            let slot = begun?.buffer.events.get(*event as usize)?;
            Some(Taken {
                stage: self.automaton.stages.get(usize::from(*stage))?,
                timestamp: slot.timestamp,
                event: slot.event.as_ref()?,
            })
        });
        Standing {
            state: self.automaton.name(partial.state),
            taken: taken.collect(),
            is_complete: false,
        }
    }

    fn trial<'m>(
        &'m self,
        begun: Option<&'m Begun<E>>,
        partial: PartialMatch,
        timestamp: i64,
        event: &E,
    ) -> Trial<'m, E> {
        let mut path = Vec::new();
        if let Some(begun) = begun {
            begun.path(partial, &mut path);
        }
        let so_far = Match {
            stages: &self.automaton.stages,
            path: &path,
            slots: begun.map_or(&[][..], |begun| &begun.buffer.events),
            timestamp,
        };
        let mut holds =
            |index: ConditionIndex| self.conditions[usize::from(index)].holds(event, &so_far);
        let edges = self
            .automaton
            .state(partial.state)
            .map_or(&[][..], |state| &state.edges);
        // What is about to begin ignores nothing.
        let counts = |edge: &&Edge| {
            !(partial.is_beginning() && matches!(edge.effect, Effect::Ignore { .. }))
        };
        Trial {
            standing: self.standing(begun, partial),
            edges: edges
                .iter()
                .filter(counts)
                .map(|edge| self.tried(edge, &mut holds))
                .collect(),
        }
    }

    fn tried<'m>(
        &'m self,
        edge: &'m Edge,
        holds: &mut impl FnMut(ConditionIndex) -> bool,
    ) -> TriedEdge<'m> {
        let (action, stage, target) = match edge.effect {
            Effect::Take { stage, target } => (
                Action::Take,
                self.automaton.stages.get(usize::from(stage)),
                Some(target),
            ),
            Effect::Ignore { target } => (Action::Ignore, None, Some(target)),
            Effect::Missing => (Action::Proceed, None, None),
        };
        let state = target.and_then(|target| self.automaton.state(target));
        let kind = state.map(|state| state.kind);
        let mut endings = state.map_or(&[][..], |state| &state.endings).iter();
        let is_open = edge.guard.holds(holds);
        let ends = action == Action::Take && endings.any(|ending| ending.guard.holds(holds));
        TriedEdge {
            action,
            stage: stage.map(String::as_str),
            to: target.map(|target| self.automaton.name(target)),
            condition: self.automaton.text(&edge.guard),
            answers: self.answers(&edge.guard, holds),
            is_open,
            completes: is_open && (kind == Some(StateKind::Final) || ends),
            stops: is_open && kind == Some(StateKind::Stop),
        }
    }

    fn answers<'m>(
        &'m self,
        guard: &Guard,
        holds: &mut impl FnMut(ConditionIndex) -> bool,
    ) -> Vec<(&'m str, bool)> {
        let conditions = guard.conditions().into_iter();
        conditions
            .map(|index| (self.automaton.label(index), holds(index)))
            .collect()
    }
}

/// Those that have begun, the earliest first.
fn sorted(matches: &[PartialMatch]) -> impl Iterator<Item = PartialMatch> + use<> {
    let begun = matches.iter().filter(|partial| !partial.is_beginning());
    let mut begun: Vec<_> = begun.copied().collect();
    begun.sort_by_key(|partial| partial.start);
    begun.into_iter()
}
