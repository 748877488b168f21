//! The job against the simulator: what it asks for is what a platform understands.

use cxone_simulator::{Fault, FaultRates, JobPlatform, Options};
use jackfield_sdk::testing::JobDriver;
use schedule_report::ScheduleReport;
use serde_json::json;

use super::scenario::{audit, request};

/// A job whose requests all go to the platform.
fn served_by(platform: &JobPlatform) -> JobDriver<ScheduleReport> {
    let mut driver = JobDriver::new("{}").unwrap();
    platform.serve(&mut driver);
    driver
}

#[test]
fn an_export_is_made_and_told_of() {
    let platform = JobPlatform::start(Options::default()).unwrap();
    let mut driver = served_by(&platform);
    let exported = driver.run(&request()).unwrap();
    let score = exported["dataCompletenessScore"].as_f64().unwrap();
    assert!((0.98..=1.0).contains(&score), "{score}");
    assert_eq!(exported["webhook"], "delivered");
    assert_eq!(audit(&mut driver)["status"], "SUCCESS");
    assert_eq!(platform.performed("/api/v2/reporting/schedules"), [1]);
    assert_eq!(platform.performed("/api/v1/refresh/cxone-export"), [1]);
}

#[test]
fn an_export_that_fails_is_not_told_of() {
    let platform = JobPlatform::start(Options::default()).unwrap();
    platform
        .simulator()
        .plan("/api/v2/reporting/schedules", 1, Fault::Fail);
    let mut driver = served_by(&platform);
    assert_eq!(driver.run(&request()).unwrap_err().code, "export-failed");
    assert_eq!(audit(&mut driver)["status"], "FAILURE");
    assert!(
        platform
            .performed("/api/v1/refresh/cxone-export")
            .is_empty()
    );
}

#[test]
fn whatever_goes_wrong_by_chance_the_schedule_is_made_once() {
    for seed in 1..=20 {
        let platform = JobPlatform::start(Options::default()).unwrap();
        let rates: FaultRates = serde_json::from_value(json!({
            "seed": seed, "server-error": 0.2, "rate-limited": 0.1, "cut": 0.1, "malformed": 0.1, "answer-lost": 0.1, "path": "/api",
        }))
        .unwrap();
        platform.simulator().set_fault_rates(Some(rates)).unwrap();
        let mut driver = served_by(&platform);
        driver.run(&request()).unwrap();
        assert_eq!(
            platform.performed("/api/v2/reporting/schedules"),
            [1],
            "{seed}"
        );
        assert_eq!(
            platform.performed("/api/v1/refresh/cxone-export"),
            [1],
            "{seed}"
        );
        assert_eq!(audit(&mut driver)["status"], "SUCCESS");
    }
}
