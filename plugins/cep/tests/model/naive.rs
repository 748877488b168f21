//! Tries every way to give events to stages, and asks of each what is said of a match.

use jackfield_cep::Contiguity;

use super::spec::{Event, Spec, Stage};

/// An event and the stage that takes it.
type Step = (usize, usize);

pub fn matches(spec: &Spec, events: &[Event]) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    extend(spec, events, &mut Vec::new(), &mut found);
    found
}

fn extend(spec: &Spec, events: &[Event], steps: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    if fits(spec, events, steps) {
        found.push(steps.clone());
    }
    let first = steps.last().map_or(0, |(event, _)| event + 1);
    let stage = steps.last().map_or(0, |(_, stage)| *stage);
    for event in first..events.len() {
        for stage in stage..spec.stages.len() {
            steps.push((event, stage));
            if events[event].is_of(spec.stages[stage].kinds) && is_linked(spec, events, steps) {
                extend(spec, events, steps, found);
            }
            steps.pop();
        }
    }
}

fn fits(spec: &Spec, events: &[Event], steps: &[Step]) -> bool {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return false;
    };
    let took = events[last.0].timestamp - events[first.0].timestamp;
    let in_time = spec.within.is_none_or(|within| took < within);
    let counts = (0..spec.stages.len()).all(|number| {
        let stage = &spec.stages[number];
        let count = steps.iter().filter(|(_, of)| *of == number).count();
        let (from, to) = stage.quantifier.bounds();
        count == 0 && stage.is_optional || (from..=to).contains(&count)
    });
    let nots = steps.windows(2).all(|pair| {
        let is_last = pair[1] == *last;
        respects_not(&spec.stages[pair[1].1], events, pair, is_last)
    });
    in_time && counts && nots
}

/// Whether what lies between the last two events may lie there.
fn is_linked(spec: &Spec, events: &[Event], steps: &[Step]) -> bool {
    let [.., before, last] = steps else {
        return true;
    };
    let stage = &spec.stages[last.1];
    let contiguity = if before.1 == last.1 {
        stage.inner
    } else {
        stage.link
    };
    let between = &events[before.0 + 1..last.0];
    match contiguity {
        Contiguity::Strict => between.is_empty(),
        Contiguity::Relaxed => !between.iter().any(|event| event.is_of(stage.kinds)),
        Contiguity::NonDeterministicRelaxed => true,
    }
}

/// Whether nothing happened that was not to happen between two events. If the second of them is such, but the last of the
/// match, then the match was complete before that was noticed.
fn respects_not(stage: &Stage, events: &[Event], pair: &[Step], is_last: bool) -> bool {
    let Some(not) = stage.not else { return true };
    let (before, last) = (pair[0].0, pair[1].0);
    if not.is_next {
        return !events[before + 1].is_of(not.kinds);
    }
    let watched = if is_last {
        before + 1..last
    } else {
        before + 1..last + 1
    };
    !events[watched].iter().any(|event| event.is_of(not.kinds))
}
