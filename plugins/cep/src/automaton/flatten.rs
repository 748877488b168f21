//! Follows what needs no event to its ends, once for all events.

use super::compile::MOST_STATES;
use super::states::{Action, Node, Transition};
use super::{Edge, Effect, Ending, Guard, State, StateIndex, StateKind};
use crate::pattern::PatternError;

/// States with their edges, and the transitions that those were made from.
pub(super) type Flat = (Vec<State>, Vec<Vec<Transition>>);

pub(super) fn flatten(nodes: Vec<Node>) -> Result<Flat, PatternError> {
    let mut room = MOST_STATES;
    let mut walks = Vec::with_capacity(nodes.len());
    for state in 0..nodes.len() {
        walks.push((
            edges(&nodes, state, &mut room)?,
            endings(&nodes, state, &mut room)?,
        ));
    }
    let state = |(node, (edges, endings)): (Node, (Vec<Edge>, Vec<Ending>))| {
        let state = State {
            name: node.name,
            stage: node.stage,
            kind: node.kind,
            within_previous: node.within_previous,
            edges,
            endings,
        };
        (state, node.transitions)
    };
    Ok(nodes.into_iter().zip(walks).map(state).unzip())
}

/// What takes or ignores an event in a state, or behind it. The way that was found last is followed first: this is the order
/// in which Flink lists them, and it breaks ties between matches.
fn edges(nodes: &[Node], state: usize, room: &mut usize) -> Result<Vec<Edge>, PatternError> {
    let mut edges = Vec::new();
    let mut ways: Vec<(Option<usize>, Guard)> = vec![(Some(state), Guard::Always)];
    while let Some((node, guard)) = ways.pop() {
        let Some(node) = node.map(|node| &nodes[node]) else {
            let effect = Effect::Missing;
            edges.push(Edge { guard, effect });
            continue;
        };
        for transition in &node.transitions {
            let guard = guard.and(&transition.guard);
            if guard == Guard::Never {
                continue;
            }
            *room = room
                .checked_sub(1)
                .ok_or(PatternError::TooLarge { most: MOST_STATES })?;
            match (transition.action, transition.target) {
                (Action::Proceed, target) => {
                    ways.push((target.map(|target| target as usize), guard));
                }
                (action, Some(target)) => {
                    let effect = effect(action, node, target);
                    edges.extend(effect.map(|effect| Edge { guard, effect }));
                }
                (Action::Take | Action::Ignore, None) => {}
            }
        }
    }
    Ok(edges)
}

fn effect(action: Action, node: &Node, target: StateIndex) -> Option<Effect> {
    match action {
        Action::Take => Some(Effect::Take {
            stage: node.stage?,
            target,
        }),
        Action::Ignore => Some(Effect::Ignore { target }),
        Action::Proceed => None,
    }
}

/// The ways from a state to the final one.
fn endings(nodes: &[Node], state: usize, room: &mut usize) -> Result<Vec<Ending>, PatternError> {
    let mut endings = Vec::new();
    let mut ways: Vec<(Option<usize>, Guard)> = vec![(Some(state), Guard::Always)];
    while let Some((node, guard)) = ways.pop() {
        let Some(node) = node.map(|node| &nodes[node]) else {
            let is_missing = true;
            endings.push(Ending { guard, is_missing });
            continue;
        };
        let proceeds = node.transitions.iter();
        for transition in proceeds.filter(|transition| transition.action == Action::Proceed) {
            let guard = guard.and(&transition.guard);
            if guard == Guard::Never {
                continue;
            }
            *room = room
                .checked_sub(1)
                .ok_or(PatternError::TooLarge { most: MOST_STATES })?;
            let target = transition.target.map(|target| target as usize);
            if target.is_some_and(|target| nodes[target].kind == StateKind::Final) {
                let is_missing = false;
                endings.push(Ending { guard, is_missing });
            } else {
                ways.push((target, guard));
            }
        }
    }
    Ok(endings)
}
