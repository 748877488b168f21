//! How streams end that do not come to their last record, and who is not let in.

use cxone_simulator::Fault;
use jackfield_tests::systems::StreamClient;
use serde_json::{Value, json};

use crate::scenario::{Scenario, failure, too_many};
use crate::{EXPORTS, RECORDS, attached, connect, start, start_with, stream, with};

/// Field and code of each problem that a client is told of.
fn told(message: &Value) -> Vec<(&str, &str)> {
    let problems = message["error"]["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| {
            (
                problem["field"].as_str().unwrap(),
                problem["code"].as_str().unwrap(),
            )
        })
        .collect()
}

/// What breaks a rule, the field that does, and the code of the rule.
fn broken_rules() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (
            json!({ "chunk_size_matrix": [5_000, 0] }),
            "chunk_size_matrix[1]",
            "out-of-range",
        ),
        (
            json!({ "chunk_size_matrix": [10_001] }),
            "chunk_size_matrix[0]",
            "out-of-range",
        ),
        (
            json!({ "chunk_size_matrix": [] }),
            "chunk_size_matrix",
            "empty",
        ),
        (
            json!({ "chunk_size_matrix": null }),
            "chunk_size_matrix",
            "missing",
        ),
        (
            json!({ "compression_format": "zstd" }),
            "compression_format",
            "unknown-variant",
        ),
        (
            json!({ "compression_format": null }),
            "compression_format",
            "missing",
        ),
        (
            json!({ "max_payload_size": 10_485_761 }),
            "max_payload_size",
            "out-of-range",
        ),
        (
            json!({ "max_payload_size": 0 }),
            "max_payload_size",
            "out-of-range",
        ),
        (
            json!({ "export_job_id": "../users" }),
            "export_job_id",
            "malformed-identifier",
        ),
        (
            json!({ "drift_polcy": "warn" }),
            "drift_polcy",
            "unknown-field",
        ),
        (
            json!({ "export_job_id": "", "resume_offset": 5 }),
            "resume_offset",
            "contradiction",
        ),
        (json!({ "report_id": "r" }), "report_id", "contradiction"),
    ]
}

#[test]
fn a_payload_that_breaks_a_rule_is_refused_with_all_that_is_wrong() {
    let scenario = start();
    for (members, field, code) in broken_rules() {
        let (messages, (closed, reason)) = stream(&scenario, &with(&members));
        assert_eq!(
            (told(&messages[0]), closed),
            (vec![(field, code)], 1003),
            "{members}"
        );
        assert!(!reason.is_empty());
    }
    assert_eq!(scenario.simulator().request_count(), 0);
}

#[test]
fn several_mistakes_are_told_at_once() {
    let scenario = start();
    let (messages, _) = stream(
        &scenario,
        &json!({ "chunk_size_matrix": [0, 1, 0], "colour": 1 }),
    );
    let expected = [
        ("colour", "unknown-field"),
        ("chunk_size_matrix[0]", "out-of-range"),
        ("chunk_size_matrix[2]", "out-of-range"),
        ("compression_format", "missing"),
        ("max_payload_size", "missing"),
    ];
    assert_eq!(told(&messages[0]), expected);
}

#[test]
fn what_is_no_payload_at_all_ends_with_a_code_of_its_own() {
    let scenario = start();
    let said = |text: &str| {
        let mut client = connect(&scenario, "/stream");
        client.say_text(text).unwrap();
        client.hear_all().unwrap().1
    };
    assert_eq!(said("{").0, 1002);
    assert_eq!(said("[]").0, 1003);
    let long = format!("\"{}\"", "x".repeat(64 * 1024));
    assert_eq!(said(&long), (1009, "the message is too large".into()));
}

#[test]
fn a_record_that_fits_into_no_message_is_named() {
    let scenario = start();
    let asked = with(&json!({ "compression_format": "none", "max_payload_size": 400 }));
    let (messages, (code, reason)) = stream(&scenario, &asked);
    assert_eq!(code, 1011);
    let error = messages
        .iter()
        .find(|message| message.get("offset").is_some() && message.get("error").is_some());
    let error = error.unwrap();
    assert_eq!(error["error"]["code"], "record-too-large");
    assert_eq!(error["error"]["max_payload_size"], 400);
    let bytes = error["error"]["bytes"].as_u64().unwrap();
    assert!(
        bytes > 400
            && reason.starts_with(&format!(
                "record {} makes a message of {bytes} bytes",
                error["offset"]
            ))
    );
}

#[test]
fn what_the_platform_cannot_do_is_told_with_its_code() {
    let scenario = start();
    let new = with(&json!({ "export_job_id": "" }));
    let absent = with(&json!({ "export_job_id": "export_none" }));
    let create = ("POST", EXPORTS);
    let cases = [
        (&absent, create, 0, Fault::Fail, "unknown-export", 404),
        (&new, create, 1, Fault::Fail, "export-failed", 502),
        (
            &new,
            create,
            3,
            Fault::status(500),
            "unexpected-status",
            502,
        ),
        (&new, create, 3, too_many(None), "rate-limited", 503),
        (
            &new,
            create,
            1,
            Fault::answer(201, r#"{"id": "a/b"}"#),
            "malformed-response",
            502,
        ),
        (
            &attached(),
            RECORDS,
            3,
            Fault::Malformed,
            "malformed-response",
            502,
        ),
        (
            &attached(),
            RECORDS,
            1,
            Fault::answer(200, "[7]"),
            "record-not-an-object",
            502,
        ),
    ];
    for (payload, at, times, fault, code, status) in cases {
        scenario.plan(at, times, fault);
        let (messages, (closed, _)) = stream(&scenario, payload);
        let document = json!({ "problem": messages.last().unwrap()["error"] });
        assert_eq!(
            (failure(&document), closed),
            ((code, status), 1011),
            "{messages:?}"
        );
    }
}

#[test]
fn an_export_that_is_never_ready_is_given_up() {
    let mut scenario = start_with(|pipeline| {
        pipeline
            .set("jobs.export.configuration.poll-interval=20ms")
            .set("jobs.export.configuration.ready-within=100ms")
    });
    scenario.plan(("POST", EXPORTS), 1, Fault::Stall);
    let (messages, (code, _)) = stream(&scenario, &with(&json!({ "export_job_id": "" })));
    assert_eq!(
        (&messages[1]["error"]["code"], code),
        (&json!("export-not-ready"), 1011)
    );
    scenario.stop();
    let audit = scenario.audit().unwrap();
    assert_eq!(audit.last().unwrap()["action"], "EXPORT_STREAM_FAILED");
    assert_eq!(
        scenario.lines("metrics.jsonl").unwrap()[0]["status"],
        "failed"
    );
}

/// Whether a client is let in, or with what status it is not.
fn refusal(scenario: &Scenario, headers: &[(&'static str, &str)]) -> Option<String> {
    let client = StreamClient::connect_with(scenario.address(), "/stream", headers);
    client.err().map(|error| error.to_string())
}

#[test]
fn pages_connect_only_from_where_they_may() {
    let scenario = start();
    assert_eq!(
        refusal(&scenario, &[("origin", "https://app.example.com")]),
        None
    );
    let other = refusal(&scenario, &[("origin", "https://evil.example.com")]);
    assert_eq!(other.unwrap(), "403 Forbidden");
    let answer = scenario.client.get("/stream").unwrap();
    assert_eq!(
        (answer.status, answer.header("upgrade")),
        (426, "websocket")
    );
}

#[test]
fn no_more_clients_are_let_in_than_there_is_room_for() {
    let scenario = start_with(|pipeline| pipeline.set("triggers.stream.maximum-clients=1"));
    let first = connect(&scenario, "/stream");
    assert_eq!(refusal(&scenario, &[]).unwrap(), "503 Service Unavailable");
    drop(first);
    let again = || match refusal(&scenario, &[]) {
        Some(refusal) => Err(std::io::Error::other(refusal)),
        None => Ok(()),
    };
    scenario.client.persist(again).unwrap();
}

#[test]
fn no_more_streams_are_begun_than_there_is_room_for() {
    let scenario = start_with(|pipeline| pipeline.set("jobs.export.queue=1"));
    let mut first = connect(&scenario, "/stream?acknowledge=true");
    first.say(&attached()).unwrap();
    first.hear().unwrap();
    let (_, ended) = stream(&scenario, &attached());
    assert_eq!(ended, (1013, "there is no room for another job now".into()));
}

/// The states of all jobs.
fn states(scenario: &Scenario) -> Vec<String> {
    let list = scenario
        .pipeline()
        .run_command(&["job", "list"], &["--format", "json"]);
    let list = list.unwrap().expect_success().stdout;
    let jobs = list
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    jobs.map(|job| job["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_client_that_leaves_for_good_ends_its_stream() {
    let scenario = start();
    let mut client = connect(&scenario, "/stream?acknowledge=true");
    // More messages than may be unacknowledged, so that the stream cannot end by itself.
    client
        .say(&with(&json!({ "chunk_size_matrix": [1] })))
        .unwrap();
    client.hear().unwrap();
    drop(client);
    let ended = || match states(&scenario) {
        states if states == ["cancelled"] => Ok(()),
        states => Err(std::io::Error::other(states.join(" "))),
    };
    scenario.client.persist(ended).unwrap();
}

#[test]
fn a_host_that_stops_says_goodbye() {
    let scenario = start();
    let mut client = connect(&scenario, "/stream?key=k1&acknowledge=true");
    client
        .say(&with(&json!({ "chunk_size_matrix": [1] })))
        .unwrap();
    client.hear().unwrap();
    scenario.terminate();
    let (_, ended) = client.hear_all().unwrap();
    assert_eq!(ended, (1001, "the host stops".into()));
}
