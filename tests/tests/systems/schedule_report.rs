//! Report exports by schedule (document 000), from the request to the audit log, against a simulated platform.

use cxone_simulator::{Fault, Options};
use jackfield_tests::systems::{ScheduleReport, side_by_side};
use serde_json::{Value, json};

use crate::description::Description;
use crate::fault::{every_fault_changes_nothing, lost_an_answer};
use crate::scenario::{Scenario, failure, problems, too_many};

const CREATE: (&str, &str) = ("POST", "/api/v2/reporting/schedules");
const LOOK: (&str, &str) = ("GET", "/api/v2/reporting/schedules/");
const TELL: (&str, &str) = ("POST", "/api/v1/refresh/cxone-export");

fn export(scenario: &Scenario, report: &str) -> Value {
    ScheduleReport::export(&scenario.client, report).unwrap()
}

fn with(member: &str, value: Value) -> Value {
    let mut request = ScheduleReport::request("report_1");
    match value {
        Value::Null => _ = request.as_object_mut().unwrap().remove(member),
        value => request[member] = value,
    }
    request
}

#[test]
fn an_export_is_scheduled_watched_audited_and_told_of() {
    let mut scenario = Scenario::start(&ScheduleReport);
    let document = export(&scenario, "report_1");
    scenario.stop();

    let sent = &scenario.performed(CREATE.1)[0];
    let expected = json!({
        "reportId": "report_1",
        "name": "Daily Agent Performance Export",
        "frequency": "daily",
        "time": "02:00",
        "outputFormat": "csv",
        "deliveryMethod": "webhook",
        "deliveryUrl": "https://bi-platform.example.com/api/v1/callbacks/cxone",
        "incremental": true,
        "compression": "gzip",
        "partitionBy": "date",
    });
    assert_eq!(sent.body, expected);
    let id = &sent.effect.answer["id"];

    // Empty, queued, running, completed.
    assert_eq!(scenario.requests(LOOK).len(), 4);
    let rows = scenario.simulator().callbacks()[0].body["rowCount"].clone();
    let score = rows.as_f64().unwrap() / 2_500_000.0;
    let output = &document["output"];
    let milliseconds = output["executionLatencyMs"].as_u64().unwrap();
    assert!(milliseconds >= 60, "three waits of 20 ms: {milliseconds}");
    let expected = json!({
        "scheduleId": id, "status": "SUCCESS", "executionLatencyMs": milliseconds,
        "dataCompletenessScore": score, "actualRowCount": rows, "webhook": "delivered",
    });
    assert_eq!(output, &expected);

    let told = &scenario.requests(TELL)[0];
    assert_eq!(told.headers["x-source"], "CXone-Scheduler");
    let body: Value = serde_json::from_str(&told.body).unwrap();
    let expected = json!({
        "scheduleId": id, "status": "completed", "timestamp": body["timestamp"], "rowCount": rows,
    });
    assert_eq!(body, expected);

    let audit = scenario.audit().unwrap();
    let expected = json!({
        "timestamp": audit[0]["timestamp"], "scheduleId": id, "reportId": "report_1", "status": "SUCCESS",
        "executionLatencyMs": milliseconds, "dataCompletenessScore": score, "actualRowCount": rows,
        "governanceCompliant": true,
    });
    assert_eq!(audit, [expected]);
}

#[test]
fn what_is_wrong_with_a_request_is_told_before_anything_is_done() {
    let mut scenario = Scenario::start(&ScheduleReport);
    let description = Description::of(&scenario.client);
    let cases = [
        ("reportId", json!(""), "reportId", "empty"),
        ("name", json!(7), "name", "wrong-type"),
        ("frequency", json!("hourly"), "frequency", "not-allowed"),
        ("time", json!("24:00"), "time", "malformed-time"),
        ("time", Value::Null, "time", "missing"),
        ("outputFormat", json!("pdf"), "outputFormat", "not-allowed"),
        ("incremental", json!("yes"), "incremental", "wrong-type"),
        (
            "reportId",
            json!("adhoc_7"),
            "incremental",
            "not-partitioned",
        ),
        ("compression", json!("zip"), "compression", "not-allowed"),
        (
            "deliveryUrl",
            json!("http://bi.example.com"),
            "deliveryUrl",
            "malformed-url",
        ),
        (
            "estimatedBytes",
            json!(5_368_709_121_u64),
            "estimatedBytes",
            "over-storage-quota",
        ),
        ("colour", json!("red"), "colour", "unknown-field"),
    ];
    for (member, value, field, code) in cases {
        let wrong = with(member, value).to_string();
        let answer = scenario.client.post("/exports", &wrong).unwrap();
        assert_eq!(answer.status, 400, "{wrong}");
        let expected = [(field.to_owned(), code.to_owned())];
        assert_eq!(problems(&answer), expected, "{wrong}");
        description.check("post", "/exports", &answer);
    }
    assert_eq!(scenario.simulator().request_count(), 0);
    scenario.stop();
    assert_eq!(scenario.audit().unwrap(), [Value::Null; 0]);
}

#[test]
fn the_sample_of_a_wrong_request_is_told_all_that_is_wrong() {
    let scenario = Scenario::start(&ScheduleReport);
    let wrong = include_str!("../../../examples/schedule-report/wrong.json");
    let answer = scenario.client.post("/exports", wrong).unwrap();
    let problems = problems(&answer);
    let fields: Vec<&str> = problems.iter().map(|(field, _)| field.as_str()).collect();
    let expected = [
        "name",
        "frequency",
        "time",
        "outputFormat",
        "compression",
        "deliveryUrl",
        "incremental",
        "expectedRows",
        "expectedRows",
        "colour",
    ];
    assert_eq!(fields, expected);
    let body = answer.json();
    assert_eq!(
        body["problems"][1]["allowed"],
        json!(["daily", "weekly", "monthly"])
    );
}

#[test]
fn answers_are_those_of_the_description() {
    let scenario = Scenario::start(&ScheduleReport);
    let description = Description::of(&scenario.client);
    let client = &scenario.client;
    let long = format!("\"{}\"", "a".repeat(64 * 1024));
    let json = ("content-type", "application/json");
    let cases = [
        ("POST", json, "{", 400, "malformed-json"),
        ("POST", json, &long, 413, "too-large"),
        ("POST", ("content-type", "text/csv"), "a,b", 415, "not-json"),
        ("GET", json, "", 405, "method-not-allowed"),
    ];
    for (method, header, body, status, code) in cases {
        let answer = client.ask(method, "/exports", &[header], body).unwrap();
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(code))
        );
        description.check("post", "/exports", &answer);
    }
    let right = ScheduleReport::request("report_1").to_string();
    let taken = client.post("/exports", &right).unwrap();
    assert_eq!(taken.status, 202);
    description.check("post", "/exports", &taken);
    let job = client.get(taken.header("location")).unwrap();
    description.check("get", "/jobs/{id}", &job);
    let unknown = client.get("/jobs/none").unwrap();
    assert_eq!(unknown.status, 404);
    description.check("get", "/jobs/{id}", &unknown);
}

#[test]
fn what_passes_is_got_over_with_one_schedule() {
    let mut scenario = Scenario::start(&ScheduleReport);
    let cases = [
        ("429 with a time", CREATE, 1, too_many(Some("1"))),
        ("429 without", CREATE, 2, too_many(None)),
        ("500", CREATE, 2, Fault::status(500)),
        ("503", CREATE, 2, Fault::status(503)),
        ("a cut connection", CREATE, 2, Fault::Cut),
        ("a lost answer", CREATE, 2, Fault::AnswerLost),
        ("malformed JSON", CREATE, 2, Fault::Malformed),
        ("a poll that is cut", LOOK, 5, Fault::Cut),
        ("a poll of half an answer", LOOK, 5, Fault::Malformed),
        ("a poll that is refused", LOOK, 5, Fault::status(503)),
        (
            "a schedule that is not there yet",
            LOOK,
            2,
            Fault::status(404),
        ),
        ("a webhook that is cut", TELL, 2, Fault::Cut),
    ];
    for (number, (what, at, times, fault)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let document = export(&scenario, &format!("report_{number}"));
        assert_eq!(document["output"]["webhook"], "delivered", "{what}");
    }
    scenario.stop();
    let once = |effect: &cxone_simulator::Effect| effect.performed == 1;
    assert!(scenario.simulator().effects().iter().all(once));
    assert_eq!(scenario.performed(CREATE.1).len(), 12);
    assert_eq!(scenario.performed(TELL.1).len(), 12);
    assert_eq!(scenario.audit().unwrap().len(), 12);
}

#[test]
fn a_platform_that_asks_for_a_second_is_left_alone_for_it() {
    let scenario = Scenario::start(&ScheduleReport);
    scenario.plan(CREATE, 1, too_many(Some("1")));
    export(&scenario, "report_1");
    let times: Vec<jiff::Timestamp> = scenario
        .requests(CREATE)
        .iter()
        .map(|request| request.time.parse().unwrap())
        .collect();
    let waited = times[1].duration_since(times[0]);
    assert!(waited.as_millis() >= 1_000, "{waited}");
}

#[test]
fn what_does_not_pass_is_a_failure_with_its_code_and_an_audit_entry() {
    let platform = Options::default();
    let mut scenario = Scenario::start_with(&ScheduleReport, platform, |pipeline| {
        pipeline.set("jobs.export.configuration.execution-limit=300ms")
    });
    let refusal = r#"{"error": "invalid_request", "error_description": "no such report"}"#;
    let cases = [
        (
            CREATE,
            1,
            Fault::answer(400, refusal),
            "schedule-refused",
            400,
        ),
        (CREATE, 3, too_many(None), "rate-limited", 503),
        (CREATE, 3, Fault::status(500), "unexpected-status", 502),
        (CREATE, 3, Fault::status(503), "unexpected-status", 503),
        (CREATE, 1, Fault::status(403), "unexpected-status", 502),
        (CREATE, 3, Fault::Cut, "response-interrupted", 502),
        (CREATE, 3, Fault::Malformed, "malformed-response", 502),
        (CREATE, 1, Fault::Fail, "export-failed", 502),
        (CREATE, 1, Fault::Stall, "execution-timeout", 504),
        (LOOK, 1, Fault::status(403), "unexpected-status", 502),
    ];
    let mut expected = Vec::new();
    for (number, (at, times, fault, code, status)) in cases.into_iter().enumerate() {
        scenario.plan(at, times, fault);
        let document = export(&scenario, &format!("report_{number}"));
        assert_eq!(document["state"], "failed");
        assert_eq!(failure(&document), (code, status));
        expected.push((format!("report_{number}"), code));
    }
    scenario.stop();
    let audit = scenario.audit().unwrap();
    let noted: Vec<_> = audit
        .iter()
        .map(|entry| {
            assert_eq!(entry["status"], "FAILURE");
            let text = |name: &str| entry[name].as_str().unwrap();
            (text("reportId").to_owned(), text("failureCode"))
        })
        .collect();
    assert_eq!(noted, expected);
    assert!(
        scenario.requests(TELL).is_empty(),
        "nobody is told of a failure"
    );
}

#[test]
fn a_webhook_that_is_not_heard_does_not_undo_an_export() {
    let mut scenario = Scenario::start(&ScheduleReport);
    scenario.plan(TELL, 3, Fault::status(500));
    let document = export(&scenario, "report_1");
    assert_eq!(
        document["output"]["webhook"],
        json!({ "failed": "answered 500" })
    );
    scenario.stop();
    assert_eq!(scenario.audit().unwrap()[0]["status"], "SUCCESS");
}

#[test]
fn a_token_that_is_withdrawn_is_replaced() {
    let scenario = Scenario::start(&ScheduleReport);
    export(&scenario, "report_1");
    scenario.simulator().revoke_tokens();
    assert_eq!(export(&scenario, "report_2")["state"], "done");
    assert_eq!(scenario.requests(("POST", "/oauth/token")).len(), 2);
}

#[test]
fn the_same_request_by_the_same_key_is_the_same_export() {
    let scenario = Scenario::start(&ScheduleReport);
    let (first, again) = (export(&scenario, "report_1"), export(&scenario, "report_1"));
    assert_eq!(first, again);
    assert_eq!(scenario.performed(CREATE.1).len(), 1);
}

#[test]
fn every_fault_at_once_changes_nothing() {
    let reports = |seed| (0..3).map(move |number| format!("report_{seed}_{number}"));
    let scenario = every_fault_changes_nothing(
        &ScheduleReport,
        || Scenario::start(&ScheduleReport),
        |scenario, seeds| {
            side_by_side(seeds.flat_map(reports), |report| {
                ScheduleReport::export(&scenario.client, report)
            })
        },
    );
    assert!(lost_an_answer(&scenario));
}
