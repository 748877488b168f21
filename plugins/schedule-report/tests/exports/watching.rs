use std::time::Duration;

use jackfield_sdk::{Method, RequestFailure, RequestFailureKind, Response};
use serde_json::json;

use super::scenario::{
    EXECUTIONS, SCHEDULES, WEBHOOK, audit, completed, count, driver, driver_of, executions,
    request, running, see,
};

fn nothing(kind: RequestFailureKind) -> RequestFailure {
    RequestFailure {
        kind,
        message: "no answer".into(),
        retry_after: None,
    }
}

#[test]
fn an_execution_is_looked_at_every_15_seconds_until_it_has_ended() {
    let mut driver = driver();
    for answer in [
        executions(json!([])),
        running("queued"),
        running("running"),
        completed(1),
    ] {
        see(&mut driver, answer);
    }
    driver.run(&request()).unwrap();
    assert_eq!(count(&driver, Method::Get), 4);
    assert_eq!(driver.slept(), Duration::from_secs(45));
    assert_eq!(
        driver.progress(),
        ["no execution yet", "execution queued", "execution running"]
    );
}

#[test]
fn a_list_that_is_empty_or_none_means_not_yet() {
    let mut driver = driver();
    for answer in [
        json!({"items": []}),
        json!({"items": null}),
        json!({}),
        json!([]),
        json!({"items": [7]}),
    ] {
        see(&mut driver, Response::of_json(200, &answer));
    }
    see(&mut driver, completed(1));
    driver.run(&request()).unwrap();
    assert_eq!(count(&driver, Method::Get), 6);
}

#[test]
fn errors_that_pass_do_not_end_it() {
    let mut driver = driver();
    for status in [500, 503, 429, 404, 408] {
        see(&mut driver, Response::of(status));
    }
    let mut malformed = Response::of(200);
    malformed.body = b"{\"items\": [".into();
    see(&mut driver, malformed);
    let kinds = [
        RequestFailureKind::Timeout,
        RequestFailureKind::Unreachable,
        RequestFailureKind::Interrupted,
        RequestFailureKind::CircuitOpen,
        RequestFailureKind::Unauthorized,
    ];
    for kind in kinds {
        driver.fail(Method::Get, EXECUTIONS, nothing(kind));
    }
    see(&mut driver, completed(2_500_000));
    assert_eq!(driver.run(&request()).unwrap()["status"], "SUCCESS");
    assert_eq!(count(&driver, Method::Get), 12);
}

#[test]
fn a_refusal_that_lasts_ends_it() {
    for status in [400, 401, 403, 405, 410] {
        let mut driver = driver();
        see(&mut driver, Response::of(status));
        let failure = driver.run(&request()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.status),
            ("unexpected-status", Some(502))
        );
        assert_eq!(audit(&mut driver)["scheduleId"], "schedule_7");
    }
}

#[test]
fn a_request_that_is_not_granted_ends_it() {
    let mut driver = driver();
    driver.fail(
        Method::Get,
        EXECUTIONS,
        nothing(RequestFailureKind::Refused),
    );
    assert_eq!(driver.run(&request()).unwrap_err().code, "request-refused");
}

#[test]
fn an_execution_that_never_ends_is_given_up_after_an_hour() {
    let mut driver = driver();
    see(&mut driver, running("running"));
    let failure = driver.run(&request()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("execution-timeout", Some(504))
    );
    assert!(
        failure
            .message
            .ends_with("after 241 polls: execution running"),
        "{failure}"
    );
    assert_eq!(driver.slept(), Duration::from_hours(1));
    let entry = audit(&mut driver);
    assert_eq!(entry["status"], "FAILURE");
    assert_eq!(entry["executionLatencyMs"], 3_600_000);
    assert_eq!(count(&driver, Method::Post), 1, "nobody is told");
}

#[test]
fn interval_and_limit_are_for_the_manifest_to_say() {
    let mut driver = driver_of(r#"{"poll-interval": "1m", "execution-limit": "10m"}"#);
    see(&mut driver, running("running"));
    driver.run(&request()).unwrap_err();
    assert_eq!(count(&driver, Method::Get), 11);
}

#[test]
fn an_identifier_is_one_segment_of_a_path() {
    let mut driver =
        jackfield_sdk::testing::JobDriver::<schedule_report::ScheduleReport>::new("{}").unwrap();
    driver.respond(
        Method::Post,
        SCHEDULES,
        Response::of_json(201, &json!({"id": "a/b?c"})),
    );
    let path = "/api/v2/reporting/schedules/a%2Fb%3Fc/executions?limit=1";
    driver.respond(Method::Get, path, completed(1));
    driver.respond(Method::Post, WEBHOOK, Response::of(200));
    assert_eq!(driver.run(&request()).unwrap()["scheduleId"], "a/b?c");
}
