use jackfield_sdk::testing::JobDriver;
use proptest::prelude::*;
use query_journeys::QueryJourneys;
use serde_json::{Value, json};

use super::scenario::{driver, query, with};

/// Field and code of everything that is wrong with an input.
fn problems(input: &Value) -> Vec<(String, String)> {
    let found = driver().validate(input).err().unwrap_or_default();
    let found = found.into_iter();
    found.map(|problem| (problem.field, problem.code)).collect()
}

fn is(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

fn names(count: usize) -> Value {
    (0..count).map(|number| format!("name{number}")).collect()
}

#[test]
fn a_query_within_the_engines_limits_is_right() {
    for right in [
        query(),
        with("dimension", names(4)),
        with("dimension", json!([])),
        with("dimension", Value::Null),
        with("metric", names(10)),
        with("filter", Value::Null),
        with("limit", json!(1)),
        with("limit", json!(10_000)),
        with("timeGroupBy", json!("quarter")),
        with("dateTo", json!("2025-01-01T23:59:59Z")),
        with("dateFrom", json!("2025-01-01T00:00:00.5+01:00")),
    ] {
        assert_eq!(problems(&right), [], "{right}");
    }
}

#[test]
fn each_field_has_its_rule() {
    let cases = [
        ("reportType", json!(""), "empty"),
        ("reportType", Value::Null, "missing"),
        ("metric", names(11), "too-many"),
        ("metric", json!([]), "too-few"),
        ("metric", json!("journeyCompletionRate"), "wrong-type"),
        ("dimension", names(5), "too-many"),
        ("dimension", json!({}), "wrong-type"),
        ("filter", json!([]), "wrong-type"),
        ("timeGroupBy", json!(1), "wrong-type"),
        ("dateFrom", json!("01/31/2025"), "malformed-date"),
        ("dateFrom", json!("2025-02-30"), "malformed-date"),
        ("dateFrom", json!("20250101"), "malformed-date"),
        ("dateFrom", json!("2025-01-01T10:00"), "malformed-date"),
        ("dateFrom", json!("2025-01-01Tea"), "malformed-date"),
        ("dateTo", json!("2024-12-31"), "before-date-from"),
        ("dateTo", json!("2525-01-01"), "too-long"),
        ("limit", json!(0), "out-of-range"),
        ("limit", json!(10_001), "out-of-range"),
        ("limit", json!(-1), "out-of-range"),
        ("limit", json!(1.5), "out-of-range"),
        ("limit", json!("100"), "wrong-type"),
        ("limit", Value::Null, "missing"),
        ("metrics", json!([]), "unknown-field"),
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
fn an_entry_of_a_list_is_named_by_its_place() {
    let input = with("metric", json!(["a", "a", 7]));
    let expected = [("metric[1]", "repeated"), ("metric[2]", "wrong-type")];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(problems(&input), expected);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let input = json!({"metric": names(11), "dimension": names(5), "dateFrom": "now", "limit": 0});
    let expected = [
        ("reportType", "missing"),
        ("metric", "too-many"),
        ("dimension", "too-many"),
        ("timeGroupBy", "missing"),
        ("dateFrom", "malformed-date"),
        ("dateTo", "missing"),
        ("limit", "out-of-range"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(problems(&input), expected);
}

#[test]
fn the_limit_is_told_with_the_value() {
    let found = driver().validate(&with("dimension", names(5))).unwrap_err();
    assert_eq!(
        found[0].message,
        "dimension has 5 entries, at most 4 are allowed"
    );
    let found = driver().validate(&with("limit", json!(0))).unwrap_err();
    assert_eq!(
        found[0].message,
        "limit must be a whole number from 1 to 10000"
    );
    assert_eq!(found[0].value.as_deref(), Some("0"));
}

#[test]
fn what_is_no_object_is_told_so() {
    for (input, code) in [
        ("", "malformed"),
        ("{\"limit\":", "malformed"),
        ("[]", "wrong-type"),
        ("null", "wrong-type"),
    ] {
        assert_eq!(
            driver().validate_bytes(input.as_bytes()).unwrap_err()[0].code,
            code,
            "{input}"
        );
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for (configuration, part) in [
        (r#"{"webhook-path": "bi"}"#, "begins with a slash"),
        (r#"{"sample-rows": 0}"#, "at least 1"),
        (r#"{"quartiles": "guess"}"#, "guess"),
        (r#"{"sample": 5}"#, "sample"),
    ] {
        let refused = JobDriver::<QueryJourneys>::new(configuration)
            .err()
            .unwrap();
        assert!(refused.contains(part), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_text_is_read_as_a_date_that_is_none(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}|.{0,12}") {
        let mut input = with("dateFrom", json!(text));
        input["dateTo"] = json!(text);
        let is_date = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        prop_assert_eq!(problems(&input).is_empty(), is_date);
    }
}
