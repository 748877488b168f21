//! What is refused of patterns, and what happens to state.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::convert::Infallible;
use std::time::Duration;

use jackfield_cep::{Arrival, Matcher, Pattern, PatternError, PatternState};

fn failures(times: u32) -> Matcher<char> {
    let failures = Pattern::begin("failure")
        .filter(|event| *event == 'F')
        .times(times)
        .consecutive();
    let pattern = failures
        .next("callback")
        .filter(|event| *event == 'C')
        .within(Duration::from_millis(100));
    pattern.compile().unwrap()
}

/// How many matches the events from `first` on complete, a millisecond apart.
fn matches(
    matcher: &Matcher<char>,
    state: &mut PatternState<char>,
    first: i64,
    events: &str,
) -> usize {
    let mut found = 0;
    for (timestamp, event) in (first..).zip(events.chars()) {
        assert_eq!(
            matcher.add(state, timestamp, first - 1, event),
            Arrival::Waiting
        );
    }
    let Ok(()) = matcher.advance(state, first + 50, |_| {
        found += 1;
        Ok::<(), Infallible>(())
    });
    found
}

#[test]
fn names_are_unique() {
    let pattern = Pattern::<char>::begin("a").next("b").followed_by("a");
    assert_eq!(
        pattern.compile().err(),
        Some(PatternError::DuplicateName {
            name: "a".to_owned()
        })
    );
}

#[test]
fn a_stage_takes_an_event_at_least() {
    let error = Pattern::<char>::begin("a").times(0).compile().err();
    assert_eq!(
        error,
        Some(PatternError::ZeroTimes {
            stage: "a".to_owned()
        })
    );
}

#[test]
fn a_stage_is_told_its_times_once() {
    let error = Pattern::<char>::begin("a")
        .times(2)
        .times(2)
        .compile()
        .err();
    assert_eq!(
        error,
        Some(PatternError::SecondTimes {
            stage: "a".to_owned()
        })
    );
}

#[test]
fn consecutive_needs_more_than_one_event() {
    let misplaced = Some(PatternError::InnerContiguity {
        stage: "a".to_owned(),
    });
    assert_eq!(
        Pattern::<char>::begin("a").consecutive().compile().err(),
        misplaced
    );
    assert_eq!(
        Pattern::<char>::begin("a")
            .times(2)
            .consecutive()
            .allow_combinations()
            .compile()
            .err(),
        misplaced
    );
}

#[test]
fn a_time_limit_is_a_time() {
    for within in [Duration::ZERO, Duration::from_nanos(999_999), Duration::MAX] {
        let error = Pattern::<char>::begin("a").within(within).compile().err();
        assert_eq!(
            error,
            Some(PatternError::Within {
                stage: "a".to_owned(),
                within
            })
        );
    }
}

#[test]
fn what_begins_nothing_leaves_nothing() {
    let (matcher, mut state) = (failures(3), PatternState::default());
    assert_eq!(matches(&matcher, &mut state, 0, "xxCx"), 0);
    assert!(state.is_empty());
}

#[test]
fn a_match_that_has_begun_is_given_up_at_its_time_limit() {
    let (matcher, mut state) = (failures(3), PatternState::default());
    matches(&matcher, &mut state, 0, "xxF");
    assert_eq!(matcher.next_timer(&state), Some(102));
    let Ok(()) = matcher.advance(&mut state, 102, |_| Ok::<(), Infallible>(()));
    assert!(state.is_empty());
}

#[test]
fn state_of_a_longer_pattern_does_no_harm() {
    let mut state = PatternState::default();
    matches(&failures(7), &mut state, 0, "FFFFFF");
    assert_eq!(matches(&failures(2), &mut state, 51, "FFC"), 1);
}

#[test]
fn time_may_stand_at_either_end() {
    let (matcher, mut state) = (failures(1), PatternState::default());
    matcher.add(&mut state, i64::MIN + 1, i64::MIN, 'F');
    matcher.add(&mut state, i64::MAX, i64::MIN, 'F');
    let Ok(()) = matcher.advance(&mut state, i64::MAX, |_| Ok::<(), Infallible>(()));
    assert_eq!(matcher.next_timer(&state), None);
}
