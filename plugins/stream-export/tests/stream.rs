//! What a client gets for its first message, and what the audit, the lake and the metrics say of it.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::time::Duration;

use jackfield_sdk::testing::{JobDriver, Received};
use jackfield_sdk::{Failure, Method, Request, RequestFailure, RequestFailureKind, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use stream_export::StreamExport;

const EXPORTS: &str = "/api/v2/data-actions/exports";
const FIRST_PAGE: &str = "/api/v2/data-actions/exports/e1/records?limit=10&offset=0";

fn driver() -> JobDriver<StreamExport> {
    JobDriver::new("{}").unwrap()
}

/// A client of the export `e1` that wants chunks of ten.
fn payload() -> Value {
    json!({
        "export_job_id": "e1",
        "chunk_size_matrix": [10],
        "compression_format": "none",
        "max_payload_size": 100_000,
        "schema_version": "v1.2",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[name] = value;
    payload
}

/// So many records of the same shape.
fn records(count: usize) -> Vec<Value> {
    let record = |number| json!({ "id": number, "name": format!("n{number}") });
    (0..count).map(record).collect()
}

/// What `limit` and `offset` of a request are.
fn range(request: &Request) -> (usize, usize) {
    let (_, query) = request.path.split_once('?').unwrap();
    let (limit, offset) = query.split_once('&').unwrap();
    let number = |text: &str| text.split_once('=').unwrap().1.parse().unwrap();
    (number(limit), number(offset))
}

/// Serves these records as the export `e1`.
fn serve(driver: &mut JobDriver<StreamExport>, records: Vec<Value>) {
    driver.serve(move |request| {
        assert!(request.path.starts_with(&format!("{EXPORTS}/e1/records?")));
        let (limit, offset) = range(request);
        let page: Vec<&Value> = records.iter().skip(offset).take(limit).collect();
        Ok(Response::of_json(200, &page))
    });
}

fn values(received: &[Received]) -> Vec<Value> {
    received.iter().map(Received::json).collect()
}

/// The records in a stream's uncompressed messages.
fn streamed(frames: &[Value]) -> Vec<Value> {
    let chunks = frames.iter().filter_map(|frame| frame["data"].as_str());
    chunks
        .flat_map(|data| serde_json::from_str::<Vec<Value>>(data).unwrap())
        .collect()
}

/// The stream of these records: its messages, and how it ended.
fn stream(records: Vec<Value>, payload: &Value) -> (Vec<Value>, Result<Value, Failure>) {
    let mut driver = driver();
    serve(&mut driver, records);
    let ended = driver.run(payload);
    (values(&driver.take("frames")), ended)
}

fn drifted(at: usize, change: impl Fn(&mut Value)) -> Vec<Value> {
    let mut records = records(35);
    records[at..].iter_mut().for_each(change);
    records
}

#[test]
fn a_client_gets_all_records_chunk_by_chunk_and_then_the_metrics() {
    let (frames, ended) = stream(records(25), &payload());
    assert_eq!(
        frames[0],
        json!({ "status": "streaming", "export_job_id": "e1", "resume_offset": 0, "schema_version": "v1.2" })
    );
    let cut: Vec<_> = frames[1..]
        .iter()
        .map(|frame| {
            (
                frame["offset"].as_u64().unwrap(),
                frame["records"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(cut, [(0, 10), (10, 10), (20, 5)]);
    assert_eq!(streamed(&frames), records(25));
    let told = ended.unwrap();
    assert_eq!(
        (&told["status"], &told["next_offset"]),
        (&json!("complete"), &json!(25))
    );
    assert_eq!(told["metrics"]["total_chunks"], 3);
}

#[test]
fn a_client_that_names_no_export_has_one_started() {
    let mut driver = driver();
    serve(&mut driver, records(1));
    driver.respond(
        Method::Post,
        EXPORTS,
        Response::of_json(201, &json!({ "id": "e1" })),
    );
    driver.run(&with("export_job_id", json!(""))).unwrap();
    let request = &driver.requests()[0];
    assert_eq!(
        request.body_json(),
        json!({ "report_id": "DEFAULT_ANALYTICS_EXPORT", "format": "json" })
    );
    assert_eq!(values(&driver.take("frames"))[0]["export_job_id"], "e1");
    assert_eq!(values(&driver.take("audit"))[0]["started"], true);
}

#[test]
fn an_export_is_started_once_though_the_answer_made_no_sense() {
    let mut driver = driver();
    serve(&mut driver, records(1));
    let mut broken = Response::of(201);
    broken.body = b"{\"id\": \"e".to_vec();
    driver.respond(Method::Post, EXPORTS, broken);
    driver.respond(
        Method::Post,
        EXPORTS,
        Response::of_json(201, &json!({ "id": "e1" })),
    );
    driver.run(&with("export_job_id", Value::Null)).unwrap();
    let key = |request: &Request| {
        let mut headers = request.headers.iter();
        headers
            .find(|(name, _)| name == "Idempotency-Key")
            .cloned()
            .unwrap()
    };
    assert_eq!(key(&driver.requests()[0]), key(&driver.requests()[1]));
}

#[test]
fn an_export_with_a_name_that_leads_elsewhere_is_not_asked_for() {
    let mut driver = driver();
    driver.respond(
        Method::Post,
        EXPORTS,
        Response::of_json(201, &json!({ "id": "../users" })),
    );
    let failure = driver.run(&with("export_job_id", Value::Null)).unwrap_err();
    assert_eq!(failure.code, "malformed-response");
    assert_eq!(driver.requests().len(), 1);
}

#[test]
fn sizes_are_taken_in_the_order_of_the_matrix() {
    let mut driver = driver();
    serve(&mut driver, records(40));
    driver
        .run(&with("chunk_size_matrix", json!([1, 5, 20])))
        .unwrap();
    let asked: Vec<_> = driver.requests().iter().map(range).collect();
    assert_eq!(
        asked,
        [(1, 0), (5, 1), (20, 6), (20, 26), (6, 40)].map(|(limit, offset)| (limit, offset))
    );
}

#[test]
fn a_service_that_gives_less_than_it_is_asked_for_is_asked_for_the_rest_of_the_chunk() {
    let mut driver = driver();
    driver.serve(|request| {
        let (limit, offset) = range(request);
        let page: Vec<Value> = records(25)
            .into_iter()
            .skip(offset)
            .take(limit.min(7))
            .collect();
        Ok(Response::of_json(200, &page))
    });
    driver.run(&payload()).unwrap();
    assert_eq!(streamed(&values(&driver.take("frames"))), records(25));
    let asked: Vec<_> = driver.requests().iter().map(range).collect();
    assert_eq!(
        asked,
        [(10, 0), (3, 7), (10, 10), (3, 17), (10, 20), (5, 25)]
    );
}

#[test]
fn a_service_that_gives_more_than_it_is_asked_for_is_not_believed() {
    let mut driver = driver();
    driver.serve(|request| {
        let (_, offset) = range(request);
        let page: Vec<Value> = records(25).into_iter().skip(offset).collect();
        Ok(Response::of_json(200, &page))
    });
    driver.run(&payload()).unwrap();
    assert_eq!(streamed(&values(&driver.take("frames"))), records(25));
}

#[test]
fn an_answer_that_is_too_large_is_asked_for_in_halves() {
    let mut driver = driver();
    driver.serve(|request| {
        let (limit, offset) = range(request);
        if limit > 3 {
            return Err(RequestFailure {
                kind: RequestFailureKind::TooLarge,
                message: "more than 16 MiB".into(),
                retry_after: None,
            });
        }
        let page: Vec<Value> = records(7).into_iter().skip(offset).take(limit).collect();
        Ok(Response::of_json(200, &page))
    });
    driver.run(&payload()).unwrap();
    assert_eq!(streamed(&values(&driver.take("frames"))), records(7));
}

#[test]
fn an_export_that_is_not_ready_is_waited_for() {
    let mut driver = driver();
    serve(&mut driver, records(3));
    let not_ready = Response::of_json(409, &json!({ "error": "export_not_ready" }));
    driver.respond(Method::Get, FIRST_PAGE, not_ready.clone());
    driver.respond(Method::Get, FIRST_PAGE, not_ready);
    driver.respond(Method::Get, FIRST_PAGE, Response::of_json(200, &records(3)));
    driver.run(&payload()).unwrap();
    assert_eq!(driver.slept(), Duration::from_secs(10));
}

#[test]
fn a_stream_that_cannot_begin_says_why() {
    let never = json!({ "error": "export_not_ready" });
    for (status, body, code, answer) in [
        (404, json!({}), "unknown-export", 404),
        (
            409,
            json!({ "error": "export_failed" }),
            "export-failed",
            502,
        ),
        (409, never, "export-not-ready", 504),
        (
            403,
            json!({ "error": "insufficient_scope" }),
            "unexpected-status",
            502,
        ),
        (200, json!({ "records": [] }), "malformed-response", 502),
    ] {
        let mut driver = driver();
        driver.respond(Method::Get, FIRST_PAGE, Response::of_json(status, &body));
        let failure = driver.run(&payload()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.status),
            (code, Some(answer))
        );
        let audit = values(&driver.take("audit"));
        assert_eq!(audit.last().unwrap()["action"], "EXPORT_STREAM_FAILED");
        assert_eq!(audit.last().unwrap()["error"]["code"], code);
        assert_eq!(values(&driver.take("metrics"))[0]["status"], "failed");
    }
}

#[test]
fn an_answer_that_broke_on_its_way_is_asked_for_again() {
    let mut driver = driver();
    serve(&mut driver, records(3));
    let mut broken = Response::of(200);
    broken.body = b"[{\"id\":".to_vec();
    driver.respond(Method::Get, FIRST_PAGE, broken.clone());
    driver.respond(Method::Get, FIRST_PAGE, broken);
    driver.respond(Method::Get, FIRST_PAGE, Response::of_json(200, &records(3)));
    driver.run(&payload()).unwrap();
    assert_eq!(streamed(&values(&driver.take("frames"))), records(3));
}

#[test]
fn an_export_without_records_is_complete() {
    let (frames, ended) = stream(vec![], &payload());
    assert_eq!(frames.len(), 1, "nothing but the greeting");
    assert_eq!(ended.unwrap()["next_offset"], 0);
}

#[test]
fn by_default_drift_ends_the_stream_in_front_of_its_chunk() {
    let drifted = drifted(23, |record| {
        record.as_object_mut().unwrap().remove("name");
    });
    let (frames, ended) = stream(drifted, &payload());
    assert_eq!(streamed(&frames), records(20));
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["offset"], &last["error"]["code"]),
        (&json!(20), &json!("schema-drift"))
    );
    assert_eq!(
        last["error"]["drift"],
        json!([{ "field": "name", "change": "missing", "offset": 23, "records": 7 }])
    );
    assert_eq!(ended.unwrap_err().code, "schema-drift");
}

#[test]
fn a_client_can_be_warned_of_each_chunk_that_has_drifted() {
    let drifted = drifted(13, |record| record["extra"] = json!(true));
    let (frames, ended) = stream(drifted.clone(), &with("drift_policy", json!("warn")));
    assert_eq!(streamed(&frames), drifted);
    let warnings: Vec<_> = frames
        .iter()
        .filter(|frame| frame["warning"].is_object())
        .map(|frame| frame["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(warnings, [10, 20, 30]);
    assert_eq!(ended.unwrap()["metrics"]["drifted_chunks"], 3);
}

#[test]
fn a_stream_can_adapt_to_what_has_changed() {
    let drifted = drifted(13, |record| record["id"] = json!("text"));
    let (frames, _) = stream(drifted.clone(), &with("drift_policy", json!("adapt")));
    assert_eq!(streamed(&frames), drifted);
    let warnings: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["warning"]["drift"].as_array())
        .collect();
    assert_eq!(
        warnings,
        [&vec![
            json!({ "field": "id", "change": "type", "found": "string", "offset": 13, "records": 7 })
        ]]
    );
}

#[test]
fn a_stream_that_is_resumed_is_judged_by_the_first_chunk_of_the_whole() {
    let drifted = drifted(10, |record| record["extra"] = json!(1));
    let (frames, ended) = stream(drifted, &with("resume_offset", json!(20)));
    assert_eq!(ended.unwrap_err().code, "schema-drift");
    assert_eq!(frames.last().unwrap()["error"]["drift"][0]["change"], "new");
}

#[test]
fn a_record_that_is_no_object_ends_the_stream_by_its_number() {
    let mut records = records(15);
    records[12] = json!([1]);
    let (frames, ended) = stream(records, &payload());
    let failure = ended.unwrap_err();
    assert_eq!(failure.code, "record-not-an-object");
    assert_eq!(frames.last().unwrap()["offset"], 12);
}

#[test]
fn a_record_that_fits_into_no_message_is_named_and_can_be_passed_over() {
    let mut records = records(15);
    records[12]["name"] = json!("x".repeat(5_000));
    let (frames, ended) = stream(records.clone(), &with("max_payload_size", json!(2_000)));
    let failure = ended.unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("record-too-large", Some(413))
    );
    assert_eq!(streamed(&frames), records[..12]);
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["offset"], &last["error"]["max_payload_size"]),
        (&json!(12), &json!(2_000))
    );
    let mut rest = with("max_payload_size", json!(2_000));
    rest["resume_offset"] = json!(13);
    let (frames, ended) = stream(records.clone(), &rest);
    assert_eq!(streamed(&frames), records[13..]);
    ended.unwrap();
}

#[test]
fn the_lake_gets_what_the_client_gets_and_nothing_twice() {
    let mut driver = driver();
    let mut records = records(15);
    records[12]["name"] = json!("x".repeat(5_000));
    serve(&mut driver, records.clone());
    let mut payload = with("max_payload_size", json!(2_000));
    driver.run(&payload).unwrap_err();
    payload["resume_offset"] = json!(12);
    payload["max_payload_size"] = json!(20_000);
    driver.run(&payload).unwrap();
    let lake = values(&driver.take("lake"));
    let copied: Vec<Value> = lake
        .iter()
        .flat_map(|chunk| chunk["data"].as_array().unwrap().clone())
        .collect();
    assert_eq!(copied, records);
    let keys: Vec<_> = lake
        .iter()
        .map(|chunk| chunk["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "exports/e1/000000000000.json",
            "exports/e1/000000000010.json",
            "exports/e1/000000000012.json"
        ]
    );
}

#[test]
fn the_audit_has_each_message_with_its_checksum() {
    let mut driver = driver();
    serve(&mut driver, records(12));
    driver.run(&payload()).unwrap();
    let frames = values(&driver.take("frames"));
    let audit = values(&driver.take("audit"));
    let actions: Vec<_> = audit
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "EXPORT_STREAM_STARTED",
            "EXPORT_CHUNK_STREAMED",
            "EXPORT_CHUNK_STREAMED",
            "EXPORT_STREAM_COMPLETED"
        ]
    );
    assert_eq!(audit[1]["frames"][0]["checksum"], frames[1]["checksum"]);
    assert_eq!(audit[0]["timestamp"], "2026-01-01T00:00:00.000Z");
}

#[test]
fn a_configuration_without_a_report_is_refused() {
    let refused = JobDriver::<StreamExport>::new(r#"{"report":""}"#)
        .err()
        .unwrap();
    assert!(refused.contains("`report` is empty"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn from_any_offset_a_client_gets_the_rest(
        count in 0_usize..60,
        offset in 0_usize..60,
        sizes in proptest::collection::vec(1_u64..20, 1..4),
        limit in 250_usize..1_000,
    ) {
        let mut payload = with("chunk_size_matrix", json!(sizes));
        payload["max_payload_size"] = json!(limit);
        payload["resume_offset"] = json!(offset);
        let (frames, ended) = stream(records(count), &payload);
        let rest: Vec<Value> = records(count).into_iter().skip(offset).collect();
        prop_assert_eq!(streamed(&frames), rest);
        prop_assert!(ended.is_ok());
    }
}
