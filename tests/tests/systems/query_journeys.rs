//! Metrics of journeys (document 002), from the query to the webhook, against a simulated platform.

#[path = "query_journeys/reference.rs"]
mod reference;

use cxone_simulator::{Fault, Options};
use jackfield_tests::systems::{Answer, QueryJourneys, System, side_by_side};
use serde_json::{Value, json};

use crate::description::Description;
use crate::fault::{every_fault_changes_nothing, lost_an_answer};
use crate::scenario::{Scenario, problems, too_many};

const SUBMIT: (&str, &str) = ("POST", "/api/v2/reporting/analytics");
const POLL: (&str, &str) = ("GET", "/api/v2/reporting/analytics/");
const HAND_ON: (&str, &str) = ("POST", "/webhook/journey-metrics");

/// The result of a month, from the first of its ten days on.
const MONTH: &str = "2025-01";

fn ask(scenario: &Scenario, query: &Value) -> Answer {
    scenario
        .client
        .post("/aggregate", &query.to_string())
        .unwrap()
}

fn with(member: &str, value: Value) -> Value {
    let mut query = QueryJourneys::query(MONTH);
    match value {
        Value::Null => _ = query.as_object_mut().unwrap().remove(member),
        value => query[member] = value,
    }
    query
}

#[test]
fn a_result_is_sampled_freed_of_outliers_and_handed_on() {
    let platform = QueryJourneys.platform();
    let mut scenario = Scenario::start_with(&QueryJourneys, platform, |pipeline| {
        pipeline.set("jobs.aggregate.configuration.sample-rows=120")
    });
    let query = QueryJourneys::query(MONTH);
    let answer = ask(&scenario, &query);
    scenario.stop();

    let all = reference::rows(&scenario, &query);
    let sampled = reference::sample(&all, 120);
    let kept = reference::without_outliers(&sampled);
    assert!(kept.len() < sampled.len(), "there are outliers to be found");
    let latency = answer.json()["latency"].clone();
    assert!(latency.as_u64().unwrap() >= 40, "two polls of 20 ms");
    let expected = json!({ "status": "success", "latency": latency, "rows": kept.len() });
    assert_eq!((answer.status, answer.json()), (200, expected));

    let sent = &scenario.performed(SUBMIT.1)[0];
    assert_eq!(sent.body, query);
    let id = &sent.effect.answer["queryId"];
    let webhook = &scenario.performed(HAND_ON.1)[0].body;
    let summary = json!({ "total": all.len(), "sampled": kept.len() });
    let timestamp = &webhook["timestamp"];
    let expected =
        json!({ "timestamp": timestamp, "queryId": id, "metrics": kept, "summary": summary });
    assert_eq!(webhook, &expected);

    let audit = scenario.audit().unwrap();
    let expected = json!({
        "timestamp": audit[0]["timestamp"], "queryId": id, "latency_ms": latency,
        "accuracy_rate": kept.len() as f64 / all.len() as f64 * 100.0,
        "rows_processed": kept.len(), "status": "completed", "webhook": "delivered",
    });
    assert_eq!(audit, [expected]);
}

#[test]
fn of_a_year_at_most_5000_rows_are_handed_on_and_days_without_any_are_listed() {
    let mut scenario =
        Scenario::start_with(&QueryJourneys, Options::default(), |pipeline| pipeline);
    let query = include_str!("../../../examples/query-journeys/query.json");
    let answer = scenario.client.post("/aggregate", query).unwrap();
    scenario.stop();

    let query: Value = serde_json::from_str(query).unwrap();
    let all = reference::rows(&scenario, &query);
    let sampled = reference::sample(&all, 5_000);
    let kept = reference::without_outliers(&sampled);
    assert_eq!(sampled.len(), 5_000);
    assert_eq!(answer.json()["rows"], kept.len());
    let quality = &scenario.lines("quality.jsonl").unwrap()[0];
    assert_eq!(quality["total_rows"], all.len());
    assert_eq!(quality["sampled_rows"], 5_000);
    let missing = reference::days_without_rows(&all, "2025-01-01", 365);
    assert!(!missing.is_empty());
    let expected = json!({ "expected": 365, "found": 365 - missing.len(), "missing": missing });
    assert_eq!(quality["completeness"], expected);
}

#[test]
fn what_is_wrong_with_a_query_is_told_before_the_engine_is_asked() {
    let scenario = Scenario::start(&QueryJourneys);
    let description = Description::of(&scenario.client);
    let names = |count: u32| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let cases = [
        ("dimension", json!(names(5)), "too-many"),
        ("metric", json!(names(11)), "too-many"),
        ("metric", json!([]), "too-few"),
        ("limit", json!(0), "out-of-range"),
        ("limit", json!(10_001), "out-of-range"),
        ("limit", json!("many"), "wrong-type"),
        ("reportType", Value::Null, "missing"),
        ("timeGroupBy", json!(""), "empty"),
        ("filter", json!([]), "wrong-type"),
        ("dateFrom", json!("01/31/2025"), "malformed-date"),
        ("dateTo", json!("2024-12-31"), "before-date-from"),
        ("colour", json!("red"), "unknown-field"),
    ];
    for (field, value, code) in cases {
        let wrong = with(field, value);
        let answer = ask(&scenario, &wrong);
        assert_eq!(answer.status, 400, "{wrong}");
        let expected = [(field.to_owned(), code.to_owned())];
        assert_eq!(problems(&answer), expected, "{wrong}");
        description.check("post", "/aggregate", &answer);
    }
    assert_eq!(scenario.simulator().request_count(), 0);
}

#[test]
fn the_limits_themselves_are_right() {
    let scenario = Scenario::start(&QueryJourneys);
    let mut query = QueryJourneys::query(MONTH);
    query["dimension"] = json!(["journeyId", "date", "channel", "region"]);
    query["dateTo"] = query["dateFrom"].clone();
    query["limit"] = json!(10_000);
    assert_eq!(ask(&scenario, &query).status, 200);
}

#[test]
fn answers_are_those_of_the_description() {
    let scenario = Scenario::start(&QueryJourneys);
    let description = Description::of(&scenario.client);
    let client = &scenario.client;
    let long = format!("\"{}\"", "a".repeat(64 * 1024));
    let json = ("content-type", "application/json");
    let text = ("content-type", "text/plain");
    let cases = [
        ("POST", json, "{", 400, "malformed-json"),
        ("POST", json, &long, 413, "too-large"),
        ("POST", text, "limit", 415, "not-json"),
        ("GET", json, "", 405, "method-not-allowed"),
    ];
    for (method, header, body, status, code) in cases {
        let answer = client.ask(method, "/aggregate", &[header], body).unwrap();
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(code))
        );
        description.check("post", "/aggregate", &answer);
    }
    let done = ask(&scenario, &QueryJourneys::query(MONTH));
    assert_eq!(done.status, 200);
    description.check("post", "/aggregate", &done);
    let job = client.get(done.header("location")).unwrap();
    description.check("get", "/jobs/{id}", &job);
}

#[test]
fn a_query_that_takes_longer_is_answered_with_where_to_look() {
    let platform = QueryJourneys.platform();
    let scenario = Scenario::start_with(&QueryJourneys, platform, |pipeline| {
        pipeline.set("triggers.aggregate.wait=1ms")
    });
    let description = Description::of(&scenario.client);
    let answer = ask(&scenario, &QueryJourneys::query(MONTH));
    assert_eq!(answer.status, 202);
    description.check("post", "/aggregate", &answer);
}

#[test]
fn locations_are_paths_or_whole_urls() {
    let platform = Options {
        absolute_locations: true,
        ..QueryJourneys.platform()
    };
    let scenario = Scenario::start_with(&QueryJourneys, platform, |pipeline| pipeline);
    assert_eq!(ask(&scenario, &QueryJourneys::query(MONTH)).status, 200);
}

#[test]
fn what_passes_is_got_over_with_one_query() {
    let mut scenario = Scenario::start(&QueryJourneys);
    let page_without_keys = r#"{"queryId": "q", "status": "completed", "data": [{"date": "2025-01-01"}], "totalCount": 1}"#;
    let cases = [
        ("429 with a time", SUBMIT, 1, too_many(Some("1"))),
        ("429 without", SUBMIT, 2, too_many(None)),
        ("500", SUBMIT, 2, Fault::status(500)),
        ("503", SUBMIT, 2, Fault::status(503)),
        ("a cut connection", SUBMIT, 2, Fault::Cut),
        ("a lost answer", SUBMIT, 2, Fault::AnswerLost),
        ("half an answer", SUBMIT, 2, Fault::Malformed),
        ("a poll that is cut", POLL, 5, Fault::Cut),
        ("a page of half an answer", POLL, 5, Fault::Malformed),
        ("a poll that is refused", POLL, 5, Fault::status(503)),
        ("a query that is not there yet", POLL, 2, Fault::status(404)),
        ("drift", POLL, 1, Fault::answer(200, page_without_keys)),
        ("a webhook that is cut", HAND_ON, 2, Fault::Cut),
    ];
    let count = cases.len();
    for (number, (what, at, times, fault)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let month = format!("{}-01", 2000 + number);
        let answer = ask(&scenario, &QueryJourneys::query(&month));
        assert_eq!(answer.status, 200, "{what}: {}", answer.json());
    }
    scenario.stop();
    let once = |effect: &cxone_simulator::Effect| effect.performed == 1;
    assert!(scenario.simulator().effects().iter().all(once));
    assert_eq!(scenario.performed(SUBMIT.1).len(), count);
    assert_eq!(scenario.performed(HAND_ON.1).len(), count);
    assert_eq!(scenario.audit().unwrap().len(), count);
    let quality = scenario.lines("quality.jsonl").unwrap();
    let missing = json!({ "journeyId": 1, "journeyCompletionRate": 1, "journeyDropOffRate": 1 });
    let drifted = quality
        .iter()
        .find(|found| found["queryId"] == "q")
        .unwrap();
    assert_eq!(drifted["missing_keys"], missing);
}

#[test]
fn what_does_not_pass_has_a_status_a_code_and_an_audit_entry() {
    let mut scenario = Scenario::start(&QueryJourneys);
    let description = Description::of(&scenario.client);
    let refusal = r#"{"error": "invalid_request", "error_description": "no such metric"}"#;
    let cases = [
        (SUBMIT, 1, Fault::answer(400, refusal), 400, "query-refused"),
        (SUBMIT, 1, too_many(Some("3600")), 503, "rate-limited"),
        (SUBMIT, 3, too_many(None), 503, "rate-limited"),
        (SUBMIT, 3, Fault::status(500), 502, "unexpected-status"),
        (SUBMIT, 3, Fault::status(503), 503, "unexpected-status"),
        (SUBMIT, 3, Fault::status(504), 504, "unexpected-status"),
        (SUBMIT, 3, Fault::Cut, 502, "response-interrupted"),
        (
            SUBMIT,
            1,
            Fault::answer(202, "{}"),
            502,
            "malformed-location",
        ),
        (SUBMIT, 1, Fault::Fail, 502, "query-failed"),
        (SUBMIT, 1, Fault::Stall, 504, "query-timeout"),
        (POLL, 15, Fault::Malformed, 502, "malformed-response"),
        (POLL, 1, Fault::status(403), 502, "unexpected-status"),
    ];
    let mut expected = Vec::new();
    for (number, (at, times, fault, status, code)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let month = format!("{}-01", 2000 + number);
        let answer = ask(&scenario, &QueryJourneys::query(&month));
        let found = (answer.status, answer.json()["code"].clone());
        assert_eq!(found, (status, json!(code)));
        description.check("post", "/aggregate", &answer);
        if status == 503 {
            let asked = matches!(answer.header("retry-after"), "3600" | "");
            assert!(asked, "{}", answer.header("retry-after"));
        }
        expected.push(code);
    }
    scenario.stop();
    let audit = scenario.audit().unwrap();
    let noted: Vec<&str> = audit
        .iter()
        .map(|entry| entry["failure_code"].as_str().unwrap())
        .collect();
    assert_eq!(noted, expected);
    assert!(scenario.requests(HAND_ON).is_empty());
}

#[test]
fn an_engine_that_fails_and_fails_is_left_alone_and_callers_are_told_for_how_long() {
    let platform = QueryJourneys.platform();
    let scenario = Scenario::start_with(&QueryJourneys, platform, |pipeline| {
        pipeline.set("connections.cxone.circuit-breaker.failures=3")
    });
    scenario.plan(SUBMIT, 3, Fault::status(503));
    let query = QueryJourneys::query(MONTH);
    assert_eq!(ask(&scenario, &query).status, 503);
    let before = scenario.simulator().request_count();
    let answer = ask(&scenario, &query);
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("circuit-open"))
    );
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(scenario.simulator().request_count(), before);
}

#[test]
fn a_webhook_that_is_not_heard_does_not_undo_a_result() {
    let mut scenario = Scenario::start(&QueryJourneys);
    scenario.plan(HAND_ON, 3, Fault::status(500));
    assert_eq!(ask(&scenario, &QueryJourneys::query(MONTH)).status, 200);
    scenario.stop();
    let audit = scenario.audit().unwrap();
    assert_eq!(audit[0]["webhook"], json!({ "failed": "answered 500" }));
    assert_eq!(audit[0]["status"], "completed");
}

#[test]
fn every_fault_at_once_changes_nothing() {
    // Those of another year for each seed.
    let months = |seed| (1..=3).map(move |month| format!("{}-{month:02}", 2000 + seed));
    let scenario = every_fault_changes_nothing(
        &QueryJourneys,
        || Scenario::start(&QueryJourneys),
        |scenario, seeds| {
            side_by_side(seeds.flat_map(months), |month| {
                QueryJourneys::aggregate(&scenario.client, month)
            })
        },
    );
    assert!(lost_an_answer(&scenario));
}
