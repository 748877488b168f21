//! Patterns as text, from definition to what comes out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where the surprise is"
)]

#[path = "patterns/change.rs"]
mod change;
#[path = "patterns/limits.rs"]
mod limits;
#[path = "patterns/refusals.rs"]
mod refusals;
#[path = "patterns/sql.rs"]
mod sql;
#[path = "patterns/stages.rs"]
mod stages;

use std::convert::Infallible;

use jackfield_expression::Format;
use jackfield_pattern_language::{Definitions, Fault, Found, Intake, KeyState, PatternSet};
use serde_json::{Value as Json, json};

pub(crate) fn intake() -> Intake {
    Intake::new(Format::Json, None, None).unwrap()
}

/// Patterns by name, as the configuration of a stage has them.
pub(crate) fn set(definitions: Json) -> Result<PatternSet, Fault> {
    let definitions: Definitions = serde_json::from_value(definitions).unwrap();
    PatternSet::compile(&definitions, intake())
}

/// A pattern named `p`.
pub(crate) fn one(definition: Json) -> Result<PatternSet, Fault> {
    set(json!({ "p": definition }))
}

/// What came out: `match`, `timed-out` or `abandoned`, and the record.
pub(crate) type Output = (&'static str, Json);

pub(crate) fn add(patterns: &PatternSet, state: &mut KeyState, timestamp: i64, record: &Json) {
    let event = patterns.take_in(record.to_string().as_bytes(), timestamp);
    if let Some(event) = event.unwrap() {
        state.add(timestamp, event);
    }
}

pub(crate) fn advance(patterns: &PatternSet, state: &mut KeyState, watermark: i64) -> Vec<Output> {
    let mut outputs = Vec::new();
    let advanced = patterns.advance("c1", state, watermark, |found| {
        let (what, record) = match found {
            Found::Match(record) => ("match", record),
            Found::TimedOut(record) => ("timed-out", record),
            Found::Abandoned(record) => ("abandoned", record),
        };
        outputs.push((what, serde_json::from_slice(record.json).unwrap()));
        Ok::<(), Infallible>(())
    });
    advanced.unwrap();
    outputs
}

/// What comes of records a millisecond apart, from 1 on, and then of the end of time.
pub(crate) fn run(patterns: &PatternSet, records: &[Json]) -> Vec<Output> {
    let mut state = KeyState::default();
    for (timestamp, record) in (1..).zip(records) {
        add(patterns, &mut state, timestamp, record);
    }
    let outputs = advance(patterns, &mut state, i64::MAX);
    assert!(patterns.next_timer(&state).is_none());
    outputs
}

/// The records of the matches.
pub(crate) fn matches(patterns: &PatternSet, records: &[Json]) -> Vec<Json> {
    let outputs = run(patterns, records).into_iter();
    outputs
        .filter(|(what, _)| *what == "match")
        .map(|(_, record)| record)
        .collect()
}

/// Events of kinds, one letter each.
pub(crate) fn kinds(letters: &str) -> Vec<Json> {
    letters
        .chars()
        .map(|letter| json!({ "kind": letter.to_string() }))
        .collect()
}

/// The kinds of the events of each match.
pub(crate) fn found(patterns: &PatternSet, letters: &str) -> Vec<String> {
    let found = matches(patterns, &kinds(letters)).into_iter();
    found
        .map(|found| {
            found["kinds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|kind| kind.as_str().unwrap())
                .collect()
        })
        .collect()
}
