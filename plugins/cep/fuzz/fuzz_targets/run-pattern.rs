//! Any pattern on any events: refused, or it comes to an end, and storing the state in between changes nothing.
//!
//!     cd plugins/cep && cargo +nightly fuzz run run-pattern

#![no_main]

use std::convert::Infallible;
use std::time::Duration;

use jackfield_cep::{Limits, Match, Matcher, Output, Pattern, PatternState, SkipStrategy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (calls, events) = bytes.split_at(bytes.len().min(12));
    let events = &events[..events.len().min(24)];
    let build = || {
        let limits = Limits {
            partial_matches: 200,
            ..Limits::default()
        };
        let matcher = pattern(calls).compile().ok();
        matcher.map(|matcher| matcher.limits(limits))
    };
    let Some(matcher) = build() else { return };
    let (once, stored) = (run(&matcher, events, false), run(&matcher, events, true));
    assert_eq!(once, stored);
});

/// Each byte is a call, its upper half the argument.
fn pattern(calls: &[u8]) -> Pattern<u8> {
    let mut pattern = Pattern::begin("0").filter(|event| *event == 0);
    for (number, call) in (1..).zip(calls) {
        let (name, argument) = (number.to_string(), call >> 4);
        let limit = Duration::from_millis(u64::from(argument) + 1);
        let is = move |event: &u8| event & 3 == argument & 3;
        let group = Pattern::begin(format!("{name}a"))
            .filter(is)
            .next(format!("{name}b"));
        pattern = match call & 15 {
            0 => pattern.next(name).filter(is),
            1 => pattern.followed_by(name).filter(is),
            2 => pattern.followed_by_any(name).filter(is),
            3 => pattern.not_next(name).filter(is),
            4 => pattern.not_followed_by(name).filter(is),
            5 => pattern.followed_by_group(group),
            6 => pattern.times(u32::from(argument)),
            7 => pattern.times_range(u32::from(argument & 3), u32::from(argument >> 2)),
            8 => pattern.one_or_more(),
            9 => pattern.consecutive(),
            10 => pattern.allow_combinations(),
            11 => pattern.greedy(),
            12 => pattern.optional(),
            13 => pattern.until(is),
            14 => pattern.within(limit),
            _ if argument < 8 => pattern.within_previous(limit),
            _ => pattern.skip(
                [SkipStrategy::ToNext, SkipStrategy::PastLastEvent][usize::from(argument & 1)]
                    .clone(),
            ),
        };
    }
    pattern
}

fn run(matcher: &Matcher<u8>, events: &[u8], is_stored: bool) -> Vec<Vec<u8>> {
    let mut state = PatternState::default();
    let mut outputs = Vec::new();
    let mut advance = |state: &mut PatternState<u8>, watermark| {
        let advanced = matcher.advance(state, watermark, |output| {
            let events = |found: &Match<'_, u8>| found.events().map(|taken| *taken.event).collect();
            outputs.push(match &output {
                Output::Match(found) | Output::TimedOut(found) | Output::Evicted(found) => {
                    events(found)
                }
            });
            Ok::<(), Infallible>(())
        });
        advanced.is_ok()
    };
    for (timestamp, event) in (1_000..).zip(events) {
        matcher.add(&mut state, timestamp, timestamp - 1, event & 3);
        if !advance(&mut state, timestamp) {
            return outputs;
        }
        if is_stored {
            let bytes = postcard::to_allocvec(&state).expect("a state can be written");
            state = postcard::from_bytes(&bytes).expect("and read");
        }
    }
    advance(&mut state, i64::MAX);
    outputs
}
