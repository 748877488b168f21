use std::time::Duration;

use jackfield_sdk::{Method, RequestFailure, RequestFailureKind, Response};
use serde_json::{Value, json};

use super::scenario::{
    ANALYTICS, RESULT, accepted, driver, driver_of, failing, only, page, polls, query, rows, see,
    with,
};

fn nothing(kind: RequestFailureKind) -> RequestFailure {
    RequestFailure {
        kind,
        message: "no answer".into(),
        retry_after: Some(Duration::from_secs(20)),
    }
}

fn working() -> Response {
    Response::of_json(202, &json!({"queryId": "query_7", "status": "running"}))
}

#[test]
fn the_query_is_handed_over_as_it_is() {
    let mut driver = driver();
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    let posted = &driver.requests()[0];
    assert_eq!(
        (posted.connection.as_str(), posted.path.as_str()),
        ("cxone", ANALYTICS)
    );
    assert_eq!(posted.body_json(), query());
}

#[test]
fn a_query_without_dimensions_and_filter_says_so() {
    let mut driver = driver();
    see(&mut driver, page(&rows(), None));
    let mut short = with("dimension", Value::Null);
    short["filter"] = Value::Null;
    driver.run(&short).unwrap();
    let posted = driver.requests()[0].body_json();
    assert_eq!(
        (&posted["dimension"], &posted["filter"]),
        (&json!([]), &json!({}))
    );
}

#[test]
fn the_result_is_polled_for_every_3_seconds() {
    let mut driver = driver();
    for answer in [working(), working(), page(&rows(), None)] {
        see(&mut driver, answer);
    }
    let answer = driver.run(&query()).unwrap();
    assert_eq!(
        answer,
        json!({"status": "success", "latency": 9_000, "rows": 3})
    );
    assert_eq!(polls(&driver), 3);
    assert_eq!(driver.slept(), Duration::from_secs(9));
}

#[test]
fn a_status_of_200_can_mean_not_yet() {
    let mut driver = driver();
    for status in ["queued", "pending", "running"] {
        see(
            &mut driver,
            Response::of_json(200, &json!({"queryId": "query_7", "status": status})),
        );
    }
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    assert_eq!(polls(&driver), 4);
}

#[test]
fn the_engine_is_given_up_after_15_polls() {
    let (failure, mut driver) = failing([working()]);
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("query-timeout", Some(504))
    );
    assert_eq!(polls(&driver), 15);
    assert_eq!(driver.slept(), Duration::from_secs(45));
    let details: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
    assert_eq!(details, json!({"polls": 15, "location": RESULT}));
    let expected = json!({
        "timestamp": "2026-01-01T00:00:45Z", "queryId": null, "latency_ms": 45_000, "accuracy_rate": 0.0, "rows_processed": 0,
        "status": "failed", "failure_code": "query-timeout",
    });
    assert_eq!(only(&mut driver, "audit"), expected);
    assert!(driver.take("quality").is_empty());
}

#[test]
fn locations_are_paths_or_urls() {
    let whole = "https://acme.cloud.nicecxone.com/api/v2/reporting/analytics/query_7";
    for (location, asked_for) in [
        (RESULT, RESULT),
        (whole, whole),
        ("analytics/query_7", RESULT),
        ("?query=7", "/api/v2/reporting/analytics?query=7"),
        ("/results/7?full=1#rows", "/results/7?full=1"),
    ] {
        let mut driver = driver_of(&json!({}));
        driver.respond(Method::Post, ANALYTICS, accepted(location));
        driver.respond(Method::Get, asked_for, page(&rows(), None));
        driver.run(&query()).unwrap();
    }
}

#[test]
fn a_location_that_leads_nowhere_ends_the_job() {
    for location in [
        "",
        "#top",
        "//evil.example.com/7",
        "ftp://a/7",
        "mailto:a",
        "a b",
        "/ü",
    ] {
        let mut driver = driver_of(&json!({}));
        driver.respond(Method::Post, ANALYTICS, accepted(location));
        let failure = driver.run(&query()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.status),
            ("malformed-location", Some(502)),
            "{location}"
        );
    }
}

#[test]
fn answers_to_the_query_have_their_status() {
    let cases = [
        (
            Response::of_json(400, &json!({"errors": []})),
            "query-refused",
            400,
        ),
        (
            Response::of(429).with_header("retry-after", "20"),
            "rate-limited",
            503,
        ),
        (Response::of(500), "unexpected-status", 502),
        (Response::of(503), "unexpected-status", 503),
        (Response::of(504), "unexpected-status", 504),
        (Response::of(403), "unexpected-status", 502),
        (
            Response::of_json(200, &json!({"data": []})),
            "unexpected-status",
            502,
        ),
        (Response::of(202), "malformed-location", 502),
    ];
    for (answer, code, status) in cases {
        let mut driver = driver_of(&json!({}));
        driver.respond(Method::Post, ANALYTICS, answer);
        let failure = driver.run(&query()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.status),
            (code, Some(status))
        );
        assert_eq!(only(&mut driver, "audit")["failure_code"], code);
    }
}

#[test]
fn an_open_breaker_is_503_with_the_time_to_come_back() {
    let mut driver = driver_of(&json!({}));
    driver.fail(
        Method::Post,
        ANALYTICS,
        nothing(RequestFailureKind::CircuitOpen),
    );
    let failure = driver.run(&query()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("circuit-open", Some(503))
    );
    assert_eq!(failure.retry_after, Some(Duration::from_secs(20)));
}

#[test]
fn errors_that_pass_do_not_end_it() {
    let mut driver = driver();
    for status in [500, 503, 404, 429, 408] {
        see(&mut driver, Response::of(status));
    }
    let mut malformed = Response::of(200);
    malformed.body = b"{\"data\": [{".into();
    see(&mut driver, malformed);
    let kinds = [
        RequestFailureKind::Timeout,
        RequestFailureKind::Unreachable,
        RequestFailureKind::Interrupted,
    ];
    for kind in kinds {
        driver.fail(Method::Get, RESULT, nothing(kind));
    }
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    assert_eq!(polls(&driver), 10);
}

#[test]
fn errors_that_do_not_pass_are_told_of_after_15_polls() {
    let mut malformed = Response::of(200);
    malformed.body = b"{\"data\": [7]}".into();
    let cases = [
        (Response::of(500), "unexpected-status", 502),
        (Response::of(504), "unexpected-status", 504),
        (malformed, "malformed-response", 502),
    ];
    for (answer, code, status) in cases {
        let (failure, driver) = failing([answer]);
        assert_eq!(
            (failure.code.as_str(), failure.status),
            (code, Some(status))
        );
        assert_eq!(polls(&driver), 15);
    }
}

#[test]
fn a_refusal_that_lasts_ends_it_at_once() {
    for status in [400, 401, 403, 410] {
        let (failure, driver) = failing([Response::of(status)]);
        assert_eq!(
            (failure.code.as_str(), failure.status),
            ("unexpected-status", Some(502))
        );
        assert_eq!(polls(&driver), 1);
    }
    let lasting = [
        (RequestFailureKind::CircuitOpen, 503),
        (RequestFailureKind::Refused, 500),
        (RequestFailureKind::Unauthorized, 502),
        (RequestFailureKind::TooLarge, 502),
    ];
    for (kind, status) in lasting {
        let mut driver = driver();
        driver.fail(Method::Get, RESULT, nothing(kind));
        assert_eq!(driver.run(&query()).unwrap_err().status, Some(status));
        assert_eq!(polls(&driver), 1);
    }
}

#[test]
fn a_query_that_the_engine_says_has_failed_has() {
    for status in ["failed", "cancelled"] {
        let (failure, _) = failing([Response::of_json(
            200,
            &json!({"queryId": "query_7", "status": status}),
        )]);
        assert_eq!(
            (failure.code.as_str(), failure.status),
            ("query-failed", Some(502))
        );
    }
}
