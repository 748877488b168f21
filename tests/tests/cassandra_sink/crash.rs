//! Crashes of the node and of the host.

use std::fs;
use std::net::TcpListener;

use jackfield_tests::harness::{Host, Pipeline};
use jackfield_tests::random::Xorshift;
use jackfield_tests::services::Cassandra;
use serde_json::json;
use tempfile::tempdir;

use crate::scenario::{READINGS, Scenario, assert_rows, readings};

const RECORDS: u64 = 6_000;

fn says(scenario: &Scenario, words: &str) -> bool {
    let log = fs::read_to_string(scenario.folder().join("log.stderr"));
    log.is_ok_and(|log| log.contains(words))
}

fn written(cassandra: &Cassandra, scenario: &Scenario) -> usize {
    cassandra
        .rows(&scenario.table())
        .map_or(0, |rows| rows.len())
}

const SLOWLY: &str = "sources.records.rate-limit={ records-per-second = 2000, burst = 100 }";

fn slowly(scenario: &Scenario) -> Host {
    scenario.pipeline().set(SLOWLY).start().unwrap()
}

#[test]
fn a_node_that_went_down_is_waited_for() {
    let folder = tempdir().unwrap();
    let cassandra = Cassandra::start(folder.path()).unwrap();
    let scenario = Scenario::new(&cassandra, "outage", &readings(RECORDS));
    let mut host = slowly(&scenario);
    assert!(
        host.wait_until(|_| written(&cassandra, &scenario) > 500)
            .unwrap()
    );

    cassandra.kill().unwrap();
    let waiting = "waiting: the nodes of `tables` do not answer";
    assert!(host.wait_until(|_| says(&scenario, waiting)).unwrap());
    cassandra.restart().unwrap();

    host.wait().unwrap().expect_success();
    assert!(says(&scenario, "no longer waiting"));
    assert_rows(&cassandra, &scenario.table(), &readings(RECORDS));
}

#[test]
fn a_node_that_never_says_anything_is_waited_for_until_the_host_is_told_to_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = format!(
        "nodes = [\"{}\"]\ntimeout = \"200ms\"",
        silent.local_addr().unwrap()
    );
    let scenario =
        Scenario::new(Cassandra::shared(), "never", &readings(10)).connection(&connection);
    let mut host = scenario.pipeline().start().unwrap();
    let waiting = "waiting: the nodes of `tables` do not answer";
    assert!(host.wait_until(|_| says(&scenario, waiting)).unwrap());
    // Once to finish what is in flight, twice not to wait for it.
    host.terminate().unwrap();
    assert!(
        host.wait_until(|_| says(&scenario, "once more to stop at once"))
            .unwrap()
    );
    host.terminate().unwrap();
    host.wait().unwrap();
}

#[test]
fn a_host_that_is_killed_again_and_again_leaves_every_row_as_it_is_to_be() {
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "kills", &readings(RECORDS));
    let mut random = Xorshift::new(1);
    for _ in 0..6 {
        let mut host = slowly(&scenario);
        let life = std::time::Duration::from_millis(300 + random.below(500));
        host.wait_until(|host| host.age() > life).unwrap();
        host.kill().unwrap();
    }
    scenario.run().expect_success();
    assert_rows(cassandra, &scenario.table(), &readings(RECORDS));
}

/// The state of a host that stands still in the middle of an epoch is taken over by another, which writes other values to the same rows. Then the first one
/// wakes up and writes the rest of its epoch.
#[test]
fn what_a_host_given_up_for_dead_writes_late_changes_nothing() {
    let cassandra = Cassandra::shared();
    let one_epoch = |pipeline: Pipeline| pipeline.set("checkpoint.interval=10m");
    let scenario = Scenario::new(cassandra, "zombie", &readings(RECORDS)).sink(&format!(
        "{READINGS}\ncreate-tables = true\nflush-interval = \"50ms\""
    ));
    let mut zombie = one_epoch(scenario.pipeline().set(SLOWLY)).start().unwrap();
    let has_begun = |_: &Host| written(cassandra, &scenario) > 500;
    assert!(zombie.wait_until(has_begun).unwrap());
    zombie.suspend().unwrap();

    let other_values = READINGS.replace("\"int\"", "{ field = \"at\", type = \"int\" }");
    let successor = Scenario::new(cassandra, "zombie", &[]).sink(&other_values);
    for name in ["readings.db", "readings.db-wal"] {
        fs::copy(scenario.folder().join(name), successor.folder().join(name)).unwrap();
    }
    let input = scenario.folder().join("records.jsonl");
    let finished = one_epoch(successor.pipeline().inputs(&[input])).run();
    finished.unwrap().expect_success();
    zombie.resume().unwrap();
    zombie.wait().unwrap().expect_success();

    let of_the_successor: Vec<_> = readings(RECORDS)
        .into_iter()
        .map(|row| json!({ "sensor": row["sensor"], "at": row["at"], "value": row["at"] }))
        .collect();
    assert_rows(cassandra, &scenario.table(), &of_the_successor);
}
