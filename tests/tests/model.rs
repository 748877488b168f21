//! The model against what Apache Flink put out for the same input, and against small inputs that one can work out by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::model::{Model, Output, Rejected};

fn expected(name: &str) -> String {
    let path = format!(
        "{}/expected/data-actions-200k/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

fn sorted_lines(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.map(|line| line + "\n").collect();
    lines.sort();
    lines.concat()
}

fn output_of_200k() -> Output {
    Model::of(&Generator::new(DEFAULT_SEED, Traffic::Plain).lines(200_000))
}

#[test]
fn windows_are_those_of_flink() {
    let volumes = output_of_200k().volumes;
    let lines = volumes
        .iter()
        .map(|((channel, end), volume)| format!("{end},{channel},{volume}"));
    assert_eq!(sorted_lines(lines), expected("windows.csv"));
}

#[test]
fn alerts_are_those_of_flink_made_of_the_same_interactions() {
    let lines = output_of_200k().alerts.into_iter().map(|alert| {
        let numbers = alert
            .interaction_ids
            .map(|id| id[1..].parse::<u64>().unwrap().to_string())
            .join(",");
        format!(
            "{},{},{},{numbers}",
            alert.timestamp, alert.customer_id, alert.channel
        )
    });
    assert_eq!(sorted_lines(lines), expected("alerts.csv"));
}

#[test]
fn totals_are_those_of_flink() {
    let output = output_of_200k();
    let mut totals = BTreeMap::from([
        ("alerts".to_owned(), output.alerts.len() as u64),
        ("customerUpdates".to_owned(), output.profiles),
        ("interactions".to_owned(), output.enriched.len() as u64),
        ("joined".to_owned(), output.enriched.len() as u64),
        ("malformed".to_owned(), output.rejected.len() as u64),
        ("windows".to_owned(), output.volumes.len() as u64),
        (
            "windows.counted".to_owned(),
            output.volumes.values().sum::<i64>() as u64,
        ),
    ]);
    for enriched in &output.enriched {
        *totals
            .entry(format!("join.tier.{}", enriched.tier))
            .or_default() += 1;
        *totals
            .entry(format!("join.region.{}", enriched.region))
            .or_default() += 1;
    }
    assert_eq!(
        sorted_lines(totals.iter().map(|(name, value)| format!("{name} {value}"))),
        expected("totals.txt")
    );
}

fn interaction(id: &str, status: &str, timestamp: i64) -> String {
    format!(
        r#"{{"interactionId":"{id}","customerId":"c","channel":"voice","status":"{status}","timestamp":{timestamp}}}"#
    )
}

fn output_of(lines: &[String]) -> Output {
    Model::of(lines.join("\n").as_bytes())
}

#[test]
fn a_record_is_late_from_the_millisecond_at_which_the_watermark_reaches_it() {
    let head = interaction("1", "SUCCESS", 25_000);
    assert_eq!(
        output_of(&[head.clone(), interaction("2", "SUCCESS", 20_000)]).rejected,
        []
    );
    let late = output_of(&[head, interaction("2", "SUCCESS", 19_999)]).rejected;
    let stages: Vec<&str> = late
        .iter()
        .map(|late| {
            if let Rejected::Late { stage, .. } = late {
                stage
            } else {
                ""
            }
        })
        .collect();
    assert_eq!(stages, ["count", "detect"]);
}

#[test]
fn a_window_takes_records_until_the_watermark_reaches_its_last_millisecond() {
    let behind = interaction("2", "SUCCESS", 10_000);
    let volumes =
        |head: i64| output_of(&[interaction("1", "SUCCESS", head), behind.clone()]).volumes;
    assert_eq!(volumes(24_999).get(&("voice".into(), 20_000)), Some(&1));
    assert_eq!(volumes(25_000).get(&("voice".into(), 20_000)), None);
}

#[test]
fn a_callback_thirty_seconds_after_the_first_failure_is_too_late() {
    let alerts = |callback: i64| {
        let failures = [0, 1, 2].map(|after| interaction("f", "FAILURE", 100_000 + after));
        let callback = interaction("c", "CALLBACK_REQUEST", 100_000 + callback);
        output_of(&[&failures[..], &[callback]].concat())
            .alerts
            .len()
    };
    assert_eq!(alerts(29_999), 1);
    assert_eq!(alerts(30_000), 0);
}

#[test]
fn anything_between_the_failures_breaks_the_pattern() {
    let statuses = [
        "FAILURE",
        "FAILURE",
        "SUCCESS",
        "FAILURE",
        "CALLBACK_REQUEST",
    ];
    let lines: Vec<String> = statuses
        .iter()
        .zip(1000..)
        .map(|(status, time)| interaction("i", status, time))
        .collect();
    assert_eq!(output_of(&lines).alerts, []);
}

#[test]
fn hostile_traffic_meets_every_rejection_and_every_boundary() {
    let output = Model::of(&Generator::new(1, Traffic::Hostile).lines(100_000));
    let mut codes: Vec<&str> = output
        .rejected
        .iter()
        .map(|rejected| match rejected {
            Rejected::Malformed { refusal, .. } => refusal.code(),
            Rejected::Late { stage, .. } => stage,
        })
        .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(
        codes,
        [
            "count",
            "detect",
            "duplicate-field",
            "empty-field",
            "missing-field",
            "not-an-object",
            "not-json",
            "not-utf-8",
            "timestamp-out-of-range",
            "unknown-record-type",
            "wrong-type",
        ]
    );
    assert!(
        output
            .alerts
            .iter()
            .any(|alert| alert.customer_id.starts_with("c9")),
        "no pattern at its boundary matched"
    );
}
