//! Limits of the manifest: what goes over one is named with plugin, digest and limit, is counted, and costs nobody else a record.

use std::process::{Command, Output};

use jackfield_tests::harness::{Host, Pipeline, binary};
use serde_json::Value;

use crate::scenario::{Scenario, assert_ended, digest, lines};

#[test]
fn a_record_for_which_a_plugin_returns_too_much_is_set_aside() {
    let scenario = Scenario::new(lines(2_000, &[700]))
        .pass("lie = \"rejection-message-long\"")
        .limits("output-bytes = \"512 KiB\"");
    let finished = scenario.run();
    let digest = digest("misbehave");
    let told = [
        "JF-2106",
        "misbehave 0.1.0",
        &digest[..12],
        "returned more than 524288 bytes",
    ];
    assert_ended(&finished, 0, &told);
    scenario.assert_poison_set_aside("plugin-output-bytes");
}

#[test]
fn a_stage_that_would_remember_too_much_stops_at_the_last_checkpoint_and_goes_on_with_more_room() {
    for parallelism in [1, 2] {
        let scenario = Scenario::new(lines(20_000, &[]))
            .parallelism(parallelism)
            .checkpoint_every("10ms")
            .limits_of_count("state-bytes = 5");
        let digest = digest("stumble");
        let told = [
            "error[JF-2107]",
            "`count`",
            "stumble 0.1.0",
            &digest[..12],
            "of keys and values in `flush`; its limit is 5",
            "4 failures",
        ];
        assert_ended(&scenario.run(), 1, &told);
        assert!(scenario.letters().is_empty(), "no record is to blame");

        let scenario = scenario.limits_of_count("state-bytes = \"1 kB\"");
        scenario.run().expect_success();
        scenario.assert_poison_set_aside("none");
    }
}

#[test]
fn state_that_was_written_before_a_limit_was_lowered_is_not_loaded_and_not_lost() {
    let scenario = Scenario::new(lines(20_000, &[]))
        .checkpoint_every("10ms")
        .records_per_second(1_000);
    let pipeline = scenario.pipeline();
    let mut host = pipeline.start().unwrap();
    let is_written = |_: &Host| {
        let task = task(&pipeline).unwrap_or_default();
        task["checkpoint"]["entries_written"].as_u64() > Some(0)
    };
    assert!(host.wait_until(is_written).unwrap());
    host.kill().unwrap();

    let scenario = scenario.limits_of_count("state-bytes = 1");
    assert_ended(
        &scenario.run(),
        1,
        &["JF-2107", "in `load`; its limit is 1"],
    );
    let scenario = scenario
        .limits_of_count("state-bytes = \"1 kB\"")
        .records_per_second(1_000_000);
    scenario.run().expect_success();
    scenario.assert_poison_set_aside("none");
}

#[test]
fn a_neighbour_does_not_notice_what_goes_over_a_limit() {
    let neighbour = Scenario::new(lines(50_000, &[]))
        .named("neighbour")
        .checkpoint_every("20ms");
    for (guilty, exit) in [
        (
            Scenario::new(lines(5_000, &[10])).pass("misdeed = \"log-without-end\""),
            0,
        ),
        (
            Scenario::new(lines(5_000, &[])).limits_of_count("state-bytes = 1"),
            1,
        ),
    ] {
        let finished = guilty.pipeline().beside(neighbour.write()).run().unwrap();
        assert_ended(&finished, exit, &["JF-210"]);
        neighbour.assert_poison_set_aside("none");
    }
}

fn task(pipeline: &Pipeline) -> Option<Value> {
    let asked = pipeline
        .run_command(&["status"], &["--format", "json"])
        .unwrap();
    let status: Value = serde_json::from_str(&asked.stdout).ok()?;
    Some(status["tasks"][0].clone())
}

#[test]
fn what_went_over_a_limit_is_counted_by_stage() {
    let scenario = Scenario::new(lines(20_000, &[10]))
        .pass("misdeed = \"log-without-end\"")
        .records_per_second(1_000);
    let pipeline = scenario.pipeline();
    let mut host = pipeline.start().unwrap();
    let mut seen = Value::Null;
    // The batch first, and then the record alone.
    let counted = |_: &Host| {
        seen = task(&pipeline).unwrap_or_default()["stages"].clone();
        seen[0]["limit_breaches"] == 2
    };
    assert!(host.wait_until(counted).unwrap(), "last seen: {seen}");
    assert_eq!(seen[1]["limit_breaches"], 0);
    let text = pipeline.run_command(&["status"], &[]).unwrap().stdout;
    assert!(text.contains("OVER LIMITS"), "{text}");
    host.kill().unwrap();
}

/// Runs a pipeline with so many KiB of address space.
fn run_within(kibibytes: u64, scenario: &Scenario) -> Output {
    let limited = format!("ulimit -v {kibibytes}; exec \"$0\" run \"$1\"");
    Command::new("sh")
        .args(["-c", &limited])
        .args([binary("jackfield"), scenario.write()])
        .output()
        .unwrap()
}

#[test]
fn without_address_space_for_a_pool_a_pipeline_runs_and_the_log_says_so() {
    let scenario = Scenario::new(lines(20_000, &[77]))
        .pass("misdeed = \"trap\"")
        .parallelism(4);
    // One place in the pool takes half of it.
    let ended = run_within(8 << 20, &scenario);
    let log = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{log}");
    assert!(log.contains("instances are not pooled"), "{log}");
    scenario.assert_poison_set_aside("plugin-trapped");
}

#[test]
fn without_room_for_its_instances_a_pipeline_stops_with_a_code_and_why() {
    let scenario = Scenario::new(lines(100, &[])).parallelism(64);
    let ended = run_within(3 << 20, &scenario);
    let log = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{log}");
    for word in ["error[JF-4007]", "Cannot allocate memory", "`parallelism`"] {
        assert!(log.contains(word), "`{word}` is not in {log}");
    }
}
