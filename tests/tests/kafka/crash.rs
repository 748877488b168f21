//! Hosts and brokers that crash, stand still and come back.

use std::time::Duration;

use jackfield_tests::services::Kafka;
use tempfile::TempDir;

use super::scenario::Scenario;

/// Slow enough to be caught in the middle.
const LIMITED: &str = "rate-limit = { records-per-second = 2000, burst = 100 }";

/// A broker for one test alone, and a pipeline from topic to topic.
struct Own {
    _folder: TempDir,
    kafka: Kafka,
}

impl Own {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let kafka = Kafka::start(folder.path()).unwrap();
        Self {
            _folder: folder,
            kafka,
        }
    }
}

#[test]
fn a_broker_that_crashes_and_comes_back_is_waited_for() {
    let own = Own::start();
    let scenario =
        Scenario::new(&own.kafka, 2).source(&format!("end = \"end-of-topic\"\n{LIMITED}"));
    scenario.feed(0..6000);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(500)).unwrap());
    own.kafka.kill().unwrap();
    let waits = |_: &_| scenario.log().contains("waiting: the brokers of `cluster`");
    assert!(host.wait_until(waits).unwrap());
    own.kafka.restart().unwrap();
    host.wait().unwrap().expect_success();
    scenario.assert_each_once(0..6000);
}

#[test]
fn an_outage_longer_than_a_transaction_may_last_costs_nothing() {
    let own = Own::start();
    let scenario = Scenario::new(&own.kafka, 1)
        .source(&format!("end = \"end-of-topic\"\n{LIMITED}"))
        .connection("transaction-timeout = \"2s\"");
    scenario.feed(0..6000);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(500)).unwrap());
    own.kafka.suspend().unwrap();
    let suspended = host.age();
    let long =
        |host: &jackfield_tests::harness::Host| host.age() > suspended + Duration::from_secs(6);
    assert!(host.wait_until(long).unwrap());
    own.kafka.resume().unwrap();
    host.wait().unwrap().expect_success();
    scenario.assert_each_once(0..6000);
}

#[test]
fn a_pipeline_whose_broker_is_away_can_be_stopped() {
    let own = Own::start();
    let scenario = Scenario::new(&own.kafka, 1).source(LIMITED);
    scenario.feed(0..6000);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(500)).unwrap());
    own.kafka.kill().unwrap();
    let waits = |_: &_| scenario.log().contains("waiting: the brokers of `cluster`");
    assert!(host.wait_until(waits).unwrap());
    host.terminate().unwrap();
    // What is in flight cannot be finished without the broker; to be told once more means not to wait for it.
    let told = host.age();
    let later =
        |host: &jackfield_tests::harness::Host| host.age() > told + Duration::from_millis(500);
    assert!(host.wait_until(later).unwrap());
    host.terminate().unwrap();
    let stopped = host.age();
    let ended = host.wait().unwrap();
    assert!(ended.code().is_some());
    assert!(
        ended.wall < stopped + Duration::from_secs(8),
        "{:?}",
        ended.wall - stopped
    );
}

#[test]
fn a_pipeline_whose_broker_never_came_is_stopped_at_once() {
    let own = Own::start();
    let scenario = Scenario::new(&own.kafka, 1);
    own.kafka.kill().unwrap();
    let mut host = scenario.start();
    let waits = |_: &_| scenario.log().contains("waiting: the brokers of `cluster`");
    assert!(host.wait_until(waits).unwrap());
    host.terminate().unwrap();
    let stopped = host.age();
    let ended = host.wait().unwrap().expect_success();
    let took = ended.wall - stopped;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// The broker stands still while the transaction of a checkpoint is committed, and the host is killed: then only the broker knows.
#[test]
fn an_epoch_that_nobody_knows_of_is_not_guessed() {
    let own = Own::start();
    let scenario = Scenario::new(&own.kafka, 1).source("");
    scenario.feed(0..500);
    let mut host = scenario.start();
    assert!(host.wait_until(|_| scenario.has_rows(500)).unwrap());
    own.kafka.suspend().unwrap();
    assert!(host.wait_until(|_| scenario.has_undecided()).unwrap());
    host.kill().unwrap();
    own.kafka.resume().unwrap();
    let group = format!("jackfield-{}", scenario.name);
    own.kafka.delete_group(&group).unwrap();

    let refused = scenario.run();
    assert!(refused.stderr.contains("JF-7035"), "{}", refused.stderr);
    let settle = ["checkpoint", "settle"];
    let settled = scenario
        .pipeline()
        .run_command(&settle, &["--not-committed"]);
    let settled = settled.unwrap().expect_success();
    assert!(settled.stdout.contains("is undone"), "{}", settled.stdout);
    let again = scenario
        .pipeline()
        .run_command(&settle, &["--committed"])
        .unwrap();
    assert!(again.stderr.contains("JF-8001"), "{}", again.stderr);

    scenario.feed(500..700);
    let scenario = scenario.source("end = \"end-of-topic\"");
    scenario.run().expect_success();
    scenario.assert_each_once(0..700);
}

#[test]
fn a_host_that_stood_still_while_another_took_over_writes_nothing_more() {
    let scenario =
        Scenario::new(Kafka::shared(), 1).source(&format!("end = \"end-of-topic\"\n{LIMITED}"));
    scenario.feed(0..6000);
    let mut zombie = scenario.start();
    assert!(zombie.wait_until(|_| scenario.has_rows(500)).unwrap());
    zombie.suspend().unwrap();
    let successor = scenario.copy();
    successor.run().expect_success();
    zombie.resume().unwrap();
    let fenced = zombie.wait().unwrap();
    assert!(fenced.stderr.contains("JF-6010"), "{}", fenced.stderr);
    successor.assert_each_once(0..6000);
}

#[test]
fn hosts_that_are_killed_at_any_moment_lose_and_double_nothing() {
    let scenario =
        Scenario::new(Kafka::shared(), 2).source(&format!("end = \"end-of-topic\"\n{LIMITED}"));
    scenario.feed(0..10_000);
    for kill in 1..=8 {
        let mut host = scenario.start();
        let reached = 1000 * kill;
        assert!(host.wait_until(|_| scenario.has_rows(reached)).unwrap());
        host.kill().unwrap();
    }
    scenario.run().expect_success();
    scenario.assert_each_once(0..10_000);
}
