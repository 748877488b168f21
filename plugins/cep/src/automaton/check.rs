//! What can only be said of a pattern as a whole.

use std::collections::BTreeSet;

use super::states::{Action, Node};
use crate::SkipStrategy;
use crate::pattern::{PatternError, Stage};

/// What the final state is called: no stage may be.
pub(super) const FINAL: &str = "$endState$";

/// Names are unique, in groups too.
pub(super) fn names(stages: &[Stage]) -> Result<(), PatternError> {
    fn look<'s>(stages: &'s [Stage], seen: &mut BTreeSet<&'s str>) -> Result<(), PatternError> {
        // From the last stage to the first, as Flink does: of two duplicates it names the same.
        for stage in stages.iter().rev() {
            if let Some(group) = &stage.group {
                look(group, seen)?;
            } else if !seen.insert(&stage.name) {
                let name = stage.name.clone();
                return Err(PatternError::DuplicateName { name });
            }
        }
        Ok(())
    }
    look(stages, &mut BTreeSet::from([FINAL]))
}

/// The stage to skip to exists, outside of groups.
pub(super) fn skip_target(stages: &[Stage], skip: &SkipStrategy) -> Result<(), PatternError> {
    let Some(target) = skip.target() else {
        return Ok(());
    };
    if stages.iter().any(|stage| stage.name == target.stage) {
        return Ok(());
    }
    let stage = target.stage.clone();
    Err(PatternError::UnknownSkipTarget { stage })
}

/// Neighbours are not allowed to be further apart than first and last.
pub(super) fn time_limits(nodes: &[Node], within: Option<i64>) -> Result<(), PatternError> {
    let Some(within) = within else {
        return Ok(());
    };
    let mut gaps = nodes.iter().filter_map(|node| node.within_previous);
    match gaps.find(|gap| *gap > within) {
        Some(gap) => Err(PatternError::GapBeyondWithin { gap, within }),
        None => Ok(()),
    }
}

/// That something does not follow is said within some time.
pub(super) fn last_stage(
    last: &Stage,
    nodes: &[Node],
    within: Option<i64>,
) -> Result<(), PatternError> {
    let mut of_stage = nodes.iter().filter(|node| node.name == last.name);
    let limited = of_stage.any(|node| node.within_previous.is_some());
    if last.link != crate::pattern::Link::NotFollowedBy || limited || within.is_some() {
        return Ok(());
    }
    let stage = last.name.clone();
    Err(PatternError::EndlessNot { stage })
}

/// No way leads back to a state without an event. Flink follows it for ever.
pub(super) fn no_empty_loop(nodes: &[Node]) -> Result<(), PatternError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Closed,
    }
    let mut marks = vec![Mark::New; nodes.len()];
    for root in 0..nodes.len() {
        let mut open = vec![(root, 0)];
        while let Some((node, next)) = open.pop() {
            if next == 0 {
                if marks[node] == Mark::Closed {
                    continue;
                }
                marks[node] = Mark::Open;
            }
            let transitions = nodes[node].transitions.get(next..).unwrap_or_default();
            let proceeds = |(offset, transition): (usize, &super::states::Transition)| {
                let target = transition.target.map(|target| target as usize);
                (transition.action == Action::Proceed)
                    .then_some(target?)
                    .map(|target| (next + offset + 1, target))
            };
            let Some((next, target)) = transitions.iter().enumerate().find_map(proceeds) else {
                marks[node] = Mark::Closed;
                continue;
            };
            if marks[target] == Mark::Open {
                return Err(PatternError::EmptyLoop);
            }
            open.push((node, next));
            if marks[target] == Mark::New {
                open.push((target, 0));
            }
        }
    }
    Ok(())
}
