//! Plugins that keep failing: what becomes of the pipeline is what its manifest says.

use jackfield_tests::harness::Pipeline;
use serde_json::Value;

use crate::scenario::{Scenario, assert_ended, counts_of, is_poison, lines};

const RECORDS: u64 = 3_000;

/// So that the pipeline is under way for some seconds.
const SLOW: &str = "sources.records.rate-limit={records-per-second=2000,burst=100}";

/// Fails on every record.
const BROKEN: &str = "misdeed = \"trap\", record = \"\"";

fn replay(scenario: &Scenario) -> String {
    let replayed = scenario.pipeline().run_command(&["dlq", "replay"], &[]);
    replayed.unwrap().expect_success().stdout
}

fn sorted(mut records: Vec<String>) -> Vec<String> {
    records.sort();
    records
}

/// What the running pipeline says of its only task; nothing while it does not answer.
fn task(pipeline: &Pipeline) -> Value {
    let asked = pipeline
        .run_command(&["status"], &["--format", "json"])
        .unwrap();
    match asked.code() {
        Some(0) => serde_json::from_str::<Value>(&asked.stdout).unwrap()["tasks"][0].take(),
        _ => Value::Null,
    }
}

#[test]
fn failures_are_counted_over_checkpoints() {
    let poison: Vec<u64> = (0..40).map(|n| n * 500 + 250).collect();
    let scenario = Scenario::new(lines(20_000, &poison))
        .pass("misdeed = \"trap\"")
        .checkpoint_every("10ms")
        .recovery("breaker-failures = 20");
    assert_ended(
        &scenario.run(),
        1,
        &["JF-2101", "`pass`", "20 failures within 600s"],
    );
    assert!(
        !scenario.letters().is_empty(),
        "there was a checkpoint in between"
    );
}

#[test]
fn what_is_bypassed_is_in_the_dead_letter_queue_and_comes_back_from_there() {
    for parallelism in [1, 2] {
        let all = lines(RECORDS, &[]);
        let scenario = Scenario::new(all.clone())
            .pass(BROKEN)
            .parallelism(parallelism)
            .recovery("on-breaker = \"bypass-to-dlq\"\nbreaker-failures = 4");
        assert_ended(
            &scenario.run(),
            0,
            &["JF-4006", "`pass`", "4 failures within", "a trap was asked"],
        );
        assert!(scenario.echo().is_empty());
        let letters = scenario.letters();
        let of_breaker = |(stage, code, _, message): &(String, String, String, String)| {
            stage == "pass" && code == "breaker-open" && message.contains("a trap was asked for")
        };
        assert!(letters.iter().all(of_breaker));
        let records = letters.into_iter().map(|(_, _, record, _)| record);
        assert_eq!(sorted(records.collect()), sorted(all.clone()));

        let mended = scenario.pass("");
        assert_eq!(
            replay(&mended),
            "3,000 dead letters replayed, 0 refused again\n"
        );
        assert_eq!(mended.echo(), all);
        assert_eq!(mended.counts(), counts_of(&all));
        assert!(mended.letters().is_empty());
    }
}

#[test]
fn a_stage_that_is_bypassed_keeps_its_state_and_its_neighbours_go_on() {
    let all = lines(10_000, &[]);
    let scenario = Scenario::new(all.clone())
        .count("key = \"k3\", record = 1000")
        .checkpoint_every("10ms")
        // So that there are checkpoints before it stumbles, however slow the disk is.
        .records_per_second(2_500)
        .recovery("on-breaker = \"bypass-to-dlq\"\nbreaker-failures = 1");
    scenario.run().expect_success();
    assert_eq!(scenario.echo(), all);
    let letters = scenario.letters();
    assert!(letters.iter().all(|(stage, ..)| stage == "count"));
    assert!(!letters.is_empty() && letters.len() < all.len());

    let mended = scenario.count("");
    replay(&mended);
    assert_eq!(mended.counts(), counts_of(&all));
}

#[test]
fn a_plugin_that_cannot_even_be_flushed_is_bypassed() {
    let all = lines(RECORDS, &[]);
    let scenario = Scenario::new(all.clone())
        .pass("misdeed = \"trap\", at = \"flush\"")
        .recovery("on-breaker = \"bypass-to-dlq\"");
    assert_ended(&scenario.run(), 0, &["JF-4006", "4 failures with no"]);
    assert_eq!(scenario.letters().len(), all.len());
}

#[test]
fn a_stage_that_was_bypassed_is_tried_again() {
    let all = lines(8_000, &[10]);
    let scenario = Scenario::new(all.clone())
        .pass("misdeed = \"trap\"")
        .checkpoint_every("50ms")
        .recovery("on-breaker = \"bypass-to-dlq\"\nbreaker-failures = 1");
    let finished = scenario.pipeline().set(SLOW).run().unwrap();
    assert_ended(&finished, 0, &["JF-4006"]);
    let letters: Vec<String> = scenario
        .letters()
        .into_iter()
        .map(|(_, code, record, _)| {
            assert_eq!(code, "breaker-open");
            record
        })
        .collect();
    assert!(letters.iter().any(|record| is_poison(record)));
    assert_eq!(scenario.echo().last(), all.last());
    let both = [scenario.echo(), letters].concat();
    assert_eq!(sorted(both), sorted(all));
}

#[test]
fn a_pipeline_that_pauses_says_why_and_loses_nothing() {
    let all = lines(RECORDS, &[]);
    let scenario = Scenario::new(all.clone())
        .pass(BROKEN)
        .recovery("on-breaker = \"pause\"\nbreaker-failures = 3");
    let pipeline = scenario.pipeline();
    let mut host = pipeline.start().unwrap();
    let mut seen = Value::Null;
    let waits = host
        .wait_until(|_| {
            seen = task(&pipeline);
            seen["waits"][0]["part"] == "stage pass"
        })
        .unwrap();
    assert!(waits, "the host ended before; last seen: {seen}");
    assert_eq!(seen["state"], "waiting");
    let reason = seen["waits"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("its breaker is open"), "{reason}");
    assert!(reason.contains("a trap was asked for"), "{reason}");
    host.terminate().unwrap();
    assert_ended(&host.wait().unwrap(), 0, &["JF-4006", "nothing is read"]);

    let mended = scenario.pass("");
    mended.run().expect_success();
    assert_eq!(mended.echo(), all);
    assert_eq!(mended.counts(), counts_of(&all));
    assert!(mended.letters().is_empty());
}

#[test]
fn a_pipeline_that_pauses_comes_past_poison_all_the_same() {
    let scenario = Scenario::new(lines(RECORDS, &[1_000]))
        .pass("misdeed = \"trap\"")
        .recovery("on-breaker = \"pause\"\nbreaker-failures = 1");
    assert_ended(&scenario.run(), 0, &["JF-4006", "1 failure within"]);
    scenario.assert_poison_set_aside("plugin-trapped");
}
