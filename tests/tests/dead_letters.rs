//! The dead-letter queue as an operator reads it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::model::Model;
use jackfield_tests::scenario::Scenario;
use serde_json::Value;

#[test]
fn the_list_names_every_rejected_record_with_stage_and_code() {
    let lines = Generator::new(14, Traffic::Hostile).lines(20_000);
    let scenario = Scenario::new(&lines);
    scenario.run();
    let list = scenario
        .pipeline()
        .run_command(&["dlq", "list"], &["--format", "json"])
        .unwrap()
        .expect_success();
    let mut counts = BTreeMap::new();
    for line in list.stdout.lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        let word = |name: &str| letter[name].as_str().unwrap().to_owned();
        *counts.entry((word("stage"), word("code"))).or_default() += 1;
    }
    let expected = Model::of(&lines).rejections();
    let expected = expected
        .into_iter()
        .map(|((stage, code), count)| ((stage.to_owned(), code.to_owned()), count));
    assert_eq!(
        counts,
        expected.collect::<BTreeMap<(String, String), u64>>()
    );
}

#[test]
fn a_line_that_is_too_long_is_kept_in_part_and_the_stream_goes_on() {
    let long = format!("{{\"transcript\":\"{}\"}}", "la".repeat(1 << 20));
    let lines = [interaction("i1"), long.clone(), interaction("i2")].join("\n");
    let scenario = Scenario::new(lines.as_bytes());
    scenario.run();
    let database = scenario.observation().open_database().unwrap();
    let query = "SELECT stage, code, record FROM jackfield_dead_letters";
    let letter: (String, String, Vec<u8>) = database
        .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(
        (letter.0.as_str(), letter.1.as_str()),
        ("records", "record-too-large")
    );
    assert!(
        letter.2 == long.as_bytes()[..1 << 20],
        "what is kept is not its beginning"
    );
    let enriched = std::fs::read_to_string(scenario.observation().enriched()).unwrap();
    assert_eq!(enriched.lines().count(), 2);
}

fn interaction(id: &str) -> String {
    format!(
        r#"{{"interactionId":"{id}","customerId":"c","channel":"voice","status":"SUCCESS","timestamp":1000}}"#
    )
}
