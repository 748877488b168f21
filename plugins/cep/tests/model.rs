//! The library against all subsequences of the events, held against what is said of a match.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "model/naive.rs"]
mod naive;
#[path = "model/spec.rs"]
mod spec;

use std::collections::BTreeMap;
use std::convert::Infallible;

use jackfield_cep::{Output, PatternState};
use proptest::prelude::*;
use spec::{Event, Spec};

/// Matches as lists of (event, stage), and how often each is found.
type Matches = BTreeMap<Vec<(usize, usize)>, usize>;

fn found(spec: &Spec, events: &[Event]) -> Matches {
    let matcher = spec.pattern().compile().unwrap();
    let mut state = PatternState::default();
    let mut matches = Matches::new();
    for event in events {
        matcher.add(&mut state, event.timestamp, i64::MIN, *event);
    }
    let advanced = matcher.advance(&mut state, i64::MAX, |output| {
        if let Output::Match(found) = output {
            let step = |taken: jackfield_cep::Taken<'_, Event>| {
                (taken.event.place, taken.stage.parse().unwrap())
            };
            *matches
                .entry(found.events().map(step).collect())
                .or_default() += 1;
        }
        Ok::<(), Infallible>(())
    });
    advanced.unwrap();
    matches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn matches_are_all_subsequences_that_fit(
        spec in spec::specs(),
        events in spec::streams(9),
    ) {
        let expected: Matches = naive::matches(&spec, &events).into_iter().map(|found| (found, 1)).collect();
        prop_assert_eq!(found(&spec, &events), expected);
    }
}
