use std::time::Duration;

use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{Failure, Method, RequestFailure, RequestFailureKind, Response};
use schedule_report::ScheduleReport;
use serde_json::{Value, json};

use super::scenario::{SCHEDULES, WEBHOOK, audit, completed, count, driver, request, see};

/// What comes of a job whose schedule is answered so.
fn refused(answer: Response) -> (Failure, Value) {
    let mut driver = JobDriver::<ScheduleReport>::new("{}").unwrap();
    driver.respond(Method::Post, SCHEDULES, answer);
    let failure = driver.run(&request()).unwrap_err();
    (failure, audit(&mut driver))
}

#[test]
fn the_payload_is_exactly_the_documents() {
    let mut driver = driver();
    see(&mut driver, completed(2_500_000));
    driver.run(&request()).unwrap();
    let made = &driver.requests()[0];
    assert_eq!(
        (made.connection.as_str(), made.path.as_str()),
        ("cxone", SCHEDULES)
    );
    let expected = concat!(
        r#"{"reportId":"report_12345678-1234-1234-1234-123456789012","name":"Daily Agent Performance Export","#,
        r#""frequency":"daily","time":"02:00","outputFormat":"csv","deliveryMethod":"webhook","#,
        r#""deliveryUrl":"https://bi-platform.example.com/api/v1/callbacks/cxone","incremental":true,"#,
        r#""compression":"gzip","partitionBy":"date"}"#
    );
    assert_eq!(
        String::from_utf8_lossy(made.body.as_deref().unwrap()),
        expected
    );
    let headers: Vec<_> = made
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let key = "00000000000000000000000000000001";
    assert_eq!(
        headers,
        [
            ("accept", "application/json"),
            ("idempotency-key", key),
            ("content-type", "application/json")
        ]
    );
}

#[test]
fn a_schedule_that_the_platform_refuses_is_the_callers_mistake() {
    let said = json!({"errors": [{"field": "frequency"}]});
    let (failure, entry) = refused(Response::of_json(400, &said));
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("schedule-refused", Some(400))
    );
    assert_eq!(failure.details.as_deref(), Some(said.to_string().as_str()));
    assert_eq!(entry["status"], "FAILURE");
    assert_eq!(entry["scheduleId"], Value::Null);
    assert_eq!(entry["failureCode"], "schedule-refused");
}

#[test]
fn other_answers_fail_with_a_status_of_their_own() {
    let cases = [
        (Response::of(500), "unexpected-status", 502),
        (Response::of(503), "unexpected-status", 503),
        (Response::of(504), "unexpected-status", 504),
        (Response::of(403), "unexpected-status", 502),
        (Response::of(429), "rate-limited", 503),
        (
            Response::of_json(200, &json!({"id": "schedule_7"})),
            "unexpected-status",
            502,
        ),
        (Response::of(201), "malformed-response", 502),
        (
            Response::of_json(201, &json!({"id": 7})),
            "malformed-response",
            502,
        ),
        (
            Response::of_json(201, &json!({"id": ""})),
            "malformed-response",
            502,
        ),
    ];
    for (answer, code, status) in cases {
        let shown = format!("{answer:?}");
        let (failure, entry) = refused(answer);
        assert_eq!(
            (failure.code.as_str(), failure.status),
            (code, Some(status)),
            "{shown}"
        );
        assert_eq!(entry["failureCode"], code);
    }
}

#[test]
fn a_platform_that_says_when_to_come_back_is_quoted() {
    let (failure, _) = refused(Response::of(429).with_header("Retry-After", "30"));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(30)));
}

#[test]
fn an_answer_that_is_half_of_itself_is_asked_for_again_by_the_same_key() {
    let mut driver = JobDriver::<ScheduleReport>::new("{}").unwrap();
    let mut half = Response::of(201);
    half.body = b"{\"id\": \"sched".into();
    driver.respond(Method::Post, SCHEDULES, half);
    driver.respond(
        Method::Post,
        SCHEDULES,
        Response::of_json(201, &json!({"id": "schedule_7"})),
    );
    driver.respond(Method::Post, WEBHOOK, Response::of(200));
    see(&mut driver, completed(1));
    driver.run(&request()).unwrap();
    let [first, second, ..] = driver.requests() else {
        panic!("there are two requests");
    };
    assert_eq!(first, second);
}

#[test]
fn a_platform_that_cannot_be_reached_is_told_of() {
    let mut driver = JobDriver::<ScheduleReport>::new("{}").unwrap();
    let failure = RequestFailure {
        kind: RequestFailureKind::CircuitOpen,
        message: "the breaker is open".into(),
        retry_after: Some(Duration::from_secs(9)),
    };
    driver.fail(Method::Post, SCHEDULES, failure);
    let failure = driver.run(&request()).unwrap_err();
    assert_eq!(
        (failure.status, failure.retry_after),
        (Some(503), Some(Duration::from_secs(9)))
    );
    assert_eq!(audit(&mut driver)["failureCode"], "circuit-open");
}

#[test]
fn a_schedule_that_was_made_before_a_crash_is_not_made_again() {
    let mut driver = driver();
    see(&mut driver, completed(2_500_000));
    let since = driver.now() - 60_000;
    driver.resume_from(1, &("schedule_7", since, 4_u32, "execution running"));
    let exported = driver.run(&request()).unwrap();
    assert_eq!(exported["executionLatencyMs"], 60_000);
    assert_eq!(count(&driver, Method::Post), 1, "the webhook alone");
}
