//! Any bytes as the state of a key: refused, or good for a pattern to go on with.
//!
//!     cd plugins/cep && cargo +nightly fuzz run decode-state

#![no_main]

use std::convert::Infallible;
use std::time::Duration;

use jackfield_cep::{Limits, Matcher, Pattern, PatternState};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let pattern = Pattern::begin("a")
        .filter(|event| event % 3 == 0)
        .one_or_more();
    let pattern = pattern.followed_by_any("b").filter(|event| event % 3 == 1);
    let pattern = pattern.within(Duration::from_millis(50));
    let limits = Limits {
        partial_matches: 100,
        ..Limits::default()
    };
    let matcher = pattern.compile().expect("it makes sense").limits(limits);
    go_on(&matcher, bytes);
    // The fingerprint of the pattern, which bytes rarely hit upon, stands behind the version and the events that wait.
    let waiting = Vec::<(i64, u8)>::new();
    let begun = Some(matcher.fingerprint());
    let own = postcard::to_allocvec(&(2_u8, waiting, begun)).expect("it can be written");
    go_on(&matcher, &[own.as_slice(), bytes].concat());
});

fn go_on(matcher: &Matcher<u8>, bytes: &[u8]) {
    let Ok(mut state) = postcard::from_bytes::<PatternState<u8>>(bytes) else {
        return;
    };
    let again = postcard::to_allocvec(&state).expect("what was read can be written");
    assert!(postcard::from_bytes::<PatternState<u8>>(&again).is_ok());
    for (timestamp, event) in (1_000..).zip([0, 1, 2, 0, 1]) {
        matcher.add(&mut state, timestamp, 999, event);
    }
    let _ = matcher.advance(&mut state, i64::MAX, |_| Ok::<(), Infallible>(()));
}
