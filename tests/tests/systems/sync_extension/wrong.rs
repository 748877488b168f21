//! What is wrong with a request, and what is wrong with the platform.

use cxone_simulator::Fault;
use jackfield_tests::systems::SyncExtension;
use serde_json::{Value, json};

use super::{EVENTS, SCHEMA, SYNC, audit, start, start_with};
use crate::description::Description;
use crate::scenario::{failure, problems, too_many};

fn with(member: &str, value: Value) -> Value {
    let mut request = SyncExtension::request("profiles-0");
    match value {
        Value::Null => _ = request.as_object_mut().unwrap().remove(member),
        value => request[member] = value,
    }
    request
}

#[test]
fn what_is_wrong_with_a_request_is_told_before_anything_is_done() {
    let mut scenario = start();
    let description = Description::of(&scenario.client);
    let twice = json!(["customerId", { "source": "vip", "target": "customerId" }]);
    let cases = [
        ("extensionId", Value::Null, "extensionId", "missing"),
        (
            "extensionId",
            json!("../users"),
            "extensionId",
            "malformed-identifier",
        ),
        ("fieldMappings", Value::Null, "fieldMappings", "missing"),
        ("fieldMappings", json!([]), "fieldMappings", "empty"),
        (
            "fieldMappings",
            json!([7]),
            "fieldMappings[0]",
            "malformed-mapping",
        ),
        (
            "fieldMappings",
            twice,
            "fieldMappings[1]",
            "duplicate-mapping",
        ),
        (
            "sourceEndpoint",
            json!("ftp://a"),
            "sourceEndpoint",
            "malformed-url",
        ),
        (
            "webhookUrl",
            json!("http://a@b/"),
            "webhookUrl",
            "malformed-url",
        ),
        ("maxBatchSize", json!(0), "maxBatchSize", "out-of-range"),
        ("maxBatchSize", json!(5_001), "maxBatchSize", "out-of-range"),
        ("colour", json!("red"), "colour", "unknown-field"),
    ];
    for (member, value, field, code) in cases {
        let wrong = with(member, value).to_string();
        let answer = scenario.client.post("/sync", &wrong).unwrap();
        assert_eq!(answer.status, 400, "{wrong}");
        let expected = [(field.to_owned(), code.to_owned())];
        assert_eq!(problems(&answer), expected, "{wrong}");
        description.check("post", "/sync", &answer);
    }
    assert_eq!(scenario.simulator().request_count(), 0);
    scenario.stop();
    assert_eq!(scenario.audit().unwrap(), [Value::Null; 0]);
}

#[test]
fn mappings_that_do_not_agree_are_told_all_at_once_and_nothing_is_begun() {
    let scenario = start();
    let description = Description::of(&scenario.client);
    let mappings = json!([
        "fullName",
        { "source": "email", "target": "mail" },
        { "source": "vip", "target": "vip", "type": "string" },
        { "source": "lastContact", "target": "loyaltyPoints" },
        { "source": "since", "target": "lastContact" },
    ]);
    let answer = scenario
        .client
        .post("/sync", &with("fieldMappings", mappings).to_string())
        .unwrap();
    description.check("post", "/sync", &answer);
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["code"]),
        (400, &json!("schema-mismatch"))
    );
    let told = body["details"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|problem| {
            (
                problem["field"].as_str().unwrap(),
                problem["code"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("fieldMappings[1]", "unknown-target"),
        ("fieldMappings[2]", "wrong-type"),
        ("fieldMappings", "unmapped-key"),
        ("fieldMappings[3]", "wrong-type"),
        ("fieldMappings[4]", "unknown-source"),
    ];
    assert_eq!(told, expected);
    assert!(scenario.requests(SYNC).is_empty());
}

#[test]
fn what_does_not_pass_is_a_failure_with_its_code_and_an_audit_entry() {
    let mut scenario = start_with(|pipeline| {
        pipeline
            .set("jobs.sync.configuration.status-interval=100ms")
            .set("jobs.sync.configuration.callback-within=300ms")
    });
    let (none, odd) = (r#"{"fields": []}"#, r#"{"fields": 7}"#);
    let named = r#"{"syncJobId": "../users"}"#;
    let cases = [
        (SCHEMA, 1, Fault::status(404), "unknown-extension", 404),
        (SCHEMA, 1, Fault::answer(200, none), "malformed-schema", 502),
        (
            SCHEMA,
            3,
            Fault::answer(200, odd),
            "malformed-response",
            502,
        ),
        (SCHEMA, 1, Fault::status(403), "unexpected-status", 502),
        (SCHEMA, 3, Fault::Cut, "response-interrupted", 502),
        (SYNC, 3, too_many(None), "rate-limited", 503),
        (SYNC, 3, Fault::status(500), "unexpected-status", 502),
        (SYNC, 3, Fault::Malformed, "malformed-response", 502),
        (
            SYNC,
            1,
            Fault::answer(202, named),
            "malformed-response",
            502,
        ),
        (SYNC, 1, Fault::Fail, "sync-failed", 502),
        (SYNC, 1, Fault::Stall, "sync-timeout", 504),
    ];
    let request = SyncExtension::request("profiles-0").to_string();
    let mut expected = Vec::new();
    for (number, (at, times, fault, code, status)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let document = scenario
            .client
            .finish("/sync", &number.to_string(), &request)
            .unwrap();
        assert_eq!(failure(&document), (code, status), "{document}");
        expected.push(json!(code));
    }
    scenario.stop();
    let noted = audit(&scenario, "DATA_SYNC_JOB_FAILED").into_iter();
    let noted: Vec<Value> = noted.map(|line| line["error"]["code"].clone()).collect();
    assert_eq!(noted, expected);
    // The platform called back once, to say that it had failed as a whole.
    let events = scenario.performed(EVENTS.1);
    let scores: Vec<&Value> = events
        .iter()
        .map(|event| &event.body["data"]["healthScore"])
        .collect();
    assert_eq!(scores, ["DEGRADED"]);
}

#[test]
fn callbacks_that_nobody_waits_for_are_refused() {
    let scenario = start();
    let description = Description::of(&scenario.client);
    let hook = "/webhook/cxone-sync";
    let cases = [
        (r#"{"syncJobId": "sync_none"}"#, 404, "unknown-callback"),
        (r#"{"status": "COMPLETED"}"#, 400, "no-correlation"),
        ("{", 400, "malformed-json"),
    ];
    for (body, status, code) in cases {
        let answer = scenario.client.post(hook, body).unwrap();
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(code))
        );
        description.check("post", hook, &answer);
    }
    assert_eq!(scenario.client.get(hook).unwrap().status, 405);
}

#[test]
fn who_does_not_want_to_wait_is_told_where_to_look() {
    let scenario = start();
    let description = Description::of(&scenario.client);
    let headers = [
        ("content-type", "application/json"),
        ("prefer", "respond-async"),
    ];
    let request = SyncExtension::request("profiles-0").to_string();
    let answer = scenario
        .client
        .ask("POST", "/sync", &headers, &request)
        .unwrap();
    assert_eq!(answer.status, 202);
    description.check("post", "/sync", &answer);
    let done = scenario.client.post("/sync", &request).unwrap();
    assert_eq!(done.status, 200);
    description.check("post", "/sync", &done);
    let job = scenario.client.get(done.header("location")).unwrap();
    description.check("get", "/jobs/{id}", &job);
}
