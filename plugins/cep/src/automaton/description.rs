//! A compiled pattern for those who want to see it, and the number by which it is known.

pub use super::states::Action;
use super::states::Transition;
use super::{Automaton, Guard, StageIndex, State, StateIndex};
use crate::SkipStrategy;
use crate::pattern::PatternError;

use serde::{Deserialize, Serialize};

use super::compile::MOST_STATES;
use super::flatten::Flat;

/// What a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    /// Where every match begins.
    Start,
    /// Where it is complete.
    Final,
    /// Between them.
    Normal,
    /// Where it is complete once time has passed.
    Pending,
    /// Where it ends without a match: something happened that was not to.
    Stop,
}

/// The number that a pattern is known by: states of keys tell which pattern they belong to.
///
/// It is made of all that [`Matcher::states`](crate::Matcher::states) and [`Matcher::edges`](crate::Matcher::edges) say, the
/// limits of time and the skip strategy, and stays the same from build to build. What conditions ask cannot be looked into: a
/// condition counts by its label. Patterns that differ only in an unlabelled condition have the same fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub(crate) u64);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// A state, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDescription<'m> {
    /// The name of its stage, with a number behind a colon where there are several; unique.
    pub name: &'m str,
    /// The stage that it takes events for; none if it takes none.
    pub stage: Option<&'m str>,
    /// What it is.
    pub kind: StateKind,
    /// Milliseconds for which a partial match may stand here after the last event that it has taken.
    pub within_previous: Option<i64>,
}

/// An edge, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeDescription<'m> {
    /// The name of the state that it leaves.
    pub from: &'m str,
    /// The name of the state that it leads to.
    pub to: &'m str,
    /// What it does with the event.
    pub action: Action,
    /// What is asked of the event, in the labels of conditions; empty if every event does.
    pub condition: String,
}

impl Automaton {
    pub(super) fn new(
        stages: Vec<String>,
        (states, transitions): Flat,
        start: StateIndex,
        within: i64,
        skip: &SkipStrategy,
        texts: Vec<String>,
    ) -> Result<Self, PatternError> {
        if stages.len() >= usize::from(StageIndex::MAX) {
            return Err(PatternError::TooLarge { most: MOST_STATES });
        }
        let mut automaton = Self {
            stages,
            states,
            start,
            within,
            transitions,
            texts,
            fingerprint: Fingerprint(0),
        };
        automaton.fingerprint = automaton.identify(skip);
        Ok(automaton)
    }

    pub(crate) fn state(&self, index: StateIndex) -> Option<&State> {
        self.states.get(index as usize)
    }

    pub(crate) fn state_named(&self, name: &str) -> Option<StateIndex> {
        let index = self.states.iter().position(|state| state.name == name)?;
        StateIndex::try_from(index).ok()
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = StateDescription<'_>> {
        self.states.iter().map(|state| StateDescription {
            name: &state.name,
            stage: state
                .stage
                .map(|stage| self.stages[usize::from(stage)].as_str()),
            kind: state.kind,
            within_previous: state.within_previous,
        })
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = EdgeDescription<'_>> {
        let from = self.states.iter().zip(&self.transitions);
        from.flat_map(|(state, transitions)| {
            let possible = |transition: &&Transition| transition.guard != Guard::Never;
            let edge = |transition: &Transition| {
                let target = self.state(transition.target?)?;
                Some(EdgeDescription {
                    from: &state.name,
                    to: &target.name,
                    action: transition.action,
                    condition: transition.guard.text(&self.texts),
                })
            };
            transitions.iter().filter(possible).filter_map(edge)
        })
    }

    /// What a guard asks, in the labels of its conditions.
    pub(crate) fn text(&self, guard: &Guard) -> String {
        guard.text(&self.texts)
    }

    /// What a condition is called.
    pub(crate) fn label(&self, index: crate::condition::ConditionIndex) -> &str {
        self.texts
            .get(usize::from(index))
            .map_or("", String::as_str)
    }

    /// What a state is called.
    pub(crate) fn name(&self, index: StateIndex) -> &str {
        self.state(index).map_or("", |state| &state.name)
    }

    /// FNV-1a, 64 bits (Fowler, Noll, Vo), of all that is to be seen of the pattern.
    fn identify(&self, skip: &SkipStrategy) -> Fingerprint {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |text: String| {
            // A byte that no text contains ends each.
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        // Numbers, not names, of what could be named otherwise one day.
        for state in self.states() {
            let (name, stage) = (state.name, state.stage.unwrap_or_default());
            let (kind, limit) = (state.kind as u8, state.within_previous.unwrap_or(0));
            add(format!("{name} {stage} {kind} {limit}"));
        }
        for edge in self.edges() {
            let (from, to, action) = (edge.from, edge.to, edge.action as u8);
            add(format!("{from} {to} {action} {}", edge.condition));
        }
        let (strategy, target) = match skip {
            SkipStrategy::NoSkip => (0, None),
            SkipStrategy::ToNext => (1, None),
            SkipStrategy::PastLastEvent => (2, None),
            SkipStrategy::ToFirst(target) => (3, Some(target)),
            SkipStrategy::ToLast(target) => (4, Some(target)),
        };
        let stage = target.map_or("", |target| &target.stage);
        let is_error = target.is_some_and(|target| target.error_on_miss);
        add(format!("{} {strategy} {stage} {is_error}", self.within));
        Fingerprint(hash)
    }
}
