//! Records with the latest that is known of their key.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::testing::{Driver, Sent, Step, assert_batching_is_invisible};
use join_latest::JoinLatest;
use proptest::prelude::*;

const CONFIGURATION: &str = r#"{
    "remember": "has(record.tier)",
    "what": "record.tier",
    "output": { "id": "record.id", "who": "key", "tier": "latest == null ? 'UNKNOWN' : latest" }
}"#;

fn joined(driver: &mut Driver<JoinLatest>) -> Vec<String> {
    driver
        .take("joined")
        .iter()
        .map(|received| received.text().to_owned())
        .collect()
}

fn send(driver: &mut Driver<JoinLatest>, key: &str, record: &str) {
    driver.send("records", Sent::new(record).key(key));
}

#[test]
fn the_record_that_came_last_before_it_counts() {
    let mut driver = Driver::new(CONFIGURATION).unwrap();
    send(&mut driver, "c1", r#"{"id":1}"#);
    send(&mut driver, "c1", r#"{"tier":"gold"}"#);
    send(&mut driver, "c1", r#"{"id":2}"#);
    send(&mut driver, "c2", r#"{"id":3}"#);
    send(&mut driver, "c1", r#"{"tier":"silver"}"#);
    send(&mut driver, "c1", r#"{"id":4}"#);
    let expected = [
        r#"{"id":1,"tier":"UNKNOWN","who":"c1"}"#,
        r#"{"id":2,"tier":"gold","who":"c1"}"#,
        r#"{"id":3,"tier":"UNKNOWN","who":"c2"}"#,
        r#"{"id":4,"tier":"silver","who":"c1"}"#,
    ];
    assert_eq!(joined(&mut driver), expected);
}

#[test]
fn a_record_that_is_not_in_order_changes_nothing() {
    let mut driver = Driver::new(CONFIGURATION).unwrap();
    send(&mut driver, "c1", r#"{"tier":"gold"}"#);
    send(&mut driver, "c1", r#"{"tier":"#);
    send(&mut driver, "c1", r#"{"name":1}"#);
    let rejections = driver.take_rejections();
    let codes: Vec<&str> = rejections
        .iter()
        .map(|rejection| rejection.code())
        .collect();
    assert_eq!(codes, ["not-json", "missing-field"]);
    send(&mut driver, "c1", r#"{"id":1}"#);
    assert_eq!(
        joined(&mut driver),
        [r#"{"id":1,"tier":"gold","who":"c1"}"#]
    );
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_place() {
    let refusal = |configuration| Driver::<JoinLatest>::new(configuration).err().unwrap();
    assert!(
        refusal(r#"{"remember":"latest == null","output":"record"}"#)
            .starts_with("remember: line 1, column 1")
    );
    assert!(refusal(r#"{"remember":"true"}"#).contains("missing field `output`"));
}

proptest! {
    #[test]
    fn batches_and_restarts_cannot_be_seen(
        steps in prop::collection::vec(("[a-c]", any::<bool>(), 0..9_i64), 1..40),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        restarts in any::<u64>(),
    ) {
        let record = |(key, remembered, n): (String, bool, i64)| {
            let name = if remembered { "tier" } else { "id" };
            Step::Record(Sent::new(format!("{{\"{name}\":{n}}}")).key(key))
        };
        let stream: Vec<Step> = steps.into_iter().map(record).collect();
        assert_batching_is_invisible::<JoinLatest>(CONFIGURATION, "records", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
