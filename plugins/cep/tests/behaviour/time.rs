//! Time limits, timers, and the order of events.

use jackfield_cep::{Arrival, Pattern, PatternState, Timers};

use super::{add, advance, failures, is, millis, outputs};

#[test]
fn a_late_event_is_given_back() {
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::default());
    assert_eq!(matcher.add(&mut state, 5, 5, 'F'), Arrival::Late('F'));
    assert_eq!(matcher.add(&mut state, 6, 5, 'F'), Arrival::Waiting);
}

#[test]
fn events_wait_for_the_watermark_and_are_taken_by_their_times() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .next("b")
        .filter(is('b'));
    let (matcher, mut state) = (pattern.compile().unwrap(), PatternState::default());
    matcher.add(&mut state, 20, 0, 'b');
    matcher.add(&mut state, 10, 0, 'a');
    assert!(advance(&matcher, &mut state, 19).unwrap().is_empty());
    assert_eq!(advance(&matcher, &mut state, 20).unwrap(), ["ab"]);
}

#[test]
fn events_of_one_time_are_sorted_as_told() {
    let pattern = || Pattern::<char>::begin("any").times(3).consecutive();
    let matchers = [
        (pattern().compile().unwrap(), "cab"),
        (pattern().compile().unwrap().order_ties(char::cmp), "abc"),
    ];
    for (matcher, expected) in matchers {
        let mut state = PatternState::default();
        for event in "cab".chars() {
            matcher.add(&mut state, 10, 0, event);
        }
        assert_eq!(advance(&matcher, &mut state, 10).unwrap(), [expected]);
    }
}

#[test]
fn a_match_is_complete_before_its_limit() {
    let pattern = |limit| {
        Pattern::begin("a")
            .filter(is('a'))
            .next("b")
            .within(millis(limit))
    };
    assert_eq!(outputs(pattern(2), "ab"), ["ab"]);
    assert_eq!(outputs(pattern(1), "ab"), ["-a"]);
}

#[test]
fn a_match_that_has_begun_is_given_up_at_its_limit() {
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::default());
    add(&matcher, &mut state, 0, "xxF");
    advance(&matcher, &mut state, 50).unwrap();
    assert_eq!(matcher.next_timer(&state), Some(102));
    assert!(advance(&matcher, &mut state, 101).unwrap().is_empty());
    assert_eq!(advance(&matcher, &mut state, 102).unwrap(), ["-F"]);
    assert!(state.is_empty());
}

/// `a`, then `b` within 10 ms, after an `a` at 1,000.
fn waiting_for_a_neighbour(timers: Timers) -> (jackfield_cep::Matcher<char>, PatternState<char>) {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .followed_by("b")
        .filter(is('b'))
        .within_previous(millis(10));
    let (matcher, mut state) = (
        pattern.compile().unwrap().timers(timers),
        PatternState::default(),
    );
    add(&matcher, &mut state, 1_000, "a");
    advance(&matcher, &mut state, 1_000).unwrap();
    (matcher, state)
}

#[test]
fn the_limit_between_neighbours_has_a_timer() {
    let (matcher, mut state) = waiting_for_a_neighbour(Timers::Prompt);
    assert_eq!(matcher.next_timer(&state), Some(1_010));
    assert_eq!(advance(&matcher, &mut state, 1_010).unwrap(), ["-a"]);
    assert!(state.is_empty());
}

#[test]
fn in_flink_it_has_none() {
    let (matcher, mut state) = waiting_for_a_neighbour(Timers::AsFlink);
    assert_eq!(matcher.next_timer(&state), None);
    add(&matcher, &mut state, 2_000, "x");
    assert_eq!(advance(&matcher, &mut state, 2_000).unwrap(), ["-a"]);
}

#[test]
fn a_gap_limits_the_events_of_a_stage_but_for_the_last_as_in_flink() {
    let limited = |times| {
        let limited = Pattern::begin("a").filter(is('a')).times(times);
        limited.gap(millis(3))
    };
    assert_eq!(outputs(limited(3), "axxxxx"), ["-a"]);
    assert_eq!(outputs(limited(2), "axxxxxa"), ["aa"]);
}

#[test]
fn what_does_not_follow_is_a_match_when_its_time_has_passed() {
    let pattern = || {
        Pattern::begin("a")
            .filter(is('a'))
            .not_followed_by("b")
            .filter(is('b'))
            .within(millis(5))
    };
    assert_eq!(outputs(pattern(), "axx"), ["a"]);
    assert!(outputs(pattern(), "axb").is_empty());
}

#[test]
fn time_may_stand_at_either_end() {
    let (matcher, mut state) = (failures(1).compile().unwrap(), PatternState::default());
    matcher.add(&mut state, i64::MIN + 1, i64::MIN, 'F');
    matcher.add(&mut state, i64::MAX, i64::MIN, 'F');
    advance(&matcher, &mut state, i64::MAX).unwrap();
    assert_eq!(matcher.next_timer(&state), None);
}
