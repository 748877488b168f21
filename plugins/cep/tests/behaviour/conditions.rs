//! Conditions, and what is counted as complete.

use std::cell::Cell;
use std::rc::Rc;

use jackfield_cep::{MatchError, Pattern, PatternState, SkipStrategy};

use super::{add, advance, is, outputs};

#[test]
fn conditions_are_joined_from_left_to_right() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .or(is('b'))
        .filter(|event| *event != 'b');
    assert_eq!(outputs(pattern, "ab"), ["a"]);
}

#[test]
fn a_condition_sees_what_was_taken_before() {
    let pattern = Pattern::<char>::begin("rising")
        .filter_with(|event, taken| {
            taken
                .stage("rising")
                .next_back()
                .is_none_or(|last| last < event)
        })
        .times(3)
        .consecutive();
    assert_eq!(outputs(pattern, "abcba"), ["abc"]);
}

#[test]
fn a_condition_of_the_event_alone_is_asked_once_for_all_matches() {
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .followed_by("b")
        .filter(move |event| {
            count.set(count.get() + 1);
            *event == 'b'
        });
    assert_eq!(outputs(pattern, "aaaab").len(), 4);
    // Once for each event behind the first.
    assert_eq!(asked.get(), 4);
}

#[test]
fn a_greedy_stage_leaves_the_next_only_what_it_cannot_take() {
    let any = |event: &char| event.is_ascii_lowercase();
    let loops = || Pattern::begin("loop").filter(is('a')).one_or_more();
    let all = outputs(loops().next("end").filter(any), "aab");
    let greedy = outputs(loops().greedy().next("end").filter(any), "aab");
    assert_eq!(all.len(), 3);
    assert_eq!(greedy, ["aab", "ab"]);
}

#[test]
fn a_group_is_repeated_as_a_whole() {
    let group = Pattern::begin("a")
        .filter(is('a'))
        .next("b")
        .filter(is('b'));
    let pattern = Pattern::begin_group(group).times(2).consecutive();
    assert_eq!(outputs(pattern, "ababxab"), ["abab"]);
}

#[test]
fn a_loop_ends_with_the_event_that_it_lasts_until() {
    let pattern = Pattern::begin("a")
        .filter(is('a'))
        .one_or_more()
        .until(is('x'))
        .skip(SkipStrategy::PastLastEvent);
    assert_eq!(outputs(pattern, "axa"), ["a", "a"]);
}

#[test]
fn what_must_not_follow_ends_a_match() {
    let pattern = || {
        Pattern::begin("a")
            .filter(is('a'))
            .not_followed_by("b")
            .filter(is('b'))
            .followed_by("c")
            .filter(is('c'))
    };
    assert_eq!(outputs(pattern(), "axc"), ["ac"]);
    assert!(outputs(pattern(), "abc").is_empty());
}

#[test]
fn a_strict_skip_that_finds_nothing_is_an_error() {
    let pattern = |skip: SkipStrategy| {
        let optional = Pattern::begin("a")
            .filter(is('a'))
            .next("b")
            .filter(is('b'))
            .optional();
        optional.skip(skip.error_on_miss()).compile().unwrap()
    };
    let cases = [
        (
            SkipStrategy::to_first("b"),
            MatchError::NothingToSkipTo {
                stage: "b".to_owned(),
            },
        ),
        (SkipStrategy::to_last("a"), MatchError::SkipsToItself),
    ];
    for (skip, expected) in cases {
        let (matcher, mut state) = (pattern(skip), PatternState::default());
        add(&matcher, &mut state, 0, "ax");
        assert_eq!(advance(&matcher, &mut state, 9), Err(expected));
    }
}

#[test]
fn what_must_not_happen_cannot_happen_before_a_match_begins() {
    let group = Pattern::begin("a").filter(is('a')).optional();
    let pattern = Pattern::begin_group(group)
        .not_followed_by("b")
        .filter(is('b'))
        .next("c")
        .filter(is('c'));
    let (matcher, mut state) = (pattern.compile().unwrap(), PatternState::default());
    add(&matcher, &mut state, 0, "b");
    let stage = "b".to_owned();
    assert_eq!(
        advance(&matcher, &mut state, 9),
        Err(MatchError::StoppedBeforeStart { stage })
    );
}
