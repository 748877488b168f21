//! A pattern that changes while matches have begun.

use jackfield_pattern_language::{KeyState, PatternSet, code};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Output, add, advance, set};

/// Three stages one after the other, each with any number of other events before it.
fn definition(conditions: [&str; 3], on_change: &str, previous: &[Json]) -> Json {
    let stage = |name: &str, condition: &str| json!({ "name": name, "contiguity": "followed-by", "where": condition });
    json!({
        "stages": [stage("a", conditions[0]), stage("b", conditions[1]), stage("c", conditions[2])],
        "within": "20ms",
        "on-change": on_change,
        "previous": previous,
        "output": { "numbers": "matched.map(e, e.number)" },
    })
}

const OLD: [&str; 3] = ["event.kind == 0", "event.kind == 1", "event.kind == 2"];
const NEW: [&str; 3] = ["event.kind == 1", "event.kind == 0", "event.kind == 3"];

fn only(conditions: [&str; 3]) -> PatternSet {
    set(json!({ "p": definition(conditions, "restart", &[]) })).unwrap()
}

fn changed(conditions: [&str; 3], on_change: &str, former: &[[&str; 3]]) -> PatternSet {
    let former: Vec<_> = former
        .iter()
        .map(|former| definition(*former, "finish", &[]))
        .collect();
    set(json!({ "p": definition(conditions, on_change, &former) })).unwrap()
}

/// Each set of patterns on the events up to its time, the state stored in between.
fn run(spans: &[(&PatternSet, i64)], events: &[u8]) -> Vec<Output> {
    let mut stored = postcard::to_allocvec(&KeyState::default()).unwrap();
    let mut outputs = Vec::new();
    let mut from = 0;
    for (patterns, to) in spans {
        let mut state: KeyState = postcard::from_bytes(&stored).unwrap();
        patterns.check_state(&state).unwrap();
        for (time, kind) in (1..)
            .zip(events)
            .filter(|(time, _)| from < *time && time <= to)
        {
            add(
                patterns,
                &mut state,
                time,
                &json!({ "kind": kind, "number": time }),
            );
        }
        outputs.extend(advance(patterns, &mut state, *to));
        stored = postcard::to_allocvec(&state).unwrap();
        from = *to;
    }
    let state: KeyState = postcard::from_bytes(&stored).unwrap();
    assert!(from < 1_000 || state.is_empty());
    outputs
}

/// The numbers of the events of each match, in order.
fn numbers(outputs: &[Output]) -> Vec<Vec<i64>> {
    let matches = outputs.iter().filter(|(what, _)| *what == "match");
    let mut numbers: Vec<Vec<i64>> = matches
        .map(|(_, found)| serde_json::from_value(found["numbers"].clone()).unwrap())
        .collect();
    numbers.sort();
    numbers
}

fn abandoned(outputs: &[Output]) -> usize {
    outputs
        .iter()
        .filter(|(what, _)| *what == "abandoned")
        .count()
}

const END: i64 = 1_000;

/// What a pattern finds if it is never changed, of matches that begin within a span.
fn begun_within(conditions: [&str; 3], events: &[u8], (after, to): (i64, i64)) -> Vec<Vec<i64>> {
    let mut found = numbers(&run(&[(&only(conditions), END)], events));
    found.retain(|numbers| after < numbers[0] && numbers[0] <= to);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_has_begun_is_finished_under_its_own_rule(events in prop::collection::vec(0..4_u8, 1..40), cut in 0..40_i64) {
        let found = run(&[(&only(OLD), cut), (&changed(NEW, "finish", &[OLD]), END)], &events);
        let mut expected = begun_within(OLD, &events, (0, cut));
        expected.extend(begun_within(NEW, &events, (cut, END)));
        expected.sort();
        prop_assert_eq!(numbers(&found), expected);
        prop_assert_eq!(abandoned(&found), 0);
    }

    #[test]
    fn a_change_is_taken_back_without_loss(events in prop::collection::vec(0..4_u8, 1..40), cuts in (0..20_i64, 20..40_i64)) {
        let there = changed(NEW, "finish", &[OLD]);
        let back = changed(OLD, "finish", &[NEW]);
        let found = run(&[(&only(OLD), cuts.0), (&there, cuts.1), (&back, END)], &events);
        let mut expected = begun_within(OLD, &events, (0, cuts.0));
        expected.extend(begun_within(NEW, &events, cuts));
        expected.extend(begun_within(OLD, &events, (cuts.1, END)));
        expected.sort();
        prop_assert_eq!(numbers(&found), expected);
    }

    #[test]
    fn what_has_begun_is_dropped_and_told_of(events in prop::collection::vec(0..4_u8, 1..40), cut in 0..40_i64) {
        let old = only(OLD);
        let before = run(&[(&old, cut)], &events);
        let found = run(&[(&old, cut), (&changed(NEW, "restart", &[OLD]), END)], &events);
        let mut expected = numbers(&before);
        expected.extend(begun_within(NEW, &events, (cut, END)));
        expected.sort();
        prop_assert_eq!(numbers(&found), expected);
        let ends = |outputs: &[Output]| outputs.iter().filter(|(what, _)| *what != "abandoned").count();
        let whole = run(&[(&old, END)], &events);
        // Each that began is told of once: as found, out of time, or dropped.
        let begun = (1..).zip(&events).filter(|(time, kind)| *time <= cut && **kind == 0).count();
        prop_assert_eq!(abandoned(&found), begun - ends(&before));
        prop_assert!(ends(&whole) >= ends(&before));
    }

    #[test]
    fn what_has_begun_moves_on_by_stage(events in prop::collection::vec(0..4_u8, 1..40), cut in 0..40_i64) {
        let found = run(&[(&only(OLD), cut), (&changed(NEW, "map", &[OLD]), END)], &events);
        // The same as one pattern whose conditions change at that time.
        let both: Vec<String> = OLD.iter().zip(NEW).map(|(old, new)| format!("timestamp <= {cut} ? {old} : {new}")).collect();
        let both = [both[0].as_str(), &both[1], &both[2]];
        prop_assert_eq!(numbers(&found), numbers(&run(&[(&only(both), END)], &events)));
        prop_assert_eq!(abandoned(&found), 0);
    }
}

/// A state in which matches of the old definition have begun.
fn begun() -> KeyState {
    let mut state = KeyState::default();
    let old = only(OLD);
    for (time, kind) in [(1, 0), (2, 1)] {
        add(
            &old,
            &mut state,
            time,
            &json!({ "kind": kind, "number": time }),
        );
    }
    advance(&old, &mut state, 2);
    state
}

#[test]
fn a_former_definition_that_is_missing_is_refused_before_anything_happens() {
    for on_change in ["finish", "map"] {
        let fault = changed(NEW, on_change, &[])
            .check_state(&begun())
            .unwrap_err();
        assert_eq!(
            (fault.code, fault.place.as_str()),
            (code::UNKNOWN_RULE, "patterns.p")
        );
        assert!(fault.remedy.contains("previous"), "{fault}");
    }
}

#[test]
fn a_restart_needs_no_former_definition_but_tells_less() {
    let patterns = changed(NEW, "restart", &[]);
    let mut state = begun();
    patterns.check_state(&state).unwrap();
    let outputs = advance(&patterns, &mut state, 3);
    assert_eq!(outputs.len(), 1);
    assert_eq!(
        (&outputs[0].1["matches"], &outputs[0].1["reason"]),
        (&json!(1), &json!("the pattern has changed"))
    );
    assert!(state.is_empty());
}

#[test]
fn a_report_names_the_rule_and_the_events() {
    let patterns = changed(NEW, "restart", &[OLD]);
    let (name, rule) = only(OLD)
        .fingerprints()
        .map(|(name, rule)| (name.to_owned(), rule))
        .next()
        .unwrap();
    let outputs = advance(&patterns, &mut begun(), 3);
    let report = &outputs[0].1;
    assert_eq!(
        (report["pattern"].as_str(), report["rule"].as_str()),
        (Some(name.as_str()), Some(rule.to_string().as_str()))
    );
    assert_eq!(report["events"]["b"][0]["number"], 2);
}

#[test]
fn a_match_without_a_stage_to_go_to_is_dropped_and_told_of() {
    let mut new = definition(NEW, "map", &[definition(OLD, "finish", &[])]);
    new["stages"].as_array_mut().unwrap().remove(1);
    let patterns = set(json!({ "p": new })).unwrap();
    let outputs = advance(&patterns, &mut begun(), 3);
    assert_eq!(outputs[0].1["reason"], "its stage is gone");
}

#[test]
fn what_a_pattern_that_is_gone_had_begun_is_told_of() {
    let patterns = set(json!({ "other": definition(OLD, "finish", &[]) })).unwrap();
    let mut state = begun();
    patterns.check_state(&state).unwrap();
    let outputs = advance(&patterns, &mut state, 3);
    assert_eq!(
        (outputs[0].0, &outputs[0].1["reason"]),
        ("abandoned", &json!("the pattern is gone"))
    );
    assert!(state.is_empty());
}

#[test]
fn a_retired_pattern_finishes_what_it_has_begun() {
    let mut retired = definition(OLD, "finish", &[]);
    retired["retired"] = json!(true);
    let patterns = set(json!({ "p": retired })).unwrap();
    let mut state = begun();
    for (time, kind) in [(3, 0), (4, 2), (5, 1), (6, 2)] {
        add(
            &patterns,
            &mut state,
            time,
            &json!({ "kind": kind, "number": time }),
        );
    }
    assert_eq!(numbers(&advance(&patterns, &mut state, 6)), [[1, 2, 4]]);
    assert!(state.is_empty());
}

#[test]
fn spaces_in_a_condition_change_nothing() {
    let spaced = ["event.kind  ==  0", "event.kind ==\n1", " event.kind == 2 "];
    assert!(only(spaced).fingerprints().eq(only(OLD).fingerprints()));
}

#[test]
fn events_that_wait_are_asked_again_by_the_new_definition() {
    let old = only(OLD);
    let mut state = KeyState::default();
    for (time, kind) in [(5, 1), (6, 0), (7, 3)] {
        add(
            &old,
            &mut state,
            time,
            &json!({ "kind": kind, "number": time }),
        );
    }
    let stored = postcard::to_allocvec(&state).unwrap();
    let mut state: KeyState = postcard::from_bytes(&stored).unwrap();
    assert_eq!(numbers(&advance(&only(NEW), &mut state, 7)), [[5, 6, 7]]);
}
