//! States while a pattern is compiled.

use std::collections::BTreeMap;

use super::{Guard, StageIndex, StateIndex, StateKind};

/// What an edge does with the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It belongs to the match.
    Take,
    /// It is passed over.
    Ignore,
    /// The edge needs no event: it is followed while one is looked at.
    Proceed,
}

#[derive(Clone)]
pub(crate) struct Transition {
    pub(crate) action: Action,
    /// None where Flink makes none.
    pub(crate) target: Option<StateIndex>,
    pub(crate) guard: Guard,
}

pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) stage: Option<StageIndex>,
    pub(crate) kind: StateKind,
    pub(crate) within_previous: Option<i64>,
    pub(crate) transitions: Vec<Transition>,
}

/// All states made so far.
#[derive(Default)]
pub(crate) struct States {
    pub(crate) nodes: Vec<Node>,
    /// With the first number that may be free behind each.
    names: BTreeMap<String, u32>,
}

impl States {
    /// Adds a state, whose name is made unique by a number behind a colon.
    pub(crate) fn add(
        &mut self,
        name: &str,
        stage: Option<StageIndex>,
        kind: StateKind,
    ) -> StateIndex {
        let name = self.unique(name);
        let index = self.nodes.len();
        self.nodes.push(Node {
            name,
            stage,
            kind,
            within_previous: None,
            transitions: Vec::new(),
        });
        // `Compiler` ends long before there are as many.
        StateIndex::try_from(index).unwrap_or(StateIndex::MAX)
    }

    fn unique(&mut self, name: &str) -> String {
        let Some(number) = self.names.get(name).copied() else {
            self.names.insert(name.to_owned(), 0);
            return name.to_owned();
        };
        for number in number.. {
            let numbered = format!("{name}:{number}");
            if !self.names.contains_key(&numbered) {
                self.names.insert(name.to_owned(), number + 1);
                self.names.insert(numbered.clone(), 0);
                return numbered;
            }
        }
        name.to_owned()
    }

    pub(crate) fn node(&self, index: StateIndex) -> &Node {
        &self.nodes[index as usize]
    }

    pub(crate) fn node_mut(&mut self, index: StateIndex) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    pub(crate) fn connect(
        &mut self,
        from: StateIndex,
        action: Action,
        target: impl Into<Option<StateIndex>>,
        guard: Guard,
    ) {
        let target = target.into();
        self.node_mut(from).transitions.push(Transition {
            action,
            target,
            guard,
        });
    }

    pub(crate) fn take(&mut self, from: StateIndex, target: StateIndex, guard: Guard) {
        self.connect(from, Action::Take, target, guard);
    }

    pub(crate) fn ignore(&mut self, from: StateIndex, target: StateIndex, guard: Guard) {
        self.connect(from, Action::Ignore, target, guard);
    }

    pub(crate) fn proceed(&mut self, from: StateIndex, target: StateIndex, guard: Guard) {
        self.connect(from, Action::Proceed, target, guard);
    }

    /// The same state once more; what leads from it to itself leads from the copy to the copy.
    pub(crate) fn copy(&mut self, original: StateIndex, name: &str) -> StateIndex {
        let node = self.node(original);
        let (stage, kind, transitions) = (node.stage, node.kind, node.transitions.clone());
        let copy = self.add(name, stage, kind);
        for transition in transitions {
            let to_itself = transition.target == Some(original);
            let target = if to_itself {
                Some(copy)
            } else {
                transition.target
            };
            self.connect(copy, transition.action, target, transition.guard);
        }
        copy
    }

    /// Lets a stage before this state be greedy: nothing leads on while the event still fits that stage.
    pub(crate) fn yield_to(&mut self, state: StateIndex, taken: &Guard) {
        let not_taken = taken.not();
        for transition in &mut self.node_mut(state).transitions {
            transition.guard = transition.guard.and(&not_taken);
        }
    }
}
