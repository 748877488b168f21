use jackfield_sdk::testing::JobDriver;
use proptest::prelude::*;
use schedule_report::ScheduleReport;
use serde_json::{Value, json};

use super::scenario::{driver, driver_of, request, with};

/// Field and code of everything that is wrong with an input.
fn problems(input: &Value) -> Vec<(String, String)> {
    let found = driver().validate(input).err().unwrap_or_default();
    let found = found.into_iter();
    found.map(|problem| (problem.field, problem.code)).collect()
}

fn is(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

#[test]
fn the_documents_request_is_right() {
    assert_eq!(problems(&request()), []);
}

#[test]
fn each_field_has_its_rule() {
    let cases = [
        ("reportId", json!(""), "empty"),
        ("reportId", json!(7), "wrong-type"),
        ("reportId", Value::Null, "missing"),
        ("name", json!(""), "empty"),
        ("name", json!(["a"]), "wrong-type"),
        ("frequency", json!("hourly"), "not-allowed"),
        ("frequency", json!("Daily"), "not-allowed"),
        ("frequency", json!(1), "not-allowed"),
        ("time", json!("24:00"), "malformed-time"),
        ("time", json!("2:00"), "malformed-time"),
        ("time", json!(200), "wrong-type"),
        ("outputFormat", json!("pdf"), "not-allowed"),
        ("incremental", json!("true"), "wrong-type"),
        ("compression", json!("zip"), "not-allowed"),
        (
            "deliveryUrl",
            json!("http://bi.example.com"),
            "malformed-url",
        ),
        ("deliveryUrl", json!("https://"), "malformed-url"),
        ("deliveryUrl", Value::Null, "missing"),
        ("expectedRows", json!(-1), "out-of-range"),
        ("expectedRows", json!("many"), "wrong-type"),
        ("estimatedBytes", json!(0.5), "out-of-range"),
        ("deliveryMethod", json!("email"), "not-allowed"),
        ("partitionBy", json!("agent"), "not-allowed"),
        ("reportID", json!("report_1"), "unknown-field"),
    ];
    for (field, value, code) in cases {
        assert_eq!(
            problems(&with(field, value.clone())),
            is(field, code),
            "{value}"
        );
    }
}

#[test]
fn incremental_exports_are_of_reports_that_are_partitioned_by_date() {
    let mut input = with("reportId", json!("adhoc_1"));
    assert_eq!(problems(&input), is("incremental", "not-partitioned"));
    input["incremental"] = json!(false);
    assert_eq!(problems(&input), []);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let input = json!({
        "reportId": "adhoc_1", "frequency": "hourly", "time": "25:00", "outputFormat": "pdf", "incremental": true,
        "compression": "zip", "deliveryUrl": "ftp://x", "expectedRows": 20_000_000, "colour": "red",
    });
    let expected = [
        ("name", "missing"),
        ("frequency", "not-allowed"),
        ("time", "malformed-time"),
        ("outputFormat", "not-allowed"),
        ("compression", "not-allowed"),
        ("deliveryUrl", "malformed-url"),
        ("incremental", "not-partitioned"),
        ("expectedRows", "too-many-rows"),
        ("expectedRows", "over-storage-quota"),
        ("colour", "unknown-field"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(problems(&input), expected);
}

#[test]
fn a_problem_names_the_field_its_value_and_what_is_allowed() {
    let found = driver()
        .validate(&with("frequency", json!("hourly")))
        .unwrap_err();
    assert_eq!(found[0].field, "frequency");
    assert_eq!(found[0].value.as_deref(), Some("\"hourly\""));
    assert_eq!(found[0].allowed, ["daily", "weekly", "monthly"]);
    assert_eq!(
        found[0].message,
        "frequency must be one of daily, weekly, monthly"
    );
}

#[test]
fn an_export_has_at_most_10_million_rows() {
    assert_eq!(problems(&with("expectedRows", json!(10_000_000))), []);
    let one_more = problems(&with("expectedRows", json!(10_000_001)));
    assert_eq!(one_more, is("expectedRows", "too-many-rows"));
}

#[test]
fn an_export_needs_at_most_5_gib() {
    let limit: u64 = 5_368_709_120;
    assert_eq!(problems(&with("estimatedBytes", json!(limit))), []);
    let one_more = problems(&with("estimatedBytes", json!(limit + 1)));
    assert_eq!(one_more, is("estimatedBytes", "over-storage-quota"));
}

#[test]
fn an_export_whose_size_nobody_estimates_is_as_large_as_its_rows() {
    let driver = driver_of(r#"{"bytes-a-row": 1000, "maximum-storage-bytes": 2500000000}"#);
    assert!(driver.validate(&request()).is_ok());
    let one_more = driver.validate(&with("expectedRows", json!(2_500_001)));
    assert_eq!(one_more.unwrap_err()[0].code, "over-storage-quota");
}

#[test]
fn what_is_no_object_is_told_so() {
    let driver = driver();
    for (input, code) in [
        ("", "malformed"),
        ("{", "malformed"),
        ("[]", "wrong-type"),
        ("\"x\"", "wrong-type"),
    ] {
        assert_eq!(
            driver.validate_bytes(input.as_bytes()).unwrap_err()[0].code,
            code,
            "{input}"
        );
    }
}

#[test]
fn a_webhook_path_without_a_slash_is_refused() {
    let made = JobDriver::<ScheduleReport>::new(r#"{"webhook-path": "refresh"}"#);
    assert!(made.err().unwrap().contains("webhook-path is `refresh`"));
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
    ]
}

proptest! {
    #[test]
    fn one_wrong_field_is_the_one_that_is_named(field in 0_usize..9, value in anything()) {
        let input = request();
        let name = input.as_object().unwrap().keys().nth(field).unwrap().clone();
        for (named, _) in problems(&with(&name, value)) {
            // Without its prefix a report is not partitioned, which is told of what needs it to be.
            prop_assert!(named == name || (name == "reportId" && named == "incremental"));
        }
    }

    #[test]
    fn every_time_of_a_day_is_right(hour in 0_u8..24, minute in 0_u8..60) {
        prop_assert_eq!(problems(&with("time", json!(format!("{hour:02}:{minute:02}")))), []);
    }
}
