//! The check before the start, against the simulated platform: nothing is read before it has passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jackfield_tests::harness::{Finished, Simulator};
use jackfield_tests::scenario::Scenario;

/// A data action that the simulator has.
const ACTION: &str = "cxone-data-actions";
const LINES: &[u8] = br#"{"interactionId":"i1","customerId":"c1","channel":"voice","status":"SUCCESS","timestamp":1}"#;

fn scenario(simulator: &Simulator, secret: &str, action: &str) -> Scenario {
    Scenario::new(LINES).with(|pipeline| {
        pipeline
            .environment("CXONE_PREFLIGHT", "true")
            .environment("CXONE_URL", &simulator.url())
            .environment("CXONE_CLIENT_ID", Simulator::CLIENT_ID)
            .environment("CXONE_CLIENT_SECRET", secret)
            .environment("CXONE_ACTION_ID", action)
    })
}

fn assert_stopped(scenario: &Scenario, code: &str) -> Finished {
    let stopped = scenario.run_to_any_end();
    assert!(!stopped.status.success(), "the pipeline ran");
    assert!(
        stopped.stderr.contains(code),
        "{code} is not in\n{}",
        stopped.stderr
    );
    assert!(
        !scenario.observation().enriched().exists(),
        "something was read"
    );
    stopped
}

#[test]
fn a_pipeline_whose_check_passes_runs() {
    let simulator = Simulator::start(&[]).unwrap();
    let scenario = scenario(&simulator, Simulator::CLIENT_SECRET, ACTION);
    scenario.run();
    scenario.assert_model_output();
}

#[test]
fn a_wrong_secret_stops_the_pipeline_and_is_not_repeated_in_the_message() {
    let simulator = Simulator::start(&[]).unwrap();
    let stopped = assert_stopped(&scenario(&simulator, "not-the-secret", ACTION), "JF-7010");
    assert!(!(stopped.stdout + &stopped.stderr).contains("not-the-secret"));
}

#[test]
fn a_missing_scope_stops_the_pipeline() {
    let simulator = Simulator::start(&["--scopes", "other:read"]).unwrap();
    assert_stopped(
        &scenario(&simulator, Simulator::CLIENT_SECRET, ACTION),
        "JF-7020",
    );
}

#[test]
fn an_unknown_data_action_stops_the_pipeline() {
    let simulator = Simulator::start(&[]).unwrap();
    assert_stopped(
        &scenario(&simulator, Simulator::CLIENT_SECRET, "no-such-action"),
        "JF-7021",
    );
}

#[test]
fn a_platform_that_is_not_there_stops_the_pipeline() {
    let simulator = Simulator::start(&[]).unwrap();
    let scenario = scenario(&simulator, Simulator::CLIENT_SECRET, ACTION);
    drop(simulator);
    assert_stopped(&scenario, "JF-7002");
}
