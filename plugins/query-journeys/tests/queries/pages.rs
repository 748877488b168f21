use std::time::Duration;

use jackfield_sdk::{Method, Response};
use serde_json::{Value, json};

use super::scenario::{
    RESULT, driver, driver_of, failing, handed_on, only, page, polls, query, row, rows, see, taking,
};

fn next(token: &str) -> String {
    format!("{RESULT}?nextPageToken={token}")
}

#[test]
fn pages_are_put_together_in_their_order_without_a_pause() {
    let mut driver = driver();
    let [first, second, third] = &rows()[..] else {
        panic!("there are three rows");
    };
    see(&mut driver, page(std::slice::from_ref(first), Some("a/b=")));
    driver.respond(Method::Get, &next("a%2Fb%3D"), page(&[], Some("c")));
    driver.respond(
        Method::Get,
        &next("c"),
        page(&[second.clone(), third.clone()], Some("")),
    );
    driver.run(&query()).unwrap();
    assert_eq!(handed_on(&driver)["metrics"], json!(rows()));
    assert_eq!(driver.slept(), Duration::from_secs(3));
}

#[test]
fn a_page_that_does_not_come_is_polled_for_too() {
    let mut driver = driver();
    see(&mut driver, page(&rows(), Some("b")));
    driver.respond(Method::Get, &next("b"), Response::of(500));
    driver.respond(Method::Get, &next("b"), Response::of(202));
    driver.respond(Method::Get, &next("b"), page(&rows(), None));
    assert_eq!(driver.run(&query()).unwrap()["rows"], 6);
    assert_eq!(polls(&driver), 4);
}

#[test]
fn pages_that_lead_in_a_circle_end_the_job() {
    for circle in [["b", "b"], ["b", "c"]] {
        let mut driver = driver();
        see(&mut driver, page(&rows(), Some("b")));
        driver.respond(Method::Get, &next("b"), page(&rows(), Some(circle[1])));
        driver.respond(Method::Get, &next("c"), page(&rows(), Some("b")));
        let failure = driver.run(&query()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.status),
            ("repeated-page", Some(502))
        );
    }
}

#[test]
fn pages_without_end_end_the_job() {
    let mut driver = driver_of(&json!({}));
    driver.serve(|request| {
        if request.method == Method::Post {
            return Ok(super::scenario::accepted(RESULT));
        }
        let read = request
            .path
            .split("p")
            .last()
            .and_then(|number| number.parse::<u32>().ok());
        Ok(page(
            &[],
            Some(&format!("p{}", read.unwrap_or_default() + 1)),
        ))
    });
    let failure = driver.run(&query()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("too-many-pages", Some(422))
    );
    assert_eq!(polls(&driver), 5_001);
}

#[test]
fn a_result_that_is_too_large_to_be_held_is_refused() {
    let small = || taking(driver_of(&json!({"maximum-rows": 3})));
    let mut driver = small();
    see(&mut driver, page(&rows(), None));
    assert!(driver.run(&query()).is_ok());

    let mut driver = small();
    see(&mut driver, page(&rows(), Some("b")));
    driver.respond(Method::Get, &next("b"), page(&rows(), None));
    let failure = driver.run(&query()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("result-too-large", Some(422))
    );

    let mut driver = small();
    let announced =
        json!({"status": "completed", "data": rows(), "totalCount": 4, "nextPageToken": "b"});
    see(&mut driver, Response::of_json(200, &announced));
    assert_eq!(driver.run(&query()).unwrap_err().code, "result-too-large");
    assert_eq!(polls(&driver), 1);
}

#[test]
fn a_result_without_rows_is_a_result() {
    for data in [json!([]), Value::Null] {
        let mut driver = driver();
        let empty =
            json!({"queryId": "query_7", "status": "completed", "data": data, "totalCount": 0});
        see(&mut driver, Response::of_json(200, &empty));
        assert_eq!(driver.run(&query()).unwrap()["rows"], 0);
        assert_eq!(only(&mut driver, "audit")["accuracy_rate"], 100.0);
        assert_eq!(
            handed_on(&driver)["summary"],
            json!({"total": 0, "sampled": 0})
        );
    }
}

#[test]
fn rows_that_are_no_objects_make_no_result() {
    let wrong = json!({"status": "completed", "data": [row("2025-01-01", 1, 1), 7]});
    let (failure, _) = failing([Response::of_json(200, &wrong)]);
    assert_eq!(failure.code, "malformed-response");
}
