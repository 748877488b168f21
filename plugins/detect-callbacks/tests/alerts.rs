//! Rows of failures that a request for a callback follows.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use detect_callbacks::DetectCallbacks;
use jackfield_sdk::testing::{Driver, Sent, Step, assert_batching_is_invisible};
use proptest::prelude::*;

fn driver() -> Driver<DetectCallbacks> {
    Driver::new("{}").unwrap()
}

fn at(timestamp: i64, status: Status<&str>) -> Sent {
    let interaction = Interaction {
        status,
        interaction_id: "i1",
        channel: "voice",
    };
    Sent::postcard(&CustomerRecord::Interaction(interaction))
        .key("c1")
        .timestamp(timestamp)
}

const FAILURE: Status<&str> = Status::Failure;
const CALLBACK: Status<&str> = Status::CallbackRequest;
const SUCCESS: Status<&str> = Status::Success;

/// The alerts of a customer who has these interactions, in this order of arrival.
fn alerts(interactions: &[(i64, Status<&str>)]) -> Vec<String> {
    let mut driver = driver();
    for (timestamp, status) in interactions {
        driver.send("customers", at(*timestamp, *status));
    }
    driver.advance(i64::MAX);
    assert!(
        driver.flush().keys.is_empty(),
        "nothing is left to remember"
    );
    driver
        .take("alerts")
        .iter()
        .map(|received| received.text().to_owned())
        .collect()
}

#[test]
fn three_failures_and_a_callback_are_an_alert() {
    let alert = r#"{"customer_id":"c1","channel":"voice","timestamp":4,"failure_count":3,"alert_type":"REPEATED_FAILURE_CALLBACK"}"#;
    assert_eq!(
        alerts(&[(1, FAILURE), (2, FAILURE), (3, FAILURE), (4, CALLBACK)]),
        [alert]
    );
}

#[test]
fn the_order_is_that_of_event_time() {
    assert_eq!(
        alerts(&[(4, CALLBACK), (2, FAILURE), (3, FAILURE), (1, FAILURE)]).len(),
        1
    );
    assert!(
        alerts(&[
            (1, FAILURE),
            (2, FAILURE),
            (3, FAILURE),
            (5, CALLBACK),
            (4, SUCCESS)
        ])
        .is_empty()
    );
}

#[test]
fn interactions_of_one_time_are_in_order_of_arrival() {
    assert_eq!(
        alerts(&[(1, FAILURE), (1, FAILURE), (1, FAILURE), (1, CALLBACK)]).len(),
        1
    );
    assert!(alerts(&[(1, FAILURE), (1, FAILURE), (1, CALLBACK), (1, FAILURE)]).is_empty());
}

#[test]
fn of_more_failures_the_last_three_count() {
    assert_eq!(
        alerts(&[
            (1, FAILURE),
            (2, FAILURE),
            (3, FAILURE),
            (4, FAILURE),
            (5, CALLBACK)
        ])
        .len(),
        1
    );
}

#[test]
fn anything_in_between_ends_the_row() {
    assert!(
        alerts(&[
            (1, FAILURE),
            (2, FAILURE),
            (3, SUCCESS),
            (4, FAILURE),
            (5, CALLBACK)
        ])
        .is_empty()
    );
    assert!(
        alerts(&[
            (1, FAILURE),
            (2, FAILURE),
            (3, FAILURE),
            (4, Status::Other("x")),
            (5, CALLBACK)
        ])
        .is_empty()
    );
}

#[test]
fn the_callback_comes_less_than_thirty_seconds_after_the_first_failure() {
    assert_eq!(
        alerts(&[
            (1_000, FAILURE),
            (1_001, FAILURE),
            (1_002, FAILURE),
            (30_999, CALLBACK)
        ])
        .len(),
        1
    );
    assert!(
        alerts(&[
            (1_000, FAILURE),
            (1_001, FAILURE),
            (1_002, FAILURE),
            (31_000, CALLBACK)
        ])
        .is_empty()
    );
}

#[test]
fn profiles_do_not_end_a_row() {
    let mut driver = driver();
    for sent in [
        at(1, FAILURE),
        at(2, FAILURE),
        at(3, FAILURE),
        at(5, CALLBACK),
    ] {
        driver.send("customers", sent);
        let profile = CustomerRecord::Profile(Profile {
            tier: "gold",
            region: "na",
        });
        driver.send("customers", Sent::postcard(&profile).key("c1").timestamp(4));
    }
    driver.advance(10);
    assert_eq!(driver.take("alerts").len(), 1);
}

#[test]
fn a_row_goes_on_after_a_restart() {
    let mut driver = driver();
    for sent in [at(1, FAILURE), at(2, FAILURE)] {
        driver.send("customers", sent);
    }
    driver.advance(1);
    driver.reload().unwrap();
    driver.send("customers", at(3, FAILURE));
    driver.advance(3);
    driver.reload().unwrap();
    driver.send("customers", at(4, CALLBACK));
    driver.advance(4);
    assert_eq!(driver.take("alerts").len(), 1);
}

#[test]
fn a_row_that_version_1_had_stored_goes_on() {
    // Two failures at 1 and 2, one at 3, and one at 4 that waits: the first three begin a row, the others go with it.
    let state = [
        2, 1, 8, 0, 1, 3, 2, 0, 3, 0, 1, 2, 0, 4, 0, 2, 1, 2, 0, 0, 6, 0, 1, 2, 0, 0, 0, 3, 0, 0,
        1, 0, 2, 0, 3,
    ];
    let timer_and_has_state = postcard::to_allocvec(&(vec![4_i64], true)).unwrap();
    let mut driver = driver();
    driver.keep(b"c1", 1, &[timer_and_has_state.as_slice(), &state].concat());
    driver.start_again().unwrap();
    driver.advance(4);
    driver.send("customers", at(5, CALLBACK));
    driver.advance(5);
    assert_eq!(driver.take("alerts").len(), 1);
}

#[test]
fn a_row_of_another_rule_is_begun_anew() {
    let mut driver = driver();
    for sent in [at(1, FAILURE), at(2, FAILURE)] {
        driver.send("customers", sent);
    }
    driver.advance(2);
    let changes = driver.flush();
    let mut changed = Driver::<DetectCallbacks>::new(r#"{"failures":1}"#).unwrap();
    changed.keep(b"c1", 2, changes.values.iter().next().unwrap());
    changed.start_again().unwrap();
    changed.send("customers", at(3, FAILURE));
    changed.send("customers", at(4, CALLBACK));
    changed.advance(4);
    assert_eq!(changed.take("alerts").len(), 1);
}

#[test]
fn a_row_that_cannot_be_completed_any_more_is_forgotten() {
    let mut driver = driver();
    driver.send("customers", at(1_000, FAILURE));
    driver.advance(30_999);
    driver.flush();
    assert_eq!(driver.remembered(), 1);
    driver.advance(31_000);
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn a_late_interaction_is_refused_and_not_remembered() {
    let mut driver = driver();
    driver.advance(10);
    driver.send("customers", at(10, FAILURE));
    assert_eq!(driver.take_rejections()[0].code(), "late");
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn how_many_failures_within_which_time_is_configured() {
    let mut driver = Driver::<DetectCallbacks>::new(r#"{"failures":1,"within":"5ms"}"#).unwrap();
    for sent in [
        at(1, FAILURE),
        at(5, CALLBACK),
        at(6, FAILURE),
        at(11, CALLBACK),
    ] {
        driver.send("customers", sent);
    }
    driver.advance(20);
    assert_eq!(driver.take("alerts").len(), 1);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    for configuration in [
        r#"{"failures":0}"#,
        r#"{"failures":1001}"#,
        r#"{"within":"0s"}"#,
        r#"{"windows":"1s"}"#,
    ] {
        assert!(
            Driver::<DetectCallbacks>::new(configuration).is_err(),
            "{configuration}"
        );
    }
}

proptest! {
    #[test]
    fn batches_and_restarts_cannot_be_seen(
        steps in prop::collection::vec((0..3_u8, 0..4_u8, 0..200_i64, prop::option::of(1..40_i64)), 1..60),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        restarts in any::<u64>(),
    ) {
        let mut watermark = 0;
        let stream: Vec<Step> = steps.into_iter().flat_map(|(customer, status, ahead, rise)| {
            let status = if status == 3 { CALLBACK } else { FAILURE };
            let record = Step::Record(at(watermark + ahead - 10, status).key([customer]));
            let advance = rise.map(|rise| {
                watermark += rise;
                Step::Watermark(watermark)
            });
            std::iter::once(record).chain(advance).collect::<Vec<_>>()
        }).collect();
        assert_batching_is_invisible::<DetectCallbacks>(r#"{"within":"150ms"}"#, "customers", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
