//! What is refused of patterns.

use std::time::Duration;

use jackfield_cep::{Pattern, PatternError, Phase, SkipStrategy};

use super::{is, millis};

fn a() -> Pattern<char> {
    Pattern::begin("a").filter(is('a'))
}

#[track_caller]
fn refused(pattern: Pattern<char>, phase: Phase) -> PatternError {
    let error = pattern.compile().err().unwrap();
    assert_eq!(error.phase(), phase);
    error
}

fn stage(name: &str) -> String {
    name.to_owned()
}

#[test]
fn names_are_unique_in_groups_too() {
    let name = stage("a");
    let duplicate = PatternError::DuplicateName { name };
    assert_eq!(refused(a().next("a"), Phase::Compile), duplicate);
    assert_eq!(refused(a().next_group(a()), Phase::Compile), duplicate);
}

#[test]
fn a_stage_takes_an_event_at_least() {
    let error = PatternError::ZeroTimes { stage: stage("a") };
    assert_eq!(refused(a().times(0), Phase::Build), error);
    assert_eq!(refused(a().times_or_more(0), Phase::Build), error);
}

#[test]
fn a_range_is_not_empty() {
    let empty = |from, to| PatternError::EmptyRange {
        stage: stage("a"),
        from,
        to,
    };
    assert_eq!(refused(a().times_range(3, 2), Phase::Build), empty(3, 2));
    assert_eq!(refused(a().times_range(0, 0), Phase::Build), empty(1, 0));
}

#[test]
fn a_stage_is_told_once_how_often_it_happens() {
    let error = PatternError::SecondQuantifier { stage: stage("a") };
    assert_eq!(refused(a().times(2).one_or_more(), Phase::Build), error);
}

#[test]
fn events_are_related_once_and_where_there_are_several() {
    let error = PatternError::InnerContiguity { stage: stage("a") };
    assert_eq!(refused(a().consecutive(), Phase::Build), error);
    let twice = a().times(2).consecutive().allow_combinations();
    assert_eq!(refused(twice, Phase::Build), error);
    let gap = PatternError::GapWithoutQuantifier { stage: stage("a") };
    assert_eq!(refused(a().gap(millis(1)), Phase::Build), gap);
}

#[test]
fn only_a_stage_that_has_a_choice_is_greedy() {
    let error = PatternError::Greedy { stage: stage("a") };
    assert_eq!(refused(a().greedy(), Phase::Build), error);
    let combinations = a().one_or_more().allow_combinations().greedy();
    assert_eq!(refused(combinations, Phase::Build), error);
    let group = Pattern::begin_group(a()).one_or_more().greedy();
    assert!(matches!(
        refused(group, Phase::Build),
        PatternError::Greedy { .. }
    ));
}

#[test]
fn a_stage_is_made_optional_once_and_not_behind_a_greedy_one() {
    let twice = PatternError::SecondOptional { stage: stage("a") };
    assert_eq!(
        refused(a().times_range(0, 2).optional(), Phase::Build),
        twice
    );
    let greedy = a().one_or_more().greedy().next("b").optional();
    let error = PatternError::OptionalAfterGreedy { stage: stage("b") };
    assert_eq!(refused(greedy, Phase::Build), error);
}

#[test]
fn a_loop_is_ended_once() {
    let twice = a().one_or_more().until(is('x')).until(is('y'));
    let error = PatternError::SecondUntil { stage: stage("a") };
    assert_eq!(refused(twice, Phase::Build), error);
    let error = PatternError::UntilWithoutLoop { stage: stage("a") };
    assert_eq!(refused(a().times(2).until(is('x')), Phase::Build), error);
}

#[test]
fn what_must_not_happen_has_no_quantifier() {
    let error = PatternError::QuantifiedNot { stage: stage("b") };
    for pattern in [
        a().not_next("b").one_or_more(),
        a().not_followed_by("b").greedy(),
        a().not_next("b").optional(),
    ] {
        assert_eq!(refused(pattern, Phase::Build), error);
    }
}

#[test]
fn what_must_not_happen_stands_behind_what_happens() {
    let error = PatternError::NotAfterOptional { stage: stage("b") };
    assert_eq!(refused(a().optional().not_next("b"), Phase::Build), error);
}

#[test]
fn that_something_does_not_follow_is_said_within_a_time() {
    let error = PatternError::EndlessNot { stage: stage("b") };
    assert_eq!(refused(a().not_followed_by("b"), Phase::Compile), error);
}

#[test]
fn a_group_has_no_condition_of_its_own() {
    let group = Pattern::begin_group(a()).filter(is('b'));
    assert_eq!(refused(group, Phase::Build), PatternError::ConditionOfGroup);
}

#[test]
fn a_time_limit_is_a_time() {
    for limit in [Duration::ZERO, Duration::from_nanos(999_999), Duration::MAX] {
        let error = PatternError::TimeLimit {
            stage: stage("a"),
            limit,
        };
        assert_eq!(refused(a().within(limit), Phase::Build), error);
    }
}

#[test]
fn neighbours_are_not_further_apart_than_first_and_last() {
    let pattern = a().next("b").within_previous(millis(9)).within(millis(5));
    let error = PatternError::GapBeyondWithin { gap: 9, within: 5 };
    assert_eq!(refused(pattern, Phase::Compile), error);
}

#[test]
fn the_stage_to_skip_to_exists_outside_of_groups() {
    let pattern = Pattern::begin_group(a())
        .next("b")
        .skip(SkipStrategy::to_first("a"));
    let error = PatternError::UnknownSkipTarget { stage: stage("a") };
    assert_eq!(refused(pattern, Phase::Compile), error);
}

#[test]
fn a_group_that_can_match_nothing_is_not_repeated() {
    let pattern = Pattern::begin_group(a().optional()).one_or_more().next("b");
    assert_eq!(refused(pattern, Phase::Compile), PatternError::EmptyLoop);
}

#[test]
fn a_pattern_is_not_larger_than_it_is_worth() {
    let error = refused(a().times(1_000_000), Phase::Compile);
    assert!(matches!(error, PatternError::TooLarge { .. }));
}

#[test]
fn the_first_mistake_is_the_one_that_is_told() {
    let pattern = a().times(0).next("a").consecutive();
    let error = PatternError::ZeroTimes { stage: stage("a") };
    assert_eq!(refused(pattern, Phase::Build), error);
}
