//! A source that is read no faster than its manifest says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::scenario::Scenario;

const RATE: f64 = 2_000.0;
const BURST: f64 = 500.0;
const RECORDS: u64 = 8_000;

/// From the records behind the burst: what comes with it comes at once.
const LEAST_SECONDS: f64 = (RECORDS as f64 - BURST) / RATE;

/// What starting, stopping and a busy machine may add. A limit that lets half as much through takes longer than that.
const ADDED_SECONDS: f64 = 3.0;

const LIMIT: &str = "sources.records.rate-limit={records-per-second=2000,burst=500}";

fn assert_rate_held(scenario: &Scenario) {
    let seconds = scenario.run().wall.as_secs_f64();
    assert!(
        (LEAST_SECONDS..LEAST_SECONDS + ADDED_SECONDS).contains(&seconds),
        "{RECORDS} records in {seconds} s"
    );
}

#[test]
fn a_rate_limit_holds_over_time_and_changes_nothing_else() {
    let lines = Generator::new(41, Traffic::Hostile).lines(RECORDS);
    let scenario = Scenario::new(&lines).with(|pipeline| pipeline.set(LIMIT));
    assert_rate_held(&scenario);
    scenario.assert_model_output();
}

#[test]
fn partitions_and_workers_of_a_source_share_its_rate_limit() {
    let lines = Generator::new(42, Traffic::Plain).lines(RECORDS);
    let all: Vec<&[u8]> = lines.split_inclusive(|&byte| byte == b'\n').collect();
    let (first, second) = all.split_at(all.len() / 2);
    let scenario = Scenario::with_partitions(&[first.concat(), second.concat()], &lines);
    assert_rate_held(&scenario.with(|pipeline| pipeline.set(LIMIT).set("pipeline.parallelism=2")));
}
