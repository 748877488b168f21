//! Records posted to a service that is not always well, by a host that is not always there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "webhook/service.rs"]
mod service;

use std::fs;

use jackfield_tests::harness::{Host, Pipeline, repository};
use serde_json::Value;
use service::{Manner, Service};
use tempfile::TempDir;

struct Scenario {
    service: Service,
    records: usize,
    pipeline: Pipeline,
    folder: TempDir,
}

impl Scenario {
    /// So many records go from a file to the service, the sink with more options.
    fn new(records: usize, options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let service = Service::start();
        let lines: String = (0..records).map(|number| record(number) + "\n").collect();
        fs::write(folder.path().join("input.jsonl"), lines).unwrap();
        let manifest = format!(
            r#"
            [pipeline]
            name = "orders"
            [checkpoint]
            path = "orders.db"
            interval = "20ms"
            minimum-pause = "0s"
            [connections.bi]
            base-url = "{url}/hooks"
            timeout = "500ms"
            retry = {{ tries = 1, first-wait = "10ms" }}
            methods = ["GET"]
            [sources.lines]
            type = "file"
            paths = ["input.jsonl"]
            [stages.keyed]
            plugin = {plugin:?}
            inputs.records = "lines"
            configuration.key = "record.shop"
            [sinks.orders]
            type = "webhook"
            from = "keyed.keyed"
            connection = "bi"
            path = "/orders"
            headers = {{ X-Source = "jackfield" }}
            {options}
            "#,
            url = service.url(),
            plugin = repository().join("target/plugins/key-records.wasm"),
        );
        let path = folder.path().join("pipeline.toml");
        fs::write(&path, manifest).unwrap();
        Self {
            service,
            records,
            pipeline: Pipeline::new(path, folder.path().join("data")),
            folder,
        }
    }

    fn run(&self) {
        self.pipeline.run().unwrap().expect_success();
    }

    /// The host at work, when `condition` holds.
    fn host(&self, condition: impl FnMut(&Host) -> bool) -> Host {
        let mut host = self.pipeline.start().unwrap();
        let holds = host.wait_until(condition).unwrap();
        assert!(holds, "{}", host.wait().unwrap().stderr);
        host
    }

    fn command(&self, words: &[&str], arguments: &[&str]) -> Vec<Value> {
        let said = self.pipeline.run_command(words, arguments).unwrap();
        let lines = said.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn letters(&self) -> Vec<Value> {
        self.command(&["dlq", "list"], &["--format", "json"])
    }

    /// What is told of the sink while the host runs.
    fn sink(&self) -> Option<Value> {
        let status = self.command(&["status"], &["--format", "json"]).pop()?;
        Some(status["tasks"][0]["sinks"][0].clone())
    }

    fn assert_all_taken(&self) {
        let expected: Vec<String> = (0..self.records).map(record).collect();
        assert_eq!(self.service.taken(), expected);
    }
}

fn record(number: usize) -> String {
    format!(r#"{{"number":{number},"shop":"shop-{}"}}"#, number % 3)
}

#[test]
fn records_are_posted_as_they_are_in_their_order_with_a_key_each() {
    let scenario = Scenario::new(300, "");
    scenario.run();
    scenario.assert_all_taken();
    assert_eq!(scenario.service.requests(), 300);
    let header = |name| scenario.service.header(name);
    assert_eq!(header("content-type").unwrap(), "application/json");
    assert_eq!(header("x-source").unwrap(), "jackfield");
    let key = header("idempotency-key").unwrap();
    assert!(
        key.starts_with("orders/orders/") && key.ends_with("/300"),
        "{key}"
    );
}

#[test]
fn a_service_that_fails_in_every_way_takes_each_record_once_by_its_key() {
    use Manner::{LeaveAlone, Status, Take, TakeAndCut, TakeSlowly};
    let scenario = Scenario::new(12, "");
    scenario.service.next([
        LeaveAlone,
        Take,
        Status(500),
        Status(503),
        Take,
        TakeAndCut,
        Take,
        TakeSlowly,
        Take,
        Status(408),
        Status(425),
        Status(429),
    ]);
    scenario.run();
    scenario.assert_all_taken();
    assert!(scenario.letters().is_empty());
}

#[test]
fn a_record_that_is_refused_for_good_is_set_aside_and_the_next_is_posted() {
    let scenario = Scenario::new(3, "");
    scenario
        .service
        .next([Manner::Take, Manner::Status(400), Manner::Take]);
    scenario.run();
    assert_eq!(scenario.service.taken(), [record(0), record(2)]);
    let letters = scenario.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["code"], "webhook-refused");
    let message = letters[0]["message"].as_str().unwrap();
    assert!(
        message.contains("400") && message.contains("as the test wants"),
        "{message}"
    );
    // To replay it is to put it into the outbox again, for the next run.
    let replayed = scenario.pipeline.run_command(&["dlq", "replay"], &[]);
    replayed.unwrap().expect_success();
    assert_eq!(scenario.service.taken().len(), 2);
    scenario.run();
    assert_eq!(scenario.service.taken(), [record(0), record(2), record(1)]);
    assert!(scenario.letters().is_empty());
}

#[test]
fn a_record_that_is_not_taken_for_long_is_given_up() {
    let scenario = Scenario::new(2, "give-up-after = \"1s\"");
    scenario.service.usually(Manner::Status(503));
    scenario.run();
    let letters = scenario.letters();
    assert_eq!(letters.len(), 2, "{letters:?}");
    let message = letters[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("it was tried for 1s") && message.contains("503"),
        "{message}"
    );
    assert!(scenario.service.requests() > 2, "it was tried again");
}

#[test]
fn a_host_that_is_killed_at_any_moment_loses_nothing() {
    let scenario = Scenario::new(400, "");
    let mut faults = [
        Manner::Take,
        Manner::Take,
        Manner::TakeAndCut,
        Manner::Take,
        Manner::Status(502),
    ]
    .into_iter()
    .cycle();
    scenario.service.next(faults.by_ref().take(300));
    for kill in 1..=5 {
        let enough = scenario.service.requests() + kill * 11;
        // What is on its way when the host is killed is taken all the same.
        scenario.service.hold_from(enough);
        let host = scenario.host(|_| scenario.service.requests() >= enough);
        host.kill().unwrap();
        scenario.service.let_go();
    }
    scenario.run();
    scenario.assert_all_taken();
    assert!(scenario.letters().is_empty());
}

#[test]
fn a_host_that_is_told_to_stop_does_not_wait_for_a_service_that_is_away() {
    let scenario = Scenario::new(50, "maximum-pending = 10");
    scenario.service.usually(Manner::Status(503));
    let waits = |_: &Host| {
        let reason = |sink: Value| Some(sink["waits_for"].as_str()?.contains("503"));
        scenario.sink().and_then(reason).unwrap_or(false)
    };
    let host = scenario.host(waits);
    let sink = scenario.sink().unwrap();
    assert_eq!(sink["pending"], 50, "{sink}");
    assert!(sink["oldest_pending_seconds"].is_number(), "{sink}");
    assert!(
        sink["last_error"].as_str().unwrap().contains("503"),
        "{sink}"
    );
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    assert!(scenario.service.taken().is_empty());
    scenario.service.usually(Manner::Take);
    scenario.run();
    scenario.assert_all_taken();
}

#[test]
fn the_pipeline_waits_while_too_much_is_not_delivered() {
    let scenario = Scenario::new(
        40_000,
        "maximum-pending = 10\nmaximum-requests-in-flight = 64",
    );
    scenario.service.hold_from(1);
    let waits = |_: &Host| {
        let status = scenario
            .command(&["status"], &["--format", "json"])
            .pop()
            .unwrap_or_default();
        let waits = status["tasks"][0]["waits"].as_array().cloned();
        let full = |wait: &Value| wait["part"] == "outbox of orders";
        waits.unwrap_or_default().iter().any(full)
    };
    let host = scenario.host(waits);
    let pending = scenario.sink().unwrap()["pending"].as_u64().unwrap();
    assert!(pending < 40_000, "{pending} were taken of 40,000");
    host.terminate().unwrap();
    scenario.service.let_go();
    host.wait().unwrap().expect_success();
}

#[test]
fn a_sink_that_still_owes_records_cannot_be_taken_out_of_the_manifest() {
    let scenario = Scenario::new(5, "");
    scenario.service.usually(Manner::Status(503));
    let host = scenario.host(|_| scenario.service.requests() > 0);
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    let manifest = scenario.folder.path().join("pipeline.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("[sinks.orders]", "[sinks.others]")).unwrap();
    let refused = scenario.pipeline.run().unwrap();
    assert!(
        refused.stderr.contains("JF-5003") && refused.stderr.contains("still to deliver 5"),
        "{}",
        refused.stderr
    );
}
