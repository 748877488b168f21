//! What happens when a run ends before its input does, and what a run refuses to build on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::path::Path;

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Host};
use jackfield_tests::scenario::Scenario;

/// Enough for the host to be busy for many times the checkpoint interval.
const RECORDS: u64 = 300_000;

fn long_scenario() -> Scenario {
    Scenario::new(&Generator::new(11, Traffic::Hostile).lines(RECORDS))
        .with(|pipeline| pipeline.checkpoint_every(10))
}

/// A host that has committed a part of its work and is not done yet.
fn busy_host(scenario: &Scenario) -> Host {
    // The first checkpoint is of the beginning.
    let before = last_epoch(scenario).unwrap_or(0);
    let mut host = scenario.pipeline().start().unwrap();
    let committed = |_: &Host| last_epoch(scenario).is_some_and(|epoch| epoch >= before + 3);
    assert!(
        host.wait_until(committed).unwrap(),
        "the host ended early\n{}",
        host.wait().unwrap().stderr
    );
    host
}

/// A pipeline whose host was killed in the middle of its work.
fn killed_scenario() -> Scenario {
    let scenario = long_scenario();
    let killed = busy_host(&scenario).kill().unwrap();
    assert_eq!(killed.code(), None, "the host was faster than the signal");
    scenario
}

fn last_epoch(scenario: &Scenario) -> Option<i64> {
    let database = scenario.observation().open_database().ok()?;
    database
        .query_row("SELECT max(epoch) FROM jackfield_checkpoints", [], |row| {
            row.get(0)
        })
        .ok()?
}

fn finished_scenario() -> Scenario {
    let scenario = Scenario::new(&Generator::new(12, Traffic::Hostile).lines(20_000));
    scenario.run();
    scenario
}

fn assert_refused(finished: &Finished, code: &str) {
    assert!(!finished.status.success(), "the run was not refused");
    assert!(
        finished.code().is_some(),
        "the host did not end by itself: {}",
        finished.status
    );
    assert!(
        finished.stderr.contains(code),
        "{code} is not in\n{}{}",
        finished.stdout,
        finished.stderr
    );
}

/// The bytes of every file that a run leaves.
fn contents(scenario: &Scenario) -> [Vec<u8>; 2] {
    [
        scenario.observation().database(),
        scenario.observation().enriched(),
    ]
    .map(|path| fs::read(path).unwrap())
}

fn overwrite(path: &Path, bytes: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_run_that_was_killed_goes_on_from_its_checkpoint() {
    let scenario = killed_scenario();
    let before = last_epoch(&scenario).unwrap();
    scenario.run();
    scenario.assert_model_output();
    assert!(last_epoch(&scenario).unwrap() > before);
}

#[test]
fn a_run_that_was_killed_may_go_on_with_more_instances() {
    let scenario = killed_scenario().with(|pipeline| pipeline.set("pipeline.parallelism=2"));
    scenario.run();
    scenario.assert_model_output();
}

/// A worker without anything to read holds nobody back, from the first record after a restart on: what was late stays late.
#[test]
fn records_are_late_after_a_restart_as_before_it() {
    let scenario = long_scenario().with(|pipeline| pipeline.set("pipeline.parallelism=32"));
    for _ in 0..10 {
        let killed = busy_host(&scenario).kill().unwrap();
        assert_eq!(killed.code(), None, "the host was faster than the signal");
    }
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn sigterm_drains_and_commits_and_the_next_run_goes_on() {
    let scenario = long_scenario();
    let host = busy_host(&scenario);
    host.terminate().unwrap();
    let stopped = host.wait().unwrap();
    assert!(
        stopped.code().is_some(),
        "the host did not end by itself: {}",
        stopped.status
    );
    let before = scenario.tables();
    let enriched = &before[2].rows;
    assert!(
        !enriched.is_empty() && (enriched.len() as u64) < RECORDS / 2,
        "{} rows are no half-way house",
        enriched.len()
    );
    scenario.run();
    scenario.assert_model_output();
    assert!(
        scenario.tables()[2].rows.starts_with(enriched),
        "what was committed has changed"
    );
}

#[test]
fn a_second_run_of_a_finished_pipeline_changes_nothing() {
    let scenario = finished_scenario();
    let before = scenario.tables();
    scenario.run();
    assert_eq!(scenario.tables(), before);
}

#[test]
fn lines_behind_the_last_checkpoint_are_cut_off() {
    let scenario = killed_scenario();
    let path = scenario.observation().enriched();
    let mut file = fs::File::options().append(true).open(path).unwrap();
    file.write_all(b"{\"interactionId\":\"never committed\"}\n{")
        .unwrap();
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn a_second_host_on_the_same_folder_is_refused() {
    let scenario = long_scenario();
    let first = busy_host(&scenario);
    assert_refused(&scenario.run_to_any_end(), "JF-5004");
    first.kill().unwrap();
}

#[test]
fn a_database_that_is_not_one_is_refused_and_left_alone() {
    let scenario = finished_scenario();
    overwrite(
        &scenario.observation().database(),
        b"this is no database, and it is somebody's",
    );
    let before = contents(&scenario);
    assert_refused(&scenario.run_to_any_end(), "JF-5002");
    assert!(contents(&scenario) == before, "the file was touched");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let scenario = finished_scenario();
    let path = scenario.observation().database();
    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE notes (text)")
        .unwrap();
    let before = contents(&scenario);
    assert_refused(&scenario.run_to_any_end(), "JF-5002");
    assert!(contents(&scenario) == before, "the file was touched");
}

#[test]
fn a_truncated_database_is_refused() {
    let scenario = finished_scenario();
    let path = scenario.observation().database();
    let bytes = fs::read(&path).unwrap();
    overwrite(&path, &bytes[..bytes.len() / 2]);
    assert_refused(&scenario.run_to_any_end(), "JF-500");
}

#[test]
fn a_database_with_a_changed_checkpoint_is_refused() {
    let scenario = finished_scenario();
    let database = rusqlite::Connection::open(scenario.observation().database()).unwrap();
    let changed = database
        .execute(
            "UPDATE jackfield_checkpoints SET body = replace(body, '1', '2')",
            [],
        )
        .unwrap();
    assert!(changed > 0);
    drop(database);
    assert_refused(&scenario.run_to_any_end(), "JF-5001");
}

#[test]
fn a_database_with_changed_state_is_refused() {
    let scenario = killed_scenario();
    let database = rusqlite::Connection::open(scenario.observation().database()).unwrap();
    let changed = database
        .execute(
            "UPDATE jackfield_state SET value = CAST(value || x'00' AS BLOB)",
            [],
        )
        .unwrap();
    assert!(changed > 0, "no state was in the checkpoint");
    drop(database);
    assert_refused(&scenario.run_to_any_end(), "JF-5001");
}

#[test]
fn an_input_that_was_changed_between_runs_is_refused() {
    let scenario = killed_scenario();
    fs::write(
        scenario.input(),
        Generator::new(13, Traffic::Plain).lines(RECORDS),
    )
    .unwrap();
    assert_refused(&scenario.run_to_any_end(), "JF-3002");
}

#[test]
fn an_output_file_shorter_than_its_checkpoint_is_refused() {
    let scenario = killed_scenario();
    let path = scenario.observation().enriched();
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(1000)
        .unwrap();
    assert_refused(&scenario.run_to_any_end(), "JF-6004");
}

#[test]
fn an_input_that_is_missing_is_refused() {
    let scenario = finished_scenario();
    let missing = scenario.input().with_file_name("missing.jsonl");
    let refused = scenario
        .with(|pipeline| pipeline.input(&missing))
        .run_to_any_end();
    assert_refused(&refused, "JF-3001");
}
