//! What a pattern is compiled to: states, and edges between them that ask something of an event.
//!
//! A partial match stands in a state. An event moves it along an edge: it is *taken* for a stage, or *ignored*. Edges to
//! *proceed* by need no event: they are followed to their ends when the pattern is compiled, so that what is left of a state
//! is a list of [`Edge`]s that take or ignore, in the order in which Flink finds them.

mod check;
mod compile;
mod description;
mod flatten;
mod guard;
mod singles;
mod states;

pub(crate) use compile::compile;
pub use description::{Action, EdgeDescription, Fingerprint, StateDescription, StateKind};
pub(crate) use guard::Guard;

/// The number of a state.
pub(crate) type StateIndex = u32;
/// The number of a named stage, those in groups too, in the order in which they are written.
pub(crate) type StageIndex = u16;

/// A compiled pattern, without its conditions.
pub(crate) struct Automaton {
    pub(crate) stages: Vec<String>,
    pub(crate) states: Vec<State>,
    pub(crate) start: StateIndex,
    /// Milliseconds from the first event of a match to its last; 0 for no limit.
    pub(crate) within: i64,
    /// The transitions that the edges were made from, by state, for those who want to see them.
    transitions: Vec<Vec<states::Transition>>,
    /// What the conditions are called.
    texts: Vec<String>,
    pub(crate) fingerprint: Fingerprint,
}

impl Automaton {
    /// What an event has to be like to do anything to the match that is about to begin: one of these.
    pub(crate) fn beginnings(&self) -> Vec<Guard> {
        let start = self.state(self.start);
        let edges = start.map_or(&[][..], |start| &start.edges).iter();
        let takes = |edge: &&Edge| !matches!(edge.effect, Effect::Ignore { .. });
        edges.filter(takes).map(|edge| edge.guard.clone()).collect()
    }
}

pub(crate) struct State {
    name: String,
    stage: Option<StageIndex>,
    pub(crate) kind: StateKind,
    /// Milliseconds for which a partial match may stand here after the last event that it has taken.
    pub(crate) within_previous: Option<i64>,
    pub(crate) edges: Vec<Edge>,
    /// What makes a partial match that comes here complete at once: the first that holds counts.
    pub(crate) endings: Vec<Ending>,
}

/// What an event can do to a partial match.
pub(crate) struct Edge {
    pub(crate) guard: Guard,
    pub(crate) effect: Effect,
}

#[derive(Clone, Copy)]
pub(crate) enum Effect {
    Take {
        stage: StageIndex,
        target: StateIndex,
    },
    Ignore {
        target: StateIndex,
    },
    /// The edge that Flink forgets to make ([`compile`]).
    Missing,
}

/// A way to the final state that needs no event.
pub(crate) struct Ending {
    pub(crate) guard: Guard,
    /// Whether it is cut by the edge that Flink forgets to make.
    pub(crate) is_missing: bool,
}
