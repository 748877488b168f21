//! Nothing of many keys remains after their last window.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::{Batch, Mark, Runner};
use match_patterns::MatchPatterns;

const KEYS: u32 = 100_000;
const BATCH: u32 = 10_000;
/// Milliseconds within which a match has to be complete.
const WITHIN: i64 = 1_000;

const CONFIGURATION: &str = r#"{ "patterns": {
    "row": { "stages": [{ "name": "a", "where": "event == 1" }, { "name": "b", "contiguity": "next", "where": "event == 2" }], "within": "1s" },
    "absent": { "stages": [{ "name": "a", "where": "event == 2" }, { "name": "b", "contiguity": "not-followed-by", "where": "event == 3" }], "within": "1s" },
    "loop": { "match-recognize": "PATTERN (a b+? c) WITHIN INTERVAL '1' SECOND DEFINE a AS FALSE" }
} }"#;

/// An event of each key, then time up to there; in batches.
fn feed(runner: &mut Runner<MatchPatterns>, event: &str, timestamp: i64, watermark: i64) -> usize {
    let mut emitted = 0;
    for first in (0..KEYS).step_by(BATCH as usize) {
        let mut batch = Batch::default();
        for key in first..first + BATCH {
            batch.values.push(event.as_bytes());
            batch.keys.push(key.to_string().as_bytes());
            batch.timestamps.push(timestamp);
        }
        let output = runner.process(0, &batch);
        assert!(output.rejections.is_empty());
    }
    let marks = vec![Mark {
        index: 0,
        watermark,
    }];
    let output = runner.process(
        0,
        &Batch {
            marks,
            ..Batch::default()
        },
    );
    for emission in output.emissions {
        emitted += emission.records.timestamps.len();
    }
    emitted
}

#[test]
fn of_many_keys_nothing_is_left_after_their_last_window() {
    let mut runner = Runner::<MatchPatterns>::configure(CONFIGURATION, &[0, 1, 3]).unwrap();
    feed(&mut runner, "1", 10_000, 10_000);
    let begun = runner.flush();
    assert_eq!(begun.keys.len(), KEYS as usize);
    let found = feed(&mut runner, "2", 10_500, 10_500);
    assert_eq!(found, KEYS as usize);
    // The last window ends; who was not followed is found.
    let marks = vec![Mark {
        index: 0,
        watermark: 10_500 + WITHIN,
    }];
    let output = runner.process(
        0,
        &Batch {
            marks,
            ..Batch::default()
        },
    );
    assert_eq!(output.emissions[0].records.timestamps.len(), KEYS as usize);
    let changes = runner.flush();
    assert_eq!(
        (changes.keys.len(), changes.forgotten.len()),
        (0, KEYS as usize)
    );
}
