//! What is remembered is bounded, and what cannot be said is told of.

use serde_json::json;

use super::{add, advance, intake, kinds, one, run, set};
use jackfield_expression::Format;
use jackfield_pattern_language::{Definitions, Intake, KeyState, PatternSet};

#[test]
fn beyond_a_limit_the_match_that_began_first_goes_and_is_told_of() {
    let patterns = one(json!({
        "stages": [{ "name": "a", "where": "event.kind == 'a'" }, { "name": "b", "where": "event.kind == 'b'" }],
        "limits": { "partial-matches": 2 },
    })).unwrap();
    let outputs = run(&patterns, &kinds("aaab"));
    assert_eq!(outputs[0].0, "abandoned");
    assert_eq!(outputs[0].1["reason"], "the key remembers too much");
    assert_eq!(outputs[0].1["started"], 1);
    assert_eq!(
        outputs.iter().filter(|(what, _)| *what == "match").count(),
        2
    );
}

#[test]
fn the_text_of_events_counts_for_the_limit_of_bytes() {
    let patterns = one(json!({
        "stages": [{ "name": "a", "where": "event.kind == 'a'" }, { "name": "b", "where": "event.kind == 'b'" }],
        "limits": { "bytes": 20_000 },
    })).unwrap();
    let mut state = KeyState::default();
    for timestamp in 1..=5 {
        add(
            &patterns,
            &mut state,
            timestamp,
            &json!({ "kind": "a", "text": "x".repeat(9_000) }),
        );
    }
    assert_eq!(advance(&patterns, &mut state, 5).len(), 3);
    // What was loaded weighs the same.
    let bytes = postcard::to_allocvec(&state).unwrap();
    let mut state: KeyState = postcard::from_bytes(&bytes).unwrap();
    add(
        &patterns,
        &mut state,
        6,
        &json!({ "kind": "a", "text": "x".repeat(9_000) }),
    );
    assert_eq!(advance(&patterns, &mut state, 6).len(), 1);
}

#[test]
fn an_event_that_a_condition_cannot_say_of_is_rejected_with_the_place() {
    let patterns = one(json!({ "stages": [{ "name": "a", "where": "event.value > 5" }] })).unwrap();
    let refusal = patterns.take_in(br#"{"kind":"a"}"#, 1).unwrap_err();
    assert_eq!(refusal.code(), "missing-field");
    assert!(
        refusal.message().contains("patterns.p.stages[0].where"),
        "{}",
        refusal.message()
    );
}

#[test]
fn or_it_does_not_match() {
    let patterns = one(
        json!({ "stages": [{ "name": "a", "where": "event.value > 5" }], "on-error": "no-match" }),
    )
    .unwrap();
    assert!(run(&patterns, &kinds("a")).is_empty());
}

#[test]
fn a_match_whose_output_cannot_be_made_is_told_of() {
    let patterns =
        one(json!({ "stages": [{ "name": "a" }], "output": { "value": "a[0].value" } })).unwrap();
    let outputs = run(&patterns, &kinds("a"));
    assert_eq!(outputs[0].0, "abandoned");
    assert!(
        outputs[0].1["reason"]
            .as_str()
            .unwrap()
            .contains("patterns.p.output.value"),
        "{:?}",
        outputs[0].1
    );
    assert_eq!(outputs[0].1["events"], json!({ "a": [{ "kind": "a" }] }));
}

#[test]
fn records_that_are_no_events_are_passed_over_and_others_kept_in_part() {
    let definitions: Definitions = serde_json::from_value(json!({ "p": { "stages": [
        { "name": "a", "where": "event.kind == 'a'" }, { "name": "b", "contiguity": "next", "where": "event.kind == 'b'" },
    ] } })).unwrap();
    let intake = Intake::new(
        Format::Json,
        Some("has(record.kind)"),
        Some("{'kind': record.kind}"),
    )
    .unwrap();
    let patterns = PatternSet::compile(&definitions, intake).unwrap();
    let records = [
        json!({ "kind": "a", "text": "long" }),
        json!({ "tier": "gold" }),
        json!({ "kind": "b", "text": "long" }),
    ];
    let outputs = run(&patterns, &records);
    assert_eq!(
        outputs[0].1["events"],
        json!({ "a": [{ "kind": "a" }], "b": [{ "kind": "b" }] })
    );
}

#[test]
fn nothing_is_remembered_of_events_that_fit_nothing() {
    let patterns = set(json!({ "p": { "stages": [{ "name": "a", "where": "event.kind == 'a'" }, { "name": "b" }] } })).unwrap();
    let mut state = KeyState::default();
    add(&patterns, &mut state, 1, &json!({ "kind": "x" }));
    assert_eq!(patterns.next_timer(&state), Some(1));
    advance(&patterns, &mut state, 1);
    assert!(state.is_empty());
}

#[test]
fn a_format_that_makes_no_sense_is_refused() {
    let encoded: Format = serde_json::from_value(json!({ "encoded": { "fields": [] } })).unwrap();
    assert!(Intake::new(encoded, None, None).is_err());
    assert!(Intake::new(Format::Json, Some("event.kind"), None).is_err());
    drop(intake());
}
