//! The job against the simulator: what it asks for is what a platform understands.

use cxone_simulator::{Fault, FaultRates, JobPlatform, Options};
use jackfield_sdk::testing::JobDriver;
use query_journeys::QueryJourneys;
use serde_json::{Value, json};

use super::scenario::{ANALYTICS, WEBHOOK, driver_of, handed_on, only, query, with};

/// A job whose requests all go to the platform.
fn served_by(platform: &JobPlatform) -> JobDriver<QueryJourneys> {
    let mut driver = driver_of(&json!({"webhook-path": WEBHOOK}));
    platform.serve(&mut driver);
    driver
}

/// 40 journeys in 2025, up to this day, in pages of 1,000 rows.
fn until(day: &str) -> Value {
    let mut query = query();
    query["filter"] = json!({});
    query["dateTo"] = json!(day);
    query
}

#[test]
fn a_year_of_journeys_is_sampled_cleaned_and_handed_on() {
    for absolute_locations in [false, true] {
        let options = Options {
            absolute_locations,
            ..Options::default()
        };
        let platform = JobPlatform::start(options).unwrap();
        let mut driver = served_by(&platform);
        let answer = driver.run(&until("2025-12-31")).unwrap();
        let quality = only(&mut driver, "quality");
        let missing = quality["completeness"]["missing"].as_array().unwrap().len();
        assert_eq!(quality["completeness"]["expected"], 365);
        assert_eq!(quality["total_rows"], (365 - missing) * 40);
        assert_eq!(quality["total_rows"], quality["counted_rows"]);
        assert_eq!(quality["sampled_rows"], 5_000);
        assert_eq!(quality["missing_keys"], json!({}));
        for metric in 0..2 {
            let outliers = &quality["outliers"][metric];
            assert!(outliers["left_out"].as_u64().unwrap() > 0, "{outliers}");
            assert!(outliers["not_numbers"].as_u64().unwrap() > 0, "{outliers}");
        }
        assert_eq!(answer["rows"], quality["rows"]);
        assert_eq!(handed_on(&driver)["summary"]["sampled"], quality["rows"]);
        assert_eq!(platform.performed(ANALYTICS), [1]);
        assert_eq!(platform.performed(WEBHOOK), [1]);
    }
}

#[test]
fn a_metric_that_the_engine_does_not_know_is_the_callers_mistake() {
    let platform = JobPlatform::start(Options::default()).unwrap();
    let failure = served_by(&platform)
        .run(&with("metric", json!(["speed"])))
        .unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.status),
        ("query-refused", Some(400))
    );
    let details: Value = serde_json::from_str(failure.details.as_deref().unwrap()).unwrap();
    assert_eq!(details["errors"][0]["field"], "metric");
}

#[test]
fn an_engine_that_fails_or_stalls_is_told_of() {
    for (fault, code) in [
        (Fault::Fail, "query-failed"),
        (Fault::Stall, "query-timeout"),
    ] {
        let platform = JobPlatform::start(Options::default()).unwrap();
        platform.simulator().plan(ANALYTICS, 1, fault);
        assert_eq!(served_by(&platform).run(&query()).unwrap_err().code, code);
    }
}

#[test]
fn whatever_goes_wrong_by_chance_the_rows_are_the_same() {
    let platform = JobPlatform::start(Options::default()).unwrap();
    let mut driver = served_by(&platform);
    driver.run(&until("2025-05-31")).unwrap();
    let expected = handed_on(&driver)["metrics"].take();
    for seed in 1..=20 {
        let platform = JobPlatform::start(Options::default()).unwrap();
        let rates: FaultRates = serde_json::from_value(json!({
            "seed": seed, "server-error": 0.2, "rate-limited": 0.1, "cut": 0.1, "malformed": 0.1, "answer-lost": 0.1, "path": "/api",
        }))
        .unwrap();
        platform.simulator().set_fault_rates(Some(rates)).unwrap();
        let mut driver = served_by(&platform);
        driver.run(&until("2025-05-31")).unwrap();
        assert!(handed_on(&driver)["metrics"] == expected, "{seed}");
        assert_eq!(platform.performed(ANALYTICS), [1], "{seed}");
        assert_eq!(only(&mut driver, "audit")["status"], "completed");
    }
}
