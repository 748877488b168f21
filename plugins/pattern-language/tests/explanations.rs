//! Patterns explained, drawn, and watched.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_expression::Format;
use jackfield_pattern_language::trace::{Answer, Fate, Step, Trace};
use jackfield_pattern_language::{Definition, Explanation, Intake};
use serde_json::{Value as Json, json};

fn callbacks() -> Json {
    json!({
        "stages": [
            { "name": "failure", "where": "event.status == 'FAILURE'", "times": 3, "consecutive": true },
            { "name": "callback", "contiguity": "next", "where": "event.status == 'CALLBACK_REQUEST'" },
        ],
        "within": "30s",
    })
}

fn explained(definition: Json) -> Explanation {
    let definition: Definition = serde_json::from_value(definition).unwrap();
    Explanation::of("callbacks", &definition).unwrap()
}

fn watched(definition: Json, events: &[Json]) -> Vec<Step> {
    let definitions = serde_json::from_value(json!({ "p": definition })).unwrap();
    let mut trace =
        Trace::new(&definitions, Intake::new(Format::Json, None, None).unwrap()).unwrap();
    let mut steps: Vec<Step> = (1..)
        .zip(events)
        .map(|(time, event)| trace.take("c1", time, event.to_string().as_bytes()))
        .collect();
    steps.extend(trace.finish());
    steps
}

#[test]
fn an_explanation_says_stages_and_states() {
    let text = explained(callbacks()).to_string();
    let expected = "pattern callbacks (definition a74d5cb1c2f2c747)

  failure   3 times, one directly after the other
            where event.status == 'FAILURE'
    directly after
  callback  once
            where event.status == 'CALLBACK_REQUEST'

  the last event comes less than 30s after the first
  every match there is is found

states
  failure:1  (begins here)
    takes   to failure:0  if event.status == 'FAILURE'
  failure:0
    takes   to failure  if event.status == 'FAILURE'
  failure
    takes   to callback  if event.status == 'FAILURE'
  callback
    takes   to match  if event.status == 'CALLBACK_REQUEST'
  match
";
    assert_eq!(text, expected);
}

#[test]
fn a_clause_is_explained_in_the_words_of_stages() {
    let text =
        explained(json!({ "match-recognize": "PATTERN (a b+? c) DEFINE b AS b.x > LAST(b.x, 1)" }))
            .to_string();
    assert!(
        text.contains("where (event.x > b[size(b) - 1].x)"),
        "{text}"
    );
    assert!(
        text.contains("once or more, one directly after the other"),
        "{text}"
    );
}

#[test]
fn a_drawing_is_well_formed_and_holds_every_state_and_condition() {
    let mut definition = callbacks();
    definition["stages"][0]["where"] = json!("event.status == \"<&>\"");
    let svg = explained(definition).svg();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    for part in ["failure:1", "callback", "&lt;&amp;&gt;", "CALLBACK_REQUEST"] {
        assert!(svg.contains(part), "{part}");
    }
    for tag in ["<text", "<g", "<svg", "<title", "<defs", "<style"] {
        let closing = tag.replace('<', "</");
        assert_eq!(
            svg.matches(&format!("{tag} ")).count() + svg.matches(&format!("{tag}>")).count(),
            svg.matches(&closing).count(),
            "{tag}"
        );
    }
}

fn fates(step: &Step) -> Vec<Fate> {
    step.patterns[0]
        .attempts
        .iter()
        .map(|attempt| attempt.fate)
        .collect()
}

#[test]
fn each_event_says_what_it_began_and_what_it_ended() {
    let status = |status: &str| json!({ "status": status });
    let steps = watched(
        callbacks(),
        &[
            status("FAILURE"),
            status("FAILURE"),
            status("OTHER"),
            status("FAILURE"),
        ],
    );
    assert_eq!(fates(&steps[0]), [Fate::Begun]);
    assert_eq!(fates(&steps[1]), [Fate::Advanced, Fate::Begun]);
    assert_eq!(fates(&steps[2]), [Fate::Ended, Fate::Ended, Fate::NotBegun]);
    assert_eq!(
        steps[2].patterns[0].attempts[0].ways[0].answers[0].1,
        Answer::No
    );
    assert_eq!(fates(&steps[3]), [Fate::Begun]);
    // At the end, time runs out for the last one.
    assert_eq!(steps[4].patterns[0].before[0].what, "timed-out");
}

#[test]
fn a_match_is_shown_with_its_events_and_its_record() {
    let kinds: Vec<Json> = ["FAILURE", "FAILURE", "FAILURE", "CALLBACK_REQUEST"]
        .map(|status| json!({ "status": status }))
        .into();
    let mut definition = callbacks();
    definition["output"] = json!({ "failures": "size(failure)" });
    let steps = watched(definition, &kinds);
    let found = &steps[3].patterns[0].after[0];
    let numbers: Vec<usize> = found.events.iter().map(|(_, number)| *number).collect();
    assert_eq!(
        (found.what, numbers, &found.output),
        ("match", vec![1, 2, 3, 4], &json!({ "failures": 3 }))
    );
    let text = steps[3].to_string();
    assert!(text.contains("[failure 1 2 3, callback 4]"), "{text}");
}

#[test]
fn what_a_skip_strategy_drops_is_told_from_what_ends() {
    let definition = json!({
        "stages": [{ "name": "a", "where": "event.k == 'a'" }, { "name": "b", "where": "event.k == 'b'" }],
        "skip": "past-last-event",
    });
    let steps = watched(
        definition,
        &[
            json!({ "k": "a" }),
            json!({ "k": "a" }),
            json!({ "k": "b" }),
        ],
    );
    assert_eq!(fates(&steps[1]), [Fate::Waits, Fate::Begun]);
    assert_eq!(
        fates(&steps[2]),
        [Fate::Advanced, Fate::Dropped, Fate::NotBegun]
    );
}

#[test]
fn a_condition_that_cannot_say_tells_why() {
    let definition = json!({ "on-error": "no-match", "stages": [
        { "name": "a", "where": "event.x > 1" }, { "name": "b", "where": "event.x > a[0].y" },
    ] });
    let steps = watched(
        definition,
        &[json!({ "z": 1 }), json!({ "x": 2 }), json!({ "x": 3 })],
    );
    let answer = |step: &Step| step.patterns[0].attempts[0].ways[0].answers[0].1.clone();
    assert!(
        matches!(answer(&steps[0]), Answer::Failed(reason) if reason.contains("no field \"x\""))
    );
    assert!(
        matches!(answer(&steps[2]), Answer::Failed(reason) if reason.contains("no field \"y\""))
    );
}

#[test]
fn what_is_no_event_says_why() {
    let definitions = serde_json::from_value(json!({ "p": callbacks() })).unwrap();
    let intake = Intake::new(Format::Json, Some("has(record.status)"), None).unwrap();
    let mut trace = Trace::new(&definitions, intake).unwrap();
    assert_eq!(
        trace.take("", 1, b"{}").rejected.as_deref(),
        Some("the filter leaves it out")
    );
    assert!(
        trace
            .take("", 2, b"{")
            .rejected
            .unwrap()
            .contains("not-json")
    );
}
