//! What the library does, a behaviour each.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "behaviour/adoption.rs"]
mod adoption;
#[path = "behaviour/conditions.rs"]
mod conditions;
#[path = "behaviour/description.rs"]
mod description;
#[path = "behaviour/emptiness.rs"]
mod emptiness;
#[path = "behaviour/limits.rs"]
mod limits;
#[path = "behaviour/refusals.rs"]
mod refusals;
#[path = "behaviour/storage.rs"]
mod storage;
#[path = "behaviour/time.rs"]
mod time;
#[path = "behaviour/trials.rs"]
mod trials;

use std::convert::Infallible;
use std::time::Duration;

use jackfield_cep::{AdvanceError, Match, MatchError, Matcher, Output, Pattern, PatternState};

/// Letters, each a millisecond after the one before it.
fn add(matcher: &Matcher<char>, state: &mut PatternState<char>, first: i64, events: &str) {
    for (timestamp, event) in (first..).zip(events.chars()) {
        matcher.add(state, timestamp, i64::MIN, event);
    }
}

/// What comes of advancing: the letters of each match; a time-out begins with `-`, an eviction with `!`.
fn advance(
    matcher: &Matcher<char>,
    state: &mut PatternState<char>,
    watermark: i64,
) -> Result<Vec<String>, MatchError> {
    let mut found = Vec::new();
    let advanced = matcher.advance(state, watermark, |output| {
        let letters = |found: &Match<'_, char>| found.events().map(|taken| *taken.event).collect();
        let text: String = match &output {
            Output::Match(found) => letters(found),
            Output::TimedOut(found) => format!("-{}", letters(found)),
            Output::Evicted(found) => format!("!{}", letters(found)),
        };
        found.push(text);
        Ok::<(), Infallible>(())
    });
    match advanced {
        Ok(()) => Ok(found),
        Err(AdvanceError::Pattern(error)) => Err(error),
    }
}

/// What comes of letters that are a millisecond apart, from 1,000 on, and of the end of time.
fn outputs(pattern: Pattern<char>, events: &str) -> Vec<String> {
    let (matcher, mut state) = (pattern.compile().unwrap(), PatternState::default());
    add(&matcher, &mut state, 1_000, events);
    advance(&matcher, &mut state, i64::MAX).unwrap()
}

/// A stage that takes a letter, which is also its name.
fn is(letter: char) -> impl Fn(&char) -> bool {
    move |event| *event == letter
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `times` failures in a row and a callback, within 100 ms.
fn failures(times: u32) -> Pattern<char> {
    let failures = Pattern::begin("failure").filter(is('F')).label("F");
    let failures = failures.times(times).consecutive();
    let callback = failures.next("callback").filter(is('C')).label("C");
    callback.within(millis(100))
}
