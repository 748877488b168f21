use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{Method, Response};
use schedule_report::ScheduleReport;
use serde_json::{Value, json};

use super::scenario::{
    EXECUTIONS, SCHEDULES, WEBHOOK, audit, completed, count, driver, executions, request, running,
    see, with,
};

#[test]
fn an_export_that_is_there_is_audited_with_all_fields() {
    let mut driver = driver();
    see(&mut driver, running("running"));
    see(&mut driver, completed(2_450_000));
    driver.run(&request()).unwrap();
    let expected = json!({
        "timestamp": "2026-01-01T00:00:15Z",
        "scheduleId": "schedule_7",
        "reportId": "report_12345678-1234-1234-1234-123456789012",
        "status": "SUCCESS",
        "executionLatencyMs": 15_000,
        "dataCompletenessScore": 0.98,
        "actualRowCount": 2_450_000,
        "governanceCompliant": true,
    });
    assert_eq!(audit(&mut driver), expected);
}

#[test]
fn who_waits_for_it_is_told_once() {
    let mut driver = driver();
    see(&mut driver, completed(2_450_000));
    let exported = driver.run(&request()).unwrap();
    let told = driver.requests().last().unwrap();
    assert_eq!(
        (told.connection.as_str(), told.path.as_str()),
        ("bi", WEBHOOK)
    );
    assert!(
        told.headers
            .contains(&("x-source".into(), "CXone-Scheduler".into()))
    );
    let expected = json!({
        "scheduleId": "schedule_7", "status": "completed", "timestamp": "2026-01-01T00:00:00Z", "rowCount": 2_450_000,
    });
    assert_eq!(told.body_json(), expected);
    assert_eq!(count(&driver, Method::Post), 2);
    let expected = json!({
        "scheduleId": "schedule_7", "status": "SUCCESS", "executionLatencyMs": 0, "dataCompletenessScore": 0.98,
        "actualRowCount": 2_450_000, "webhook": "delivered",
    });
    assert_eq!(exported, expected);
}

#[test]
fn an_export_that_failed_is_audited_and_nobody_is_told() {
    let mut driver = driver();
    let execution = json!({"id": "execution_1", "scheduleId": "schedule_7", "status": "failed", "error": "out of space"});
    see(&mut driver, executions(json!([execution])));
    let failure = driver.run(&request()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("export-failed", Some(502))
    );
    let details: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
    assert_eq!(details, execution);
    let expected = json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "scheduleId": "schedule_7",
        "reportId": "report_12345678-1234-1234-1234-123456789012",
        "status": "FAILURE",
        "executionLatencyMs": 0,
        "dataCompletenessScore": 0.0,
        "actualRowCount": 0,
        "governanceCompliant": true,
        "failureCode": "export-failed",
    });
    assert_eq!(audit(&mut driver), expected);
    assert_eq!(count(&driver, Method::Post), 1);
}

#[test]
fn a_webhook_that_is_not_heard_does_not_undo_an_export() {
    let mut driver = JobDriver::<ScheduleReport>::new("{}").unwrap();
    driver.respond(
        Method::Post,
        SCHEDULES,
        Response::of_json(201, &json!({"id": "schedule_7"})),
    );
    driver.respond(Method::Get, EXECUTIONS, completed(1));
    driver.respond(Method::Post, WEBHOOK, Response::of(500));
    let exported = driver.run(&request()).unwrap();
    assert_eq!(exported["webhook"], json!({"failed": "answered 500"}));
    assert_eq!(audit(&mut driver)["status"], "SUCCESS");
}

#[test]
fn completeness_is_rows_over_expected_rows() {
    let cases = [
        (json!(2_000_000), 1_000_000, 0.5),
        (json!(1_000), 1_500, 1.5),
        (json!(0), 1_000, 1.0),
        (Value::Null, 1_000, 1.0),
        (json!(1_000), 0, 0.0),
    ];
    for (expected, rows, score) in cases {
        let mut driver = driver();
        see(&mut driver, completed(rows));
        let exported = driver.run(&with("expectedRows", expected)).unwrap();
        assert_eq!(exported["dataCompletenessScore"], score);
    }
}

#[test]
fn rows_that_nobody_counted_are_none() {
    let mut driver = driver();
    see(&mut driver, executions(json!([{"status": "completed"}])));
    let exported = driver.run(&request()).unwrap();
    assert_eq!(exported["actualRowCount"], 0);
    let told = driver.requests().last().unwrap().body_json();
    assert_eq!(
        told["scheduleId"], "schedule_7",
        "of the schedule that was made"
    );
}
