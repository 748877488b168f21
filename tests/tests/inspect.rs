//! What a pipeline remembers and refused, what a plugin and a code are, and what a run came to: as an operator asks for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, binary, repository};
use jackfield_tests::scenario::Scenario;
use serde_json::Value;

const RECORDS: u64 = 20_000;

/// A pipeline that has run.
fn hostile() -> Scenario {
    let scenario = Scenario::new(&Generator::new(21, Traffic::Hostile).lines(RECORDS));
    scenario.run();
    scenario
}

fn inspect(scenario: &Scenario, words: &[&str], arguments: &[&str]) -> Finished {
    scenario.pipeline().run_command(words, arguments).unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn jackfield(arguments: &[&str]) -> Output {
    Command::new(binary("jackfield"))
        .args(arguments)
        .output()
        .unwrap()
}

fn summary(finished: &Finished) -> Value {
    let lines = finished.stderr.lines();
    lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line["event"] == "summary")
        .unwrap()
}

#[test]
fn the_counts_of_dead_letters_are_those_of_the_list() {
    let scenario = hostile();
    let list = inspect(&scenario, &["dlq", "list"], &["--format", "json"]).expect_success();
    let counts = inspect(
        &scenario,
        &["dlq", "list"],
        &["--counts", "--format", "json"],
    )
    .expect_success();
    let count = |line: &Value| line["count"].as_u64().unwrap();
    let counts = json_lines(&counts.stdout);
    assert!(counts.len() > 5);
    let sum: u64 = counts.iter().map(count).sum();
    assert_eq!(sum, list.stdout.lines().count() as u64);

    let (stage, code) = (
        counts[0]["stage"].as_str().unwrap(),
        counts[0]["code"].as_str().unwrap(),
    );
    let filtered = inspect(
        &scenario,
        &["dlq", "list"],
        &["--stage", stage, "--code", code, "--format", "json"],
    )
    .expect_success();
    assert_eq!(filtered.stdout.lines().count() as u64, count(&counts[0]));
}

#[test]
fn a_dead_letter_is_shown_with_record_reason_and_plugin() {
    let scenario = hostile();
    let list = inspect(
        &scenario,
        &["dlq", "list"],
        &["--limit", "1", "--format", "json"],
    );
    let letter = &json_lines(&list.stdout)[0];
    let shown = inspect(&scenario, &["dlq", "show"], &[&letter["id"].to_string()]).expect_success();
    for fact in ["code", "message", "plugin", "record"] {
        let fact = letter[fact].as_str().unwrap();
        assert!(shown.stdout.contains(fact), "{fact}\n{}", shown.stdout);
    }
}

#[test]
fn what_does_not_exist_is_an_error_with_the_nearest_name() {
    let scenario = hostile();
    let misspelt = inspect(&scenario, &["dlq", "list"], &["--stage", "prase"]);
    assert_eq!(misspelt.code(), Some(2));
    assert!(misspelt.stderr.contains("`parse`"), "{}", misspelt.stderr);

    let some = inspect(&scenario, &["dlq", "show"], &["1", "123456789"]);
    assert_eq!(some.code(), Some(2));
    assert!(some.stdout.contains("Dead letter 1\n"), "{}", some.stdout);
    assert!(some.stderr.contains("123456789"), "{}", some.stderr);

    let key = inspect(&scenario, &["state", "show"], &["join", "nobody"]);
    assert_eq!(key.code(), Some(2));
}

#[test]
fn a_pipeline_that_has_not_run_has_nothing_to_look_at() {
    let scenario = Scenario::new(b"");
    let missing = inspect(&scenario, &["checkpoint", "list"], &[]);
    assert_eq!(missing.code(), Some(5));
    assert!(missing.stderr.contains("JF-5006"), "{}", missing.stderr);
}

#[test]
fn every_key_that_is_listed_can_be_shown_as_it_is_written() {
    let scenario = hostile();
    let stages = inspect(&scenario, &["state", "list"], &["--format", "json"]).expect_success();
    let join = json_lines(&stages.stdout)
        .into_iter()
        .find(|stage| stage["stage"] == "join")
        .unwrap();
    let arguments = ["--stage", "join", "--limit", "3"];
    let keys = inspect(&scenario, &["state", "list"], &arguments).expect_success();
    let keys: Vec<&str> = keys
        .stdout
        .lines()
        .skip(1)
        .take(3)
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert!(keys.len() == 3 && join["keys"].as_u64().unwrap() > 3);
    for key in keys {
        let shown = inspect(&scenario, &["state", "show"], &["join", key]).expect_success();
        assert!(
            shown.stdout.contains(&format!("key        {key}\n")),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn the_last_checkpoint_says_how_far_the_input_was_read() {
    let scenario = hostile();
    let list = inspect(&scenario, &["checkpoint", "list"], &["--format", "json"]).expect_success();
    let checkpoints = json_lines(&list.stdout);
    let last = &checkpoints[0];
    assert_eq!(last["complete"], true);
    let (_, partition) = last["sources"]["records"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let length = scenario.input().metadata().unwrap().len();
    assert_eq!(partition["position"]["offset"], length);
    let text = inspect(&scenario, &["checkpoint", "list"], &["--limit", "1"]).expect_success();
    assert!(text.stdout.contains("complete") && text.stdout.contains("end of input"));
}

#[test]
fn a_pipeline_can_be_looked_at_while_it_runs() {
    let lines = Generator::new(22, Traffic::Hostile).lines(300_000);
    let scenario = Scenario::new(&lines).with(|pipeline| pipeline.checkpoint_every(20));
    let mut host = scenario.pipeline().start().unwrap();
    let seen = host
        .wait_until(|_| {
            let list = inspect(&scenario, &["dlq", "list"], &["--limit", "1"]);
            list.code() == Some(0) && list.stdout.contains("parse")
        })
        .unwrap();
    assert!(seen && host.is_running().unwrap());
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let scenario = hostile();
    let manifest = repository().join("examples/data-actions/embedded.toml");
    let mut listing = Command::new(binary("jackfield"))
        .args(["dlq", "list", "--format", "json"])
        .arg(manifest)
        .env("JACKFIELD_DATA", scenario.pipeline().folder())
        .env("JACKFIELD_INPUT", scenario.input())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(listing.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let mut problem = String::new();
    listing
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut problem)
        .unwrap();
    assert_eq!(
        (listing.wait().unwrap().code(), problem),
        (Some(0), String::new())
    );
    assert!(line.starts_with("{\"id\":1,"), "{line}");
}

#[test]
fn the_summary_counts_what_the_run_itself_has_done() {
    let scenario = Scenario::new(&Generator::new(23, Traffic::Plain).lines(300_000))
        .with(|pipeline| pipeline.with_json_log().checkpoint_every(20));
    let mut host = scenario.pipeline().start().unwrap();
    let begun = |_: &_| {
        let list = inspect(&scenario, &["checkpoint", "list"], &["--format", "json"]);
        json_lines(&list.stdout)
            .iter()
            .any(|checkpoint| checkpoint["totals"]["records"].as_u64() > Some(0))
    };
    assert!(host.wait_until(begun).unwrap());
    host.terminate().unwrap();
    let stopped = summary(&host.wait().unwrap().expect_success());
    assert_eq!(stopped["ending"], "stopped");

    let completed = summary(&scenario.pipeline().run().unwrap().expect_success());
    assert_eq!(completed["ending"], "complete");
    let records = |summary: &Value| summary["records"].as_u64().unwrap();
    assert_eq!(records(&stopped) + records(&completed), 300_000);
    let stages = completed["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 4);
    assert!(
        stages
            .iter()
            .all(|stage| stage["cpu_nanos"].as_u64() > Some(0))
    );

    let again = summary(&scenario.pipeline().run().unwrap().expect_success());
    assert_eq!(
        (again["ending"].as_str(), records(&again)),
        (Some("already-complete"), 0)
    );
}

#[test]
fn a_plugin_says_what_it_reads_writes_and_can_be_told() {
    let plugin = repository().join("target/plugins/detect-callbacks.wasm");
    let plugin = plugin.to_str().unwrap();
    let text = String::from_utf8(jackfield(&["plugin", "inspect", plugin]).stdout).unwrap();
    for fact in [
        "customers (keyed)",
        "alerts",
        "failures: integer from 1",
        "jackfield:plugin/log@",
    ] {
        assert!(text.contains(fact), "{fact}\n{text}");
    }
    let json = jackfield(&["plugin", "inspect", plugin, "--format", "json"]).stdout;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["inputs"][0]["name"], "customers");
    assert!(json["configuration"]["properties"]["within"].is_object());
}

#[test]
fn a_code_is_explained_and_one_that_is_not_known_is_an_error() {
    let explained = jackfield(&["explain", "jf-2101"]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(text.starts_with("JF-2101: a plugin trapped\n"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_eq!(jackfield(&["explain", "JF-0000"]).status.code(), Some(2));
    let all = String::from_utf8(jackfield(&["explain"]).stdout).unwrap();
    assert!(all.contains("JF-1001") && all.contains("JF-8001"), "{all}");
}
