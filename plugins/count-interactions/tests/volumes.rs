//! Volumes a channel and window.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use count_interactions::CountInteractions;
use jackfield_sdk::testing::{Driver, Sent, Step, assert_batching_is_invisible};
use proptest::prelude::*;

fn driver() -> Driver<CountInteractions> {
    Driver::new(r#"{"window":"10s"}"#).unwrap()
}

fn at(channel: &str, timestamp: i64) -> Sent {
    Sent::new("").key(channel).timestamp(timestamp)
}

fn volumes(driver: &mut Driver<CountInteractions>) -> Vec<String> {
    driver
        .take("volumes")
        .iter()
        .map(|received| received.text().to_owned())
        .collect()
}

#[test]
fn interactions_are_counted_by_channel_and_window() {
    let mut driver = driver();
    for interaction in [
        at("voice", 0),
        at("chat", 1),
        at("voice", 9_999),
        at("voice", 10_000),
    ] {
        driver.send("interactions", interaction);
    }
    driver.advance(9_998);
    assert!(volumes(&mut driver).is_empty());
    driver.advance(9_999);
    let first = [
        r#"{"channel":"chat","window_end":10000,"volume":1}"#,
        r#"{"channel":"voice","window_end":10000,"volume":2}"#,
    ];
    assert_eq!(volumes(&mut driver), first);
    driver.advance(i64::MAX);
    assert_eq!(
        volumes(&mut driver),
        [r#"{"channel":"voice","window_end":20000,"volume":1}"#]
    );
}

#[test]
fn a_volume_has_the_time_of_the_end_of_its_window() {
    let mut driver = driver();
    driver.send("interactions", at("voice", 5));
    driver.advance(20_000);
    assert_eq!(driver.take("volumes")[0].timestamp, Some(9_999));
}

#[test]
fn an_interaction_of_a_window_that_has_fired_is_late() {
    let mut driver = driver();
    driver.advance(9_999);
    driver.send("interactions", at("voice", 9_999));
    driver.send("interactions", at("voice", 10_000));
    let rejections = driver.take_rejections();
    assert_eq!((rejections.len(), rejections[0].code()), (1, "late"));
    driver.advance(i64::MAX);
    assert_eq!(volumes(&mut driver).len(), 1);
}

#[test]
fn an_interaction_behind_the_watermark_counts_while_its_window_is_open() {
    let mut driver = driver();
    driver.advance(9_000);
    driver.send("interactions", at("voice", 10));
    driver.advance(9_999);
    assert_eq!(volumes(&mut driver).len(), 1);
}

#[test]
fn a_channel_without_an_open_window_is_forgotten() {
    let mut driver = driver();
    driver.send("interactions", at("voice", 10));
    driver.flush();
    assert_eq!(driver.remembered(), 1);
    driver.advance(10_000);
    driver.send("interactions", at("chat", 10));
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn an_interaction_without_a_time_is_refused() {
    let mut driver = driver();
    driver.send("interactions", Sent::new("").key("voice"));
    assert_eq!(driver.take_rejections()[0].code(), "missing-timestamp");
}

#[test]
fn a_window_of_no_length_is_refused() {
    let error = Driver::<CountInteractions>::new(r#"{"window":"0s"}"#)
        .err()
        .unwrap();
    assert!(error.contains("a positive length of time"), "{error}");
}

proptest! {
    #[test]
    fn batches_and_restarts_cannot_be_seen(
        steps in prop::collection::vec(("[a-c]", 0..40_000_i64, 0..3_000_i64), 1..50),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        restarts in any::<u64>(),
    ) {
        let mut watermark = 0;
        let stream: Vec<Step> = steps.into_iter().flat_map(|(channel, timestamp, rise)| {
            watermark += rise;
            [Step::Record(at(&channel, timestamp)), Step::Watermark(watermark)]
        }).collect();
        assert_batching_is_invisible::<CountInteractions>(r#"{"window":"5s"}"#, "interactions", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
