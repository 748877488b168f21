use jackfield_sdk::testing::JobDriver;
use jackfield_sdk::{Method, Response};
use query_journeys::QueryJourneys;
use serde_json::{Value, json};

use super::scenario::{
    ANALYTICS, RESULT, WEBHOOK, accepted, driver, driver_of, handed_on, only, page, query, row,
    rows, see, taking,
};

fn rates(completion: &[Value]) -> Vec<Value> {
    let rows = completion.iter();
    rows.map(|rate| row("2025-01-01", rate.clone(), 0.2))
        .collect()
}

/// The completion rates that are left of these, and what is said of them.
fn filtered(mut driver: JobDriver<QueryJourneys>, completion: &[Value]) -> (Vec<Value>, Value) {
    see(&mut driver, page(&rates(completion), None));
    driver.run(&query()).unwrap();
    let mut left = handed_on(&driver)["metrics"].take();
    let left = left.as_array_mut().unwrap().iter_mut();
    let left = left
        .map(|row| row["journeyCompletionRate"].take())
        .collect();
    (left, only(&mut driver, "quality")["outliers"][0].take())
}

#[test]
fn a_result_is_handed_on_as_the_document_says() {
    let mut driver = driver();
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    let told = driver.requests().last().unwrap();
    assert_eq!(
        (told.connection.as_str(), told.path.as_str()),
        ("bi", WEBHOOK)
    );
    assert!(
        told.headers
            .contains(&("x-aggregator-version".into(), "1.0.0".into()))
    );
    let expected = json!({
        "timestamp": "2026-01-01T00:00:03Z", "queryId": "query_7", "metrics": rows(), "summary": {"total": 3, "sampled": 3},
    });
    assert_eq!(told.body_json(), expected);
}

#[test]
fn a_result_is_audited_with_all_fields() {
    let mut driver = driver();
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    let expected = json!({
        "timestamp": "2026-01-01T00:00:03Z", "queryId": "query_7", "latency_ms": 3_000, "accuracy_rate": 100.0,
        "rows_processed": 3, "status": "completed", "webhook": "delivered",
    });
    assert_eq!(only(&mut driver, "audit"), expected);
}

#[test]
fn a_webhook_that_does_not_take_it_does_not_undo_a_result() {
    let mut driver = driver_of(&json!({"webhook-path": WEBHOOK}));
    driver.respond(Method::Post, ANALYTICS, accepted(RESULT));
    driver.respond(Method::Get, RESULT, page(&rows(), None));
    driver.respond(Method::Post, WEBHOOK, Response::of(503));
    assert_eq!(driver.run(&query()).unwrap()["status"], "success");
    assert_eq!(
        only(&mut driver, "audit")["webhook"],
        json!({"failed": "answered 503"})
    );
}

#[test]
fn without_a_webhook_nobody_is_told() {
    let mut driver = taking(driver_of(&json!({})));
    see(&mut driver, page(&rows(), None));
    driver.run(&query()).unwrap();
    assert_eq!(driver.requests().len(), 2);
    assert_eq!(only(&mut driver, "audit").get("webhook"), None);
}

#[test]
fn keys_that_rows_lack_are_counted() {
    let mut driver = driver();
    let mut rows = rows();
    rows[0].as_object_mut().unwrap().remove("journeyId");
    rows[1] = json!({"date": "2025-01-02", "journeyCompletionRate": null});
    see(&mut driver, page(&rows, None));
    assert_eq!(driver.run(&query()).unwrap()["rows"], 3, "they are kept");
    let missing = only(&mut driver, "quality")["missing_keys"].take();
    assert_eq!(missing, json!({"journeyId": 2, "journeyDropOffRate": 1}));
}

#[test]
fn more_than_5000_rows_are_sampled_to_5000() {
    for (total, kept) in [
        (4_999, 4_999),
        (5_000, 5_000),
        (5_001, 5_000),
        (9_999, 5_000),
        (12_345, 5_000),
    ] {
        let mut driver = driver();
        let rows: Vec<Value> = (0..total)
            .map(|place| row("2025-01-01", place, 0.2))
            .collect();
        see(&mut driver, page(&rows, None));
        assert_eq!(driver.run(&query()).unwrap()["rows"], kept);
        let handed_on = handed_on(&driver);
        assert_eq!(
            handed_on["summary"],
            json!({"total": total, "sampled": kept})
        );
        assert_eq!(handed_on["metrics"][0]["journeyCompletionRate"], 0);
        let accuracy = only(&mut driver, "audit")["accuracy_rate"]
            .as_f64()
            .unwrap();
        assert_eq!(accuracy, f64::from(kept) / f64::from(total) * 100.0);
    }
}

#[test]
fn outliers_are_left_out() {
    let rates = [1, 2, 3, 4, 5, 6, 7, 100, -50].map(Value::from);
    // Sorted, places 2 and 6 of 9 hold 2 and 6: the fences are -4 and 12.
    let (left, said) = filtered(driver(), &rates);
    assert_eq!(left, [1, 2, 3, 4, 5, 6, 7].map(Value::from));
    let fences =
        json!({"first_quartile": 2.0, "third_quartile": 6.0, "lower": -4.0, "upper": 12.0});
    let expected = json!({"metric": "journeyCompletionRate", "fences": fences, "left_out": 2, "not_numbers": 0});
    assert_eq!(said, expected);
}

#[test]
fn what_is_on_a_fence_is_kept() {
    let rates = [2, 2, 2, 4, 6, 6, 6, 12, -4].map(Value::from);
    assert_eq!(filtered(driver(), &rates).0.len(), 9);
}

#[test]
fn quartiles_between_values_are_an_option() {
    let rates = [1, 2, 3, 4].map(Value::from);
    let driver = taking(driver_of(
        &json!({"webhook-path": WEBHOOK, "quartiles": "linear"}),
    ));
    let (_, said) = filtered(driver, &rates);
    assert_eq!(said["fences"]["first_quartile"], 1.75);
    assert_eq!(said["fences"]["third_quartile"], 3.25);
}

#[test]
fn what_is_no_number_is_kept_and_counted() {
    let rates = [
        json!(1),
        json!("NaN"),
        Value::Null,
        json!(2),
        json!("3"),
        json!(1_000),
        json!(3),
        json!(2),
    ];
    let (left, said) = filtered(driver(), &rates);
    assert_eq!(
        left,
        [
            json!(1),
            json!("NaN"),
            Value::Null,
            json!(2),
            json!("3"),
            json!(3),
            json!(2)
        ]
    );
    assert_eq!(
        (&said["left_out"], &said["not_numbers"]),
        (&json!(1), &json!(3))
    );
}

#[test]
fn where_there_is_no_number_nothing_is_left_out() {
    let (left, said) = filtered(driver(), &[json!("NaN"), Value::Null]);
    assert_eq!(left.len(), 2);
    assert_eq!(
        (&said["fences"], &said["not_numbers"]),
        (&Value::Null, &json!(2))
    );
}

#[test]
fn both_rates_are_filtered_the_second_after_the_first() {
    let mut rows: Vec<Value> = (0..8).map(|_| row("2025-01-01", 0.5, 0.2)).collect();
    rows.push(row("2025-01-01", 0.5, 0.9));
    rows.push(row("2025-01-01", 0.9, 0.9));
    let mut driver = driver();
    see(&mut driver, page(&rows, None));
    driver.run(&query()).unwrap();
    let quality = only(&mut driver, "quality");
    let left_out: Vec<_> = (0..2)
        .map(|metric| &quality["outliers"][metric]["left_out"])
        .collect();
    assert_eq!(left_out, [1, 1]);
    assert_eq!(
        (&quality["total_rows"], &quality["rows"]),
        (&json!(10), &json!(8))
    );
}

#[test]
fn the_engines_own_count_stands_beside_ours() {
    let mut driver = driver();
    let fewer =
        json!({"queryId": "query_7", "status": "completed", "data": rows(), "totalCount": 5});
    see(&mut driver, Response::of_json(200, &fewer));
    driver.run(&query()).unwrap();
    let quality = only(&mut driver, "quality");
    assert_eq!(
        (&quality["counted_rows"], &quality["total_rows"]),
        (&json!(5), &json!(3))
    );
}
