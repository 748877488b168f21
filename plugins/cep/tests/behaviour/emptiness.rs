//! Nothing of a key remains once nothing can match: the wish of FLINK-7606.

use std::convert::Infallible;

use jackfield_cep::{Matcher, Output, Pattern, PatternState, SkipStrategy, Usage};

use super::{is, millis};

const KEYS: usize = 1_000_000;
/// Events of each key, a millisecond apart.
const EVENTS: i64 = 6;
const WITHIN: u64 = 10;

/// Loops, negations, groups and strategies, each with a limit of time.
fn matchers() -> Vec<Matcher<char>> {
    let a = || Pattern::begin("a").filter(is('a'));
    let patterns = [
        a().times(3).consecutive().next("b").filter(is('b')),
        a().followed_by_any("b").filter(is('b')),
        a().one_or_more().greedy().followed_by("c").filter(is('c')),
        a().followed_by("b")
            .filter(is('b'))
            .one_or_more()
            .allow_combinations(),
        a().not_followed_by("b").filter(is('b')),
        a().not_followed_by("x")
            .filter(is('x'))
            .followed_by("c")
            .filter(is('c')),
        Pattern::begin_group(a().followed_by("b").filter(is('b')))
            .times(2)
            .followed_by("c"),
        a().one_or_more()
            .followed_by("b")
            .filter(is('b'))
            .skip(SkipStrategy::PastLastEvent),
    ];
    let compiled = patterns
        .into_iter()
        .map(|pattern| pattern.within(millis(WITHIN)).compile().unwrap());
    compiled.collect()
}

#[test]
fn of_a_million_keys_nothing_is_left_after_their_last_window() {
    let matchers = matchers();
    let mut states: Vec<PatternState<char>> = vec![PatternState::default(); KEYS];
    let mut random = 88_172_645_463_325_252_u64;
    let (mut most, mut matches) = (Usage::default(), 0);
    for time in 0..EVENTS {
        for (key, state) in states.iter_mut().enumerate() {
            // Marsaglia, Xorshift RNGs, 2003.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let event = ['a', 'a', 'b', 'c'][(random >> 33) as usize % 4];
            let matcher = &matchers[key % matchers.len()];
            matcher.add(state, 1_000 + time, 999 + time, event);
            let advanced = matcher.advance(state, 1_000 + time, |output| {
                matches += usize::from(matches!(output, Output::Match(_)));
                Ok::<(), Infallible>(())
            });
            advanced.unwrap();
            if time == EVENTS - 1 {
                most += state.usage();
            }
        }
    }
    assert!(
        most.partial_matches > KEYS / 4 && matches > KEYS / 4,
        "there is something to forget"
    );
    let end = 1_000 + EVENTS - 1 + i64::try_from(WITHIN).unwrap();
    for (key, state) in states.iter_mut().enumerate() {
        let matcher = &matchers[key % matchers.len()];
        // What is left has a timer: nobody has to look at all keys to find it.
        while let Some(timer) = matcher.next_timer(state) {
            assert!(timer <= end);
            matcher
                .advance(state, timer, |_| Ok::<(), Infallible>(()))
                .unwrap();
        }
        assert!(state.is_empty(), "key {key}");
    }
    assert!(
        states
            .iter()
            .all(|state| state.usage().bytes == size_of::<PatternState<char>>())
    );
}
