//! Memory: what is left, how much it is, and what goes when it is too much.

use jackfield_cep::{Limits, Pattern, PatternState, Usage};

use super::{add, advance, failures, is, millis};

#[test]
fn what_begins_nothing_leaves_nothing() {
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::default());
    add(&matcher, &mut state, 0, "xxCx");
    assert!(advance(&matcher, &mut state, 50).unwrap().is_empty());
    assert!(state.is_empty());
}

#[test]
fn nothing_is_left_of_many_keys_once_nothing_can_match() {
    let group = Pattern::begin("b")
        .filter(is('b'))
        .one_or_more()
        .until(is('x'));
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .followed_by_any_group(group)
        .optional();
    let pattern = pattern
        .followed_by("c")
        .filter(is('c'))
        .within_previous(millis(40))
        .within(millis(50));
    let matcher = pattern.compile().unwrap();
    let mut states = vec![PatternState::default(); 20_000];
    for (number, state) in (0..).zip(&mut states) {
        add(
            &matcher,
            state,
            1_000 + number % 7,
            ["abbab", "aab", "xab", "abxcb", "ca"][number as usize % 5],
        );
        advance(&matcher, state, 1_030).unwrap();
    }
    assert!(states.iter().any(|state| !state.is_empty()));
    for state in &mut states {
        while let Some(timer) = matcher.next_timer(state) {
            advance(&matcher, state, timer).unwrap();
        }
        assert!(state.is_empty());
    }
}

#[test]
fn the_match_that_began_first_is_evicted_and_told_of() {
    let limits = Limits {
        partial_matches: 2,
        ..Limits::default()
    };
    let pattern = Pattern::begin("start")
        .filter(char::is_ascii_lowercase)
        .followed_by("end")
        .filter(is('E'));
    let (matcher, mut state) = (
        pattern.compile().unwrap().limits(limits),
        PatternState::default(),
    );
    add(&matcher, &mut state, 0, "abcdE");
    assert_eq!(
        advance(&matcher, &mut state, 9).unwrap(),
        ["!a", "!b", "cE", "dE"]
    );
}

#[test]
fn bytes_are_limited_too() {
    let limits = Limits {
        bytes: 2_000,
        ..Limits::default()
    };
    let pattern = Pattern::<char>::begin("any")
        .one_or_more()
        .followed_by("end")
        .filter(is('E'));
    let (matcher, mut state) = (
        pattern.compile().unwrap().limits(limits),
        PatternState::default(),
    );
    add(&matcher, &mut state, 0, &"x".repeat(500));
    let outputs = advance(&matcher, &mut state, 500).unwrap();
    assert!(outputs.iter().all(|output| output.starts_with('!')));
    let usage = state.usage();
    assert!(
        usage.partial_matches > 2 && usage.partial_matches < 80,
        "{usage:?}"
    );
}

#[test]
fn usage_tells_what_is_remembered() {
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::default());
    let empty = state.usage();
    assert_eq!(
        empty,
        Usage {
            bytes: size_of::<PatternState<char>>(),
            ..Usage::default()
        }
    );
    add(&matcher, &mut state, 0, "xFFx");
    advance(&matcher, &mut state, 2).unwrap();
    let usage = state.usage();
    assert_eq!(
        (
            usage.waiting_events,
            usage.partial_matches,
            usage.taken_events
        ),
        (1, 2, 2)
    );
    assert!(usage.bytes > empty.bytes);
}

#[test]
fn a_loop_shares_what_its_matches_have_in_common() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .next("loop")
        .filter(is('x'))
        .one_or_more();
    let pattern = pattern
        .followed_by_any("any")
        .filter(is('x'))
        .followed_by("end")
        .filter(is('E'));
    let (matcher, mut state) = (pattern.compile().unwrap(), PatternState::default());
    add(&matcher, &mut state, 0, &format!("a{}", "x".repeat(100)));
    advance(&matcher, &mut state, 200).unwrap();
    let usage = state.usage();
    // Thousands of ways, each with up to a hundred events.
    assert!(
        usage.partial_matches > 4_000 && usage.taken_events == 101,
        "{usage:?}"
    );
    assert!(usage.bytes / usage.partial_matches < 120, "{usage:?}");
}
