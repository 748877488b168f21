//! What a synchronisation asks for, and what is told of it.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::time::Duration;

use jackfield_sdk::testing::{JobDriver, Received};
use jackfield_sdk::{Method, Request, RequestFailure, RequestFailureKind, Response};
use serde_json::{Value, json};
use sync_extension::SyncExtension;

const SCHEMA: &str = "/api/v2/data/extensions/profiles/schema";
const SYNC: &str = "/api/v2/data/extensions/profiles/sync";
const STATUS: &str = "/api/v2/data/extensions/profiles/sync/sync_1/status";
const EVENTS: &str = "/api/v2/events/stream";
const FIRST_RECORDS: &str = "http://127.0.0.1:8080/contacts?limit=100&offset=0";
const TRIGGER: &str = "cxone-sync";

fn configuration() -> Value {
    json!({
        "source-endpoint": "http://127.0.0.1:8080/contacts",
        "webhook-url": "http://127.0.0.1:8080/webhook/cxone-sync",
        "source-connection": "source",
        "recovery-endpoint": "http://127.0.0.1:8080/recovery",
    })
}

fn input() -> Value {
    json!({
        "extensionId": "profiles",
        "fieldMappings": [
            { "source": "id", "target": "customerId", "type": "string" },
            { "source": "points", "target": "loyaltyPoints" },
        ],
    })
}

fn record(id: &str, points: Value) -> Value {
    json!({ "id": id, "points": points, "_syncTimestamp": "2026-01-01T00:00:00.000Z", "_sourceSystem": "ETL_PIPELINE_V1" })
}

fn ok(body: &Value) -> Response {
    Response::of_json(200, body)
}

/// A job whose platform has the extension, and whose source has records.
fn driver_of(configuration: &Value) -> JobDriver<SyncExtension> {
    let mut driver = JobDriver::new(&configuration.to_string()).unwrap();
    let schema = json!({ "primaryKey": "customerId", "fields": [
        { "name": "loyaltyPoints", "type": "number" },
        { "name": "customerId", "type": "string" },
    ]});
    driver.respond(Method::Get, SCHEMA, ok(&schema));
    let records = json!([record("a", json!(1)), record("b", json!(0))]);
    driver.respond(Method::Get, FIRST_RECORDS, ok(&records));
    driver
}

/// The same, on a platform that takes events.
fn driver() -> JobDriver<SyncExtension> {
    let mut driver = driver_of(&configuration());
    driver.respond(Method::Post, EVENTS, Response::of(202));
    driver
}

fn started(driver: &mut JobDriver<SyncExtension>, job: &str) {
    let answer = Response::of_json(202, &json!({ "syncJobId": job, "status": "RUNNING" }));
    driver.respond(Method::Post, SYNC, answer);
}

/// How a synchronisation of a hundred records has ended, nine seconds after the clock of the driver began.
fn outcome(status: &str, errors: &Value) -> Value {
    json!({
        "status": status,
        "progress": { "totalRecords": 100, "processedRecords": 100 - errors.as_array().unwrap().len() },
        "errors": errors,
        "completedAt": "2026-01-01T00:00:09Z",
    })
}

fn called_back(driver: &mut JobDriver<SyncExtension>, job: &str, outcome: &Value) {
    driver.call_back(TRIGGER, job, Duration::from_secs(10), outcome);
}

fn values(received: &[Received]) -> Vec<Value> {
    received.iter().map(Received::json).collect()
}

fn sent(driver: &JobDriver<SyncExtension>, path: &str) -> Vec<Request> {
    let requests = driver.requests().iter();
    requests
        .filter(|request| request.method == Method::Post && request.path == path)
        .cloned()
        .collect()
}

fn header(request: &Request, name: &str) -> String {
    let mut headers = request.headers.iter();
    let found = headers.find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone()).unwrap()
}

fn malformed(id: &str, corrections: &Value) -> Value {
    json!({ "type": "MALFORMED_RECORD", "recordId": id, "message": "wrong", "suggestedCorrections": corrections })
}

#[test]
fn the_platform_is_sent_the_payload_of_the_document() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    let output = driver.run(&input()).unwrap();
    let request = &sent(&driver, SYNC)[0];
    assert_eq!(
        request.body_json(),
        json!({
            "extensionId": "profiles",
            "sourceType": "REST",
            "sourceEndpoint": "http://127.0.0.1:8080/contacts",
            "fieldMappings": input()["fieldMappings"],
            "syncMode": "INCREMENTAL",
            "webhookUrl": "http://127.0.0.1:8080/webhook/cxone-sync",
            "options": { "maxBatchSize": 5000, "retryOnConflict": true, "nullValueHandling": "SET_NULL" },
        })
    );
    assert_eq!(output["payloadHash"], header(request, "X-Payload-SHA256"));
}

#[test]
fn a_synchronisation_that_went_well_is_told_of_everywhere() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        (&output["status"], &output["health"]),
        (&json!("COMPLETED"), &json!("HEALTHY"))
    );
    assert_eq!(
        values(&driver.take("audit")),
        [json!({
            "timestamp": "2026-01-01T00:00:10.000Z",
            "action": "DATA_SYNC_JOB_COMPLETED",
            "actor": "SYSTEM_AUTOMATION",
            "resource": "extensions/profiles",
            "jobId": "sync_1",
            "metrics": {
                "jobId": "sync_1", "latencyMs": 9_000, "totalRecords": 100, "rejectedRecords": 0,
                "rejectionRate": 0.0, "status": "COMPLETED",
            },
            "payloadHash": output["payloadHash"],
            "complianceFlags": { "piiProcessed": true, "schemaValidated": true, "nullsStandardized": true },
        })]
    );
    assert_eq!(
        sent(&driver, EVENTS)[0].body_json(),
        json!({
            "eventType": "CXONE_EXTENSION_HEALTH",
            "data": {
                "extensionId": "profiles", "syncLatencyMs": 9_000, "rejectionRatePercent": 0.0,
                "healthScore": "HEALTHY", "reportedAt": "2026-01-01T00:00:10.000Z",
            },
        })
    );
}

#[test]
fn flags_say_only_what_was_seen() {
    let mut configuration = configuration();
    configuration["inspected-records"] = json!(7);
    configuration["personal-fields"] = json!(["email"]);
    let mut driver = driver_of(&configuration);
    let path = FIRST_RECORDS.replace("100", "7");
    let unprepared = json!([{ "id": "a", "points": null }]);
    driver.respond(Method::Get, &path, ok(&unprepared));
    driver.respond(Method::Post, EVENTS, Response::of(202));
    started(&mut driver, "sync_1");
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        output["complianceFlags"],
        json!({ "piiProcessed": false, "schemaValidated": true, "nullsStandardized": false })
    );
}

#[test]
fn a_callback_that_never_comes_is_made_up_for_by_asking() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    driver.respond(Method::Get, STATUS, ok(&json!({ "status": "RUNNING" })));
    driver.respond(Method::Get, STATUS, ok(&outcome("COMPLETED", &json!([]))));
    assert_eq!(driver.run(&input()).unwrap()["status"], "COMPLETED");
}

#[test]
fn a_callback_before_the_end_is_no_end() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    driver.call_back(
        TRIGGER,
        "sync_1",
        Duration::from_secs(1),
        &json!({ "status": "RUNNING" }),
    );
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    assert_eq!(driver.run(&input()).unwrap()["status"], "COMPLETED");
}

#[test]
fn a_callback_that_makes_no_sense_is_made_up_for_by_asking() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    driver.call_back(TRIGGER, "sync_1", Duration::from_secs(1), &json!(["what?"]));
    driver.respond(Method::Get, STATUS, ok(&outcome("COMPLETED", &json!([]))));
    assert_eq!(driver.run(&input()).unwrap()["status"], "COMPLETED");
}

#[test]
fn a_synchronisation_that_never_ends_is_given_up() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    driver.respond(Method::Get, STATUS, ok(&json!({ "status": "RUNNING" })));
    let failure = driver.run(&input()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("sync-timeout", Some(504))
    );
    assert_eq!(
        values(&driver.take("audit"))[0]["action"],
        "DATA_SYNC_JOB_FAILED"
    );
}

#[test]
fn it_is_begun_once_though_the_answer_made_no_sense() {
    let mut driver = driver();
    let mut broken = Response::of(202);
    broken.body = b"{\"syncJobId".to_vec();
    driver.respond(Method::Post, SYNC, broken);
    started(&mut driver, "sync_1");
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    driver.run(&input()).unwrap();
    let requests = sent(&driver, SYNC);
    assert_eq!(requests.len(), 2);
    assert_eq!(
        header(&requests[0], "Idempotency-Key"),
        header(&requests[1], "Idempotency-Key")
    );
}

#[test]
fn mappings_that_do_not_agree_begin_nothing() {
    let mut driver = driver();
    let mut input = input();
    input["fieldMappings"] =
        json!([{ "source": "nobody", "target": "loyaltyPoints", "type": "date" }, "tier"]);
    let failure = driver.run(&input).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("schema-mismatch", Some(400))
    );
    let problems: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
    let codes: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "wrong-type",
            "unknown-target",
            "unmapped-key",
            "unknown-source"
        ]
    );
    assert!(sent(&driver, SYNC).is_empty());
    let audit = values(&driver.take("audit"));
    assert_eq!(audit[0]["complianceFlags"]["schemaValidated"], false);
}

#[test]
fn what_the_platform_answers_wrongly_is_named() {
    for (status, body, code) in [
        (404, json!({}), "unknown-extension"),
        (200, json!({ "fields": "none" }), "malformed-response"),
        (200, json!({ "fields": [] }), "malformed-schema"),
        (403, json!({}), "unexpected-status"),
    ] {
        let mut driver = JobDriver::<SyncExtension>::new(&configuration().to_string()).unwrap();
        driver.respond(Method::Get, SCHEMA, Response::of_json(status, &body));
        assert_eq!(driver.run(&input()).unwrap_err().code, code);
    }
}

/// Serves records by their identifiers, and those of a recovery once they were looked for twice.
fn serve_source(driver: &mut JobDriver<SyncExtension>) {
    let mut looks = 0;
    driver.serve(move |request| {
        let path = request.path.strip_prefix("http://127.0.0.1:8080").unwrap();
        if path.starts_with("/recovery?recoveryBatch=sync_1-") {
            looks += 1;
            let found = if looks % 2 == 0 {
                json!([{}])
            } else {
                json!([])
            };
            return Ok(ok(&found));
        }
        let query = path.strip_prefix("/contacts?").unwrap();
        let ids = query.split('&').filter_map(|one| one.strip_prefix("id="));
        let known = ids.filter(|id| *id != "gone");
        let records: Vec<Value> = known.map(|id| record(id, json!("12"))).collect();
        Ok(ok(&json!({ "records": records })))
    });
}

#[test]
fn refused_records_are_sent_again_as_they_were_meant() {
    let mut driver = driver();
    serve_source(&mut driver);
    started(&mut driver, "sync_1");
    started(&mut driver, "sync_2");
    let errors = json!([
        malformed("a", &json!({ "loyaltyPoints": 12 })),
        malformed("b", &json!({}))
    ]);
    called_back(&mut driver, "sync_1", &outcome("FAILED", &errors));
    driver.call_back(
        TRIGGER,
        "sync_2",
        Duration::from_secs(20),
        &outcome("COMPLETED", &json!([])),
    );
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        (&output["status"], &output["recoveredRecords"]),
        (&json!("COMPLETED"), &json!(2))
    );
    assert_eq!(
        output["health"], "DEGRADED",
        "2 of 100 were refused at first"
    );
    let recovery = values(&driver.take("recovery"));
    assert_eq!(
        (&recovery[0]["id"], &recovery[0]["points"]),
        (&json!("a"), &json!(12))
    );
    assert_eq!(
        (&recovery[1]["id"], &recovery[1]["points"]),
        (&json!("b"), &json!("12"))
    );
    let batch = recovery[0]["recoveryBatch"].as_str().unwrap();
    let again = sent(&driver, SYNC)[1].body_json();
    assert_eq!(
        again["sourceEndpoint"],
        format!("http://127.0.0.1:8080/recovery?recoveryBatch={batch}")
    );
    let audit = values(&driver.take("audit"));
    assert_eq!(
        audit[1]["recoveryPayload"][0],
        json!({ "recordId": "a", "corrections": { "loyaltyPoints": 12 }, "retryBatch": true })
    );
}

#[test]
fn what_cannot_be_corrected_or_found_is_given_up_by_name() {
    let mut driver = driver();
    serve_source(&mut driver);
    started(&mut driver, "sync_1");
    let numbered = json!({ "type": "MALFORMED_RECORD", "recordId": 7, "message": "no key" });
    let errors = json!([
        malformed("a", &json!({ "loyaltyPoints": null })),
        malformed("gone", &json!({})),
        numbered
    ]);
    called_back(&mut driver, "sync_1", &outcome("FAILED", &errors));
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        (&output["status"], &output["rejectedRecords"]),
        (&json!("PARTIAL"), &json!(3))
    );
    let rejections = values(&driver.take("rejections"));
    let ids: Vec<_> = rejections
        .iter()
        .map(|rejection| &rejection["recordId"])
        .collect();
    assert_eq!(ids, [&json!("a"), &json!(7), &json!("gone")]);
    assert_eq!(sent(&driver, SYNC).len(), 1);
}

#[test]
fn records_whose_recovery_fails_are_given_up_by_name() {
    let mut driver = driver();
    driver.serve(|request| {
        let is_recovery = request.path.contains("/recovery?");
        let records = if is_recovery {
            json!([])
        } else {
            json!([record("a", json!(1))])
        };
        Ok(ok(&records))
    });
    started(&mut driver, "sync_1");
    called_back(
        &mut driver,
        "sync_1",
        &outcome("FAILED", &json!([malformed("a", &json!({}))])),
    );
    let failure = driver.run(&input()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("source-not-ready", Some(504))
    );
    let rejection = &values(&driver.take("rejections"))[0];
    assert_eq!(rejection["recordId"], "a");
    let reason = rejection["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("it could not be sent again: source-not-ready"),
        "{reason}"
    );
}

#[test]
fn records_of_a_synchronisation_that_failed_as_a_whole_are_given_up_by_name() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    let full = json!({ "type": "STORAGE_LIMIT_EXCEEDED", "message": "full" });
    let errors = json!([malformed("a", &json!({})), full]);
    called_back(&mut driver, "sync_1", &outcome("FAILED", &errors));
    assert_eq!(driver.run(&input()).unwrap_err().code, "sync-failed");
    assert_eq!(values(&driver.take("rejections"))[0]["recordId"], "a");
}

#[test]
fn what_is_refused_every_time_is_given_up_with_all_corrections_tried() {
    let mut driver = driver();
    serve_source(&mut driver);
    for job in ["sync_1", "sync_2", "sync_3"] {
        started(&mut driver, job);
    }
    for (job, correction) in [("sync_1", 1), ("sync_2", 2), ("sync_3", 3)] {
        let errors = json!([malformed("a", &json!({ "loyaltyPoints": correction }))]);
        called_back(&mut driver, job, &outcome("FAILED", &errors));
    }
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        (&output["recoveredRecords"], &output["rejectedRecords"]),
        (&json!(0), &json!(1))
    );
    let points: Vec<_> = values(&driver.take("recovery"))
        .iter()
        .map(|record| record["points"].clone())
        .collect();
    assert_eq!(points, [json!(1), json!(2)]);
    assert_eq!(
        values(&driver.take("rejections"))[0]["suggestedCorrections"],
        json!({ "loyaltyPoints": 3 })
    );
}

#[test]
fn without_a_recovery_endpoint_refused_records_are_given_up() {
    let mut configuration = configuration();
    configuration
        .as_object_mut()
        .unwrap()
        .remove("recovery-endpoint");
    let mut driver = driver_of(&configuration);
    driver.respond(Method::Post, EVENTS, Response::of(202));
    started(&mut driver, "sync_1");
    let errors = json!([malformed("a", &json!({}))]);
    called_back(&mut driver, "sync_1", &outcome("FAILED", &errors));
    let output = driver.run(&input()).unwrap();
    assert_eq!(
        (&output["rejectedRecords"], &output["health"]),
        (&json!(1), &json!("HEALTHY"))
    );
}

#[test]
fn a_synchronisation_that_failed_as_a_whole_fails_the_job_and_is_not_healthy() {
    let mut driver = driver();
    started(&mut driver, "sync_1");
    let errors = json!([{ "type": "SOURCE_UNAVAILABLE", "message": "refused" }]);
    called_back(&mut driver, "sync_1", &outcome("FAILED", &errors));
    let failure = driver.run(&input()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("sync-failed", Some(502))
    );
    assert!(
        failure.message.contains("SOURCE_UNAVAILABLE: refused"),
        "{failure}"
    );
    assert_eq!(
        sent(&driver, EVENTS)[0].body_json()["data"]["healthScore"],
        "DEGRADED"
    );
    let actions: Vec<_> = values(&driver.take("audit"))
        .iter()
        .map(|line| line["action"].clone())
        .collect();
    assert_eq!(actions, ["DATA_SYNC_JOB_COMPLETED", "DATA_SYNC_JOB_FAILED"]);
}

#[test]
fn health_that_cannot_be_reported_fails_nothing() {
    let mut driver = driver_of(&json!({}));
    let failure = RequestFailure {
        kind: RequestFailureKind::CircuitOpen,
        message: "the breaker is open".into(),
        retry_after: None,
    };
    driver.fail(Method::Post, EVENTS, failure);
    started(&mut driver, "sync_1");
    called_back(&mut driver, "sync_1", &outcome("COMPLETED", &json!([])));
    let mut input = input();
    input["sourceEndpoint"] = json!("https://records.example.com/contacts");
    input["webhookUrl"] = json!("https://hooks.example.com/sync");
    let output = driver.run(&input).unwrap();
    assert_eq!(
        (&output["status"], &output["healthReported"]),
        (&json!("COMPLETED"), &json!(false))
    );
    assert_eq!(
        output["complianceFlags"]["nullsStandardized"], false,
        "nothing was looked at"
    );
}

#[test]
fn each_rule_of_an_input_has_its_answer() {
    let driver = driver();
    for (name, value, field, code) in [
        ("extensionId", json!(null), "extensionId", "missing"),
        (
            "extensionId",
            json!("a/b"),
            "extensionId",
            "malformed-identifier",
        ),
        ("fieldMappings", json!(null), "fieldMappings", "missing"),
        ("fieldMappings", json!([]), "fieldMappings", "empty"),
        (
            "fieldMappings",
            json!([7]),
            "fieldMappings[0]",
            "malformed-mapping",
        ),
        (
            "fieldMappings",
            json!([{ "source": "a" }]),
            "fieldMappings[0]",
            "malformed-mapping",
        ),
        (
            "fieldMappings",
            json!(["a", { "source": "b", "target": "a" }]),
            "fieldMappings[1]",
            "duplicate-mapping",
        ),
        (
            "sourceEndpoint",
            json!("ftp://x/y"),
            "sourceEndpoint",
            "malformed-url",
        ),
        (
            "sourceEndpoint",
            json!("http://me:secret@x/"),
            "sourceEndpoint",
            "malformed-url",
        ),
        (
            "webhookUrl",
            json!("http://"),
            "webhookUrl",
            "malformed-url",
        ),
        ("maxBatchSize", json!(5001), "maxBatchSize", "out-of-range"),
        ("maxBatchSize", json!(0), "maxBatchSize", "out-of-range"),
        ("batchSize", json!(1), "batchSize", "unknown-field"),
    ] {
        let mut input = input();
        input[name] = value.clone();
        let problems = driver.validate(&input).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(
            (problems[0].field.as_str(), problems[0].code.as_str()),
            (field, code),
            "{value}"
        );
    }
}

#[test]
fn everything_that_is_wrong_with_an_input_is_said_at_once() {
    let driver = JobDriver::<SyncExtension>::new("{}").unwrap();
    let problems = driver.validate(&json!({})).unwrap_err();
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "extensionId",
            "sourceEndpoint",
            "fieldMappings",
            "webhookUrl"
        ]
    );
    assert_eq!(
        driver.validate_bytes(b"[]").unwrap_err()[0].code,
        "unexpected"
    );
    assert_eq!(
        driver.validate_bytes(b"{").unwrap_err()[0].code,
        "malformed"
    );
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for (configuration, part) in [
        (
            json!({ "webhook-url": "here" }),
            "`webhook-url` is no http or https URL",
        ),
        (
            json!({ "recovery-endpoint": "http://x/y" }),
            "`recovery-endpoint` needs `source-connection`",
        ),
        (
            json!({ "inspected-records": 0 }),
            "`inspected-records` is not from 1 to 5000",
        ),
        (json!({ "callback": "1h" }), "unknown field `callback`"),
    ] {
        let error = JobDriver::<SyncExtension>::new(&configuration.to_string())
            .err()
            .unwrap();
        assert!(error.contains(part), "{error}");
    }
}
