use serde_json::{Value, json};

use super::scenario::{driver, only, page, query, row, see};

/// What is said of the days of a query, where these have rows.
fn completeness(group_by: &str, from: &str, to: &str, days: &[&str]) -> Value {
    let mut driver = driver();
    let rows: Vec<Value> = days.iter().map(|day| row(day, 0.5, 0.2)).collect();
    see(&mut driver, page(&rows, None));
    let mut query = query();
    (query["timeGroupBy"], query["dateFrom"], query["dateTo"]) =
        (json!(group_by), json!(from), json!(to));
    driver.run(&query).unwrap();
    only(&mut driver, "quality")["completeness"].take()
}

#[test]
fn days_without_rows_are_listed() {
    let days = ["2024-02-27", "2024-02-27", "2024-03-01", "2024-03-09"];
    let expected = json!({"expected": 4, "found": 2, "missing": ["2024-02-28", "2024-02-29"]});
    assert_eq!(
        completeness("day", "2024-02-27", "2024-03-01", &days),
        expected
    );
}

#[test]
fn a_day_with_one_hour_is_there() {
    let hours = ["2025-01-01T23:00:00Z"];
    let expected = json!({"expected": 2, "found": 1, "missing": ["2025-01-02"]});
    assert_eq!(
        completeness(
            "hour",
            "2025-01-01T00:00:00Z",
            "2025-01-02T23:59:59Z",
            &hours
        ),
        expected
    );
}

#[test]
fn weeks_and_months_are_named_by_their_first_day() {
    let expected = json!({"expected": 3, "found": 1, "missing": ["2024-12-30", "2025-01-13"]});
    assert_eq!(
        completeness("week", "2025-01-01", "2025-01-14", &["2025-01-06"]),
        expected
    );
    let expected = json!({"expected": 3, "found": 2, "missing": ["2025-01-01"]});
    assert_eq!(
        completeness(
            "month",
            "2024-12-31",
            "2025-02-01",
            &["2024-12-01", "2025-02-01"]
        ),
        expected
    );
}

#[test]
fn nothing_is_said_of_lengths_of_time_that_are_not_known() {
    assert_eq!(
        completeness("quarter", "2025-01-01", "2025-12-31", &["2025-01-01"]),
        Value::Null
    );
}

#[test]
fn dates_that_are_none_are_no_days() {
    let expected = json!({"expected": 1, "found": 0, "missing": ["2025-01-01"]});
    assert_eq!(
        completeness(
            "day",
            "2025-01-01",
            "2025-01-01",
            &["", "yesterday", "2025-1-1"]
        ),
        expected
    );
}
