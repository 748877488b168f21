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
