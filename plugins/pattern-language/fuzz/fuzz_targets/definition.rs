//! Any text as patterns in JSON: refused, or they run to an end on any events, and storing the state in between changes nothing.
//!
//!     cd plugins/pattern-language && cargo +nightly fuzz run definition

#![no_main]

use std::convert::Infallible;

use jackfield_expression::Format;
use jackfield_pattern_language::{Definitions, Explanation, Found, Intake, KeyState, PatternSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, Vec<u8>)| {
    let (text, events) = input;
    let Ok(mut definitions) = serde_json::from_str::<Definitions>(&text) else {
        return;
    };
    for definition in definitions.values_mut() {
        definition.limits.partial_matches = definition.limits.partial_matches.min(100);
    }
    let intake = || Intake::new(Format::Json, None, None).expect("it makes sense");
    let Ok(patterns) = PatternSet::compile(&definitions, intake()) else {
        return;
    };
    for (name, definition) in &definitions {
        let explained = Explanation::of(name, definition).expect("it was compiled");
        assert!(explained.svg().ends_with("</svg>\n"));
    }
    let events = &events[..events.len().min(24)];
    assert_eq!(run(&patterns, events, false), run(&patterns, events, true));
});

fn run(patterns: &PatternSet, events: &[u8], is_stored: bool) -> Vec<Vec<u8>> {
    let mut state = KeyState::default();
    let mut outputs = Vec::new();
    let mut advance = |state: &mut KeyState, watermark| {
        let advanced = patterns.advance("key", state, watermark, |found| {
            let (Found::Match(record) | Found::TimedOut(record) | Found::Abandoned(record)) = found;
            outputs.push(record.json.to_vec());
            Ok::<(), Infallible>(())
        });
        advanced.is_ok()
    };
    for (timestamp, event) in (1_000..).zip(events) {
        let record = format!(r#"{{"a":{},"b":"{}"}}"#, event & 3, event >> 6);
        if let Ok(Some(event)) = patterns.take_in(record.as_bytes(), timestamp) {
            state.add(timestamp, event);
        }
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
