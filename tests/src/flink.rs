//! What Apache Flink put out for the 200,000 plain records of the default seed.

#![allow(clippy::unwrap_used, reason = "what cannot be compared differs")]

use std::collections::{BTreeMap, BTreeSet};

use crate::harness::repository;
use crate::table::Table;

fn expected(name: &str) -> String {
    std::fs::read_to_string(
        repository()
            .join("tests/expected/data-actions-200k")
            .join(name),
    )
    .unwrap()
}

/// Compares tables with windows, alerts and totals of the job that ran on Flink. Which interactions an alert was made of is
/// not in our tables.
///
/// # Panics
/// When they differ.
pub fn assert_flink_output(tables: &[Table]) {
    let table = |name: &str| &tables.iter().find(|table| table.name == name).unwrap().rows;
    let words = |text: &str| {
        text.split(&[',', ' '])
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };

    let windows = table("interaction_volumes")
        .iter()
        .map(|row| [words(&row.identity), words(&row.content)].concat());
    let windows: BTreeSet<Vec<String>> = windows
        .map(|row| vec![row[1].clone(), row[0].clone(), row[2].clone()])
        .collect();
    assert_eq!(
        windows,
        expected("windows.csv").lines().map(words).collect()
    );

    let alerts = table("pattern_alerts")
        .iter()
        .map(|row| words(&row.identity));
    let alerts: BTreeSet<Vec<String>> = alerts
        .map(|row| vec![row[2].clone(), row[0].clone(), row[1].clone()])
        .collect();
    assert_eq!(
        alerts,
        expected("alerts.csv")
            .lines()
            .map(|line| words(line)[..3].to_vec())
            .collect()
    );

    let mut totals = BTreeMap::from([
        ("malformed".to_owned(), table("dead letters").len()),
        ("joined".to_owned(), table("enriched.jsonl").len()),
    ]);
    for row in table("enriched.jsonl") {
        let line: serde_json::Value = serde_json::from_str(&row.content).unwrap();
        for field in ["tier", "region"] {
            *totals
                .entry(format!("join.{field}.{}", line[field].as_str().unwrap()))
                .or_default() += 1;
        }
    }
    let flink = expected("totals.txt");
    for (name, total) in totals {
        assert!(
            flink.lines().any(|line| line == format!("{name} {total}")),
            "{name} {total} is not in\n{flink}"
        );
    }
}
