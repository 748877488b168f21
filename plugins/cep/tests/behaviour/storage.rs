//! State that is stored and loaded.

use jackfield_cep::{Matcher, Pattern, PatternState, SkipStrategy};
use proptest::prelude::*;

use super::{add, advance, failures, is, millis};

/// Patterns of all kinds.
fn patterns() -> Vec<Pattern<char>> {
    let a = || Pattern::begin("a").filter(is('a'));
    let b = || {
        Pattern::begin("b")
            .filter(is('b'))
            .optional()
            .followed_by("c")
            .filter(is('c'))
    };
    vec![
        failures(2),
        a().one_or_more()
            .followed_by_any("b")
            .filter(is('b'))
            .within(millis(6)),
        a().times_range(1, 3)
            .allow_combinations()
            .followed_by("c")
            .filter(is('c'))
            .skip(SkipStrategy::ToNext),
        a().followed_by_group(b())
            .times_or_more(2)
            .within(millis(9)),
        a().not_followed_by("b").filter(is('b')).within(millis(4)),
        a().followed_by("b")
            .filter(is('b'))
            .within_previous(millis(3))
            .followed_by("c")
            .filter(is('c')),
        a().one_or_more()
            .greedy()
            .until(is('c'))
            .next("b")
            .skip(SkipStrategy::to_last("a")),
        a().optional()
            .followed_by("b")
            .filter_with(|event, taken| *event == 'b' || taken.stage("a").count() > 0)
            .one_or_more()
            .skip(SkipStrategy::PastLastEvent),
    ]
}

fn restored(state: &PatternState<char>) -> PatternState<char> {
    postcard::from_bytes(&postcard::to_allocvec(state).unwrap()).unwrap()
}

/// What comes of a stream, an event a millisecond, whose state is stored and loaded before some of the events.
fn run(matcher: &Matcher<char>, events: &[char], cuts: &[bool], lag: i64) -> Vec<Vec<String>> {
    let mut state = PatternState::default();
    let step = |(timestamp, event): (i64, &char)| {
        if cuts.get(timestamp as usize).copied().unwrap_or_default() {
            state = restored(&state);
        }
        matcher.add(&mut state, timestamp, timestamp - lag - 1, *event);
        advance(matcher, &mut state, timestamp - lag).unwrap()
    };
    let mut outputs: Vec<_> = (0..).zip(events).map(step).collect();
    outputs.push(advance(matcher, &mut state, i64::MAX).unwrap());
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_state_that_was_stored_goes_on_as_it_would_have(
        pattern in 0..8_usize,
        events in prop::collection::vec(prop::sample::select(vec!['a', 'b', 'c', 'F', 'C']), 1..25),
        cuts in prop::collection::vec(any::<bool>(), 25),
        lag in 0..4_i64,
    ) {
        let matcher = patterns().swap_remove(pattern).compile().unwrap();
        let expected = run(&matcher, &events, &[], lag);
        prop_assert_eq!(run(&matcher, &events, &cuts, lag), expected);
    }

    #[test]
    fn what_was_not_stored_is_refused_or_harmless(
        pattern in 0..8_usize,
        events in prop::collection::vec(prop::sample::select(vec!['a', 'b', 'c', 'F', 'C']), 1..25),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let matcher = patterns().swap_remove(pattern).compile().unwrap();
        let mut state = PatternState::default();
        add(&matcher, &mut state, 0, &events.iter().collect::<String>());
        advance(&matcher, &mut state, events.len() as i64 - 2).unwrap();
        let mut bytes = postcard::to_allocvec(&state).unwrap();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(mut state) = postcard::from_bytes::<PatternState<char>>(&bytes) {
            state.usage();
            add(&matcher, &mut state, 1_000, "abcFFC");
            // Whether this goes well does not matter, only that it ends.
            let _ = advance(&matcher, &mut state, i64::MAX);
        }
    }
}

#[test]
fn another_layout_is_refused() {
    let mut bytes = postcard::to_allocvec(&PatternState::<char>::default()).unwrap();
    assert_eq!(bytes, [2, 0, 0]);
    bytes[0] = 3;
    let error = serde_json::from_str::<PatternState<char>>("[3, [], null]").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("state of a pattern has version 3, expected 2"),
        "{error}"
    );
    assert!(postcard::from_bytes::<PatternState<char>>(&bytes).is_err());
}

#[test]
fn a_match_takes_a_few_bytes_beside_its_events() {
    let (matcher, mut state) = (failures(3).compile().unwrap(), PatternState::default());
    let bytes = |state: &PatternState<char>| postcard::to_allocvec(state).unwrap().len();
    add(&matcher, &mut state, 1_700_000_000_000, "F");
    advance(&matcher, &mut state, 1_700_000_000_000).unwrap();
    let one = bytes(&state);
    add(&matcher, &mut state, 1_700_000_000_001, "F");
    advance(&matcher, &mut state, 1_700_000_000_001).unwrap();
    // The second event makes a step for each of two matches, the second of which is new.
    let event_with_difference = 1 + 2;
    assert_eq!(bytes(&state) - one, event_with_difference + 2 * 3 + 2);
    assert!(one < 40, "{one}");
}
