//! Crashes of the node and of the host.

use std::fs;

use jackfield_tests::harness::Host;
use jackfield_tests::random::Xorshift;
use jackfield_tests::services::Cassandra;
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

fn slowly(scenario: &Scenario) -> Host {
    let limit = "sources.records.rate-limit={ records-per-second = 2000, burst = 100 }";
    scenario.pipeline().set(limit).start().unwrap()
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
fn a_node_that_was_never_there_is_waited_for_until_the_host_is_told_to_stop() {
    let folder = tempdir().unwrap();
    let cassandra = Cassandra::start(folder.path()).unwrap();
    cassandra.stop().unwrap();
    let scenario = Scenario::new(&cassandra, "never", &readings(10));
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
    assert_rows(&cassandra, &scenario.table(), &readings(RECORDS));
}

/// The state of a host that stands still is taken over by another, which writes other values to the same rows. Then the first one wakes up.
#[test]
fn what_a_host_given_up_for_dead_writes_late_changes_nothing() {
    let cassandra = Cassandra::shared();
    let scenario = Scenario::new(cassandra, "zombie", &readings(RECORDS));
    let mut zombie = slowly(&scenario);
    assert!(
        zombie
            .wait_until(|_| written(cassandra, &scenario) > 500)
            .unwrap()
    );
    zombie.suspend().unwrap();

    let successor = Scenario::new(cassandra, "zombie", &readings(RECORDS)).sink(&READINGS.replace(
        "value = \"int\"",
        "value = { field = \"at\", type = \"int\" }",
    ));
    for name in ["readings.db", "readings.db-wal"] {
        fs::copy(scenario.folder().join(name), successor.folder().join(name)).unwrap();
    }
    let input = scenario.folder().join("records.jsonl");
    let successor = successor.pipeline().inputs(&[input]);
    successor.run().unwrap().expect_success();
    zombie.resume().unwrap();
    zombie.wait().unwrap().expect_success();

    let rows = cassandra.rows(&scenario.table()).unwrap();
    let late: Vec<_> = rows
        .iter()
        .filter(|row| row["value"] != row["at"])
        .collect();
    let before = late
        .iter()
        .filter_map(|row| row["at"].as_u64())
        .max()
        .unwrap();
    // Only what the first had committed before it stood still is its own.
    assert_eq!(late.len() as u64, before + 1, "{late:?}");
}
