//! The stage, natively.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use data_actions_records::{CustomerRecord, Interaction, Profile, Status};
use detect_callbacks::DetectCallbacks;
use jackfield_sdk::testing::{Driver, Sent, Step, assert_batching_is_invisible};
use match_patterns::MatchPatterns;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The detector of repeated failures, without a plugin of its own: as `examples/data-actions/by-manifest.toml` has it.
fn callbacks() -> Json {
    json!({
        "format": { "encoded": { "variants": [
            { "Interaction": { "fields": [
                { "status": { "variants": ["SUCCESS", "FAILURE", "CALLBACK_REQUEST", { "Other": "text" }] } },
                { "interaction_id": "text" },
                { "channel": "text" },
            ] } },
            { "Profile": { "fields": [{ "tier": "text" }, { "region": "text" }] } },
        ] } },
        "where": "has(record.Interaction)",
        "event": "{'status': record.Interaction.status, 'channel': record.Interaction.channel}",
        "patterns": { "repeated-failure-callback": {
            "stages": [
                { "name": "failure", "where": "event.status == 'FAILURE'", "times": 3, "consecutive": true },
                { "name": "callback", "contiguity": "next", "where": "event.status == 'CALLBACK_REQUEST'" },
            ],
            "within": "30s",
            "output": {
                "customer_id": "key", "channel": "callback[0].channel", "timestamp": "timestamp",
                "failure_count": "size(failure)", "alert_type": "'REPEATED_FAILURE_CALLBACK'",
            },
        } },
    })
}

/// The same as a clause.
fn clause() -> Json {
    let mut configuration = callbacks();
    configuration["patterns"] = json!({ "repeated-failure-callback": { "match-recognize": "
        MEASURES LAST(callback.channel) AS channel, COUNT(failure.status) AS failure_count, MATCH_ROWTIME() AS timestamp,
            'REPEATED_FAILURE_CALLBACK' AS alert_type
        AFTER MATCH SKIP TO NEXT ROW
        PATTERN (failure{3} callback) WITHIN INTERVAL '30' SECOND
        DEFINE failure AS status = 'FAILURE', callback AS status = 'CALLBACK_REQUEST'" } });
    configuration
}

fn driver(configuration: &Json) -> Driver<MatchPatterns> {
    Driver::new(&configuration.to_string()).unwrap()
}

fn interaction(timestamp: i64, status: Status<&str>) -> Sent {
    let interaction = Interaction {
        status,
        interaction_id: "i1",
        channel: "voice",
    };
    Sent::postcard(&CustomerRecord::Interaction(interaction))
        .key("c1")
        .timestamp(timestamp)
}

fn profile(timestamp: i64) -> Sent {
    let profile = Profile {
        tier: "gold",
        region: "na",
    };
    Sent::postcard(&CustomerRecord::Profile(profile))
        .key("c1")
        .timestamp(timestamp)
}

const FAILURE: Status<&str> = Status::Failure;
const CALLBACK: Status<&str> = Status::CallbackRequest;

/// A record of kind 0 to 4 at a time.
fn record(kind: u8, timestamp: i64) -> Sent {
    match kind {
        0 | 1 => interaction(timestamp, FAILURE),
        2 => interaction(timestamp, CALLBACK),
        3 => interaction(timestamp, Status::Other("x")),
        _ => profile(timestamp),
    }
}

#[test]
fn three_failures_and_a_callback_are_a_match_with_its_key_and_time() {
    let mut driver = driver(&callbacks());
    for sent in [
        interaction(1, FAILURE),
        interaction(2, FAILURE),
        profile(3),
        interaction(4, FAILURE),
        interaction(5, CALLBACK),
    ] {
        driver.send("records", sent);
    }
    driver.advance(5);
    let matches = driver.take("matches");
    assert_eq!(
        (
            matches.len(),
            matches[0].key.as_slice(),
            matches[0].timestamp
        ),
        (1, &b"c1"[..], Some(5))
    );
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn a_late_record_goes_out_unchanged() {
    let mut driver = driver(&callbacks());
    driver.advance(10);
    driver.send("records", interaction(10, FAILURE));
    assert_eq!(driver.take("late").len(), 1);
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn what_is_no_record_of_the_format_is_rejected() {
    let mut driver = driver(&callbacks());
    driver.send("records", Sent::new("{}").key("c1").timestamp(1));
    driver.send("records", Sent::new("").key("c1").timestamp(1));
    let codes: Vec<_> = driver
        .take_rejections()
        .iter()
        .map(|rejection| rejection.code().to_owned())
        .collect();
    assert_eq!(codes, ["not-postcard", "not-postcard"]);
}

#[test]
fn an_event_without_time_or_with_a_key_that_is_no_text_is_rejected() {
    let mut driver = driver(&callbacks());
    driver.send("records", interaction(i64::MIN, FAILURE));
    driver.send("records", interaction(1, FAILURE).key([0xff]));
    let codes: Vec<_> = driver
        .take_rejections()
        .iter()
        .map(|rejection| rejection.code().to_owned())
        .collect();
    assert_eq!(codes, ["missing-timestamp", "not-utf-8"]);
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_place() {
    for (configuration, words) in [
        (json!({ "patterns": {} }), "patterns"),
        (
            json!({ "patterns": { "p": { "stages": [{ "name": "a", "where": "evnt.x" }] } } }),
            "patterns.p.stages[0].where, line 1, column 1",
        ),
        (
            json!({ "patterns": { "p": { "match-recognize": "PATTERN (a+)" } } }),
            "line 1, column 10",
        ),
        (
            json!({ "patterns": { "p": { "stages": [{ "name": "a" }] } }, "where": "event.x" }),
            "where",
        ),
        (json!({}), "patterns"),
    ] {
        let refused = Driver::<MatchPatterns>::new(&configuration.to_string())
            .err()
            .unwrap();
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn state_of_a_definition_that_is_not_there_is_refused_when_it_is_loaded() {
    let mut former = driver(&callbacks());
    former.send("records", interaction(1, FAILURE));
    former.advance(1);
    let changes = former.flush();
    let value = changes.values.iter().next().unwrap().to_vec();
    let mut changed = callbacks();
    changed["patterns"]["repeated-failure-callback"]["stages"][0]["times"] = json!(2);
    let mut later = driver(&changed);
    later.keep(b"c1", 1, &value);
    assert!(
        later
            .start_again()
            .unwrap_err()
            .contains("pattern-unknown-rule")
    );

    changed["patterns"]["repeated-failure-callback"]["on-change"] = json!("map");
    changed["patterns"]["repeated-failure-callback"]["previous"] =
        json!([callbacks()["patterns"]["repeated-failure-callback"]]);
    let mut later = driver(&changed);
    later.keep(b"c1", 1, &value);
    later.start_again().unwrap();
    // What had begun still wants two failures; two in a row are enough for what begins now.
    for sent in [
        interaction(2, FAILURE),
        interaction(3, FAILURE),
        interaction(4, CALLBACK),
    ] {
        later.send("records", sent);
    }
    later.advance(10);
    let matches = later.take("matches").into_iter();
    let failures: Vec<_> = matches
        .map(|received| received.json::<Json>()["failure_count"].clone())
        .collect();
    assert_eq!(failures, [3, 2]);
    let changes = later.take("changes");
    let mut change = changes[0].json::<Json>();
    assert!(change["rule"].take().is_string());
    let expected = json!({ "pattern": "repeated-failure-callback", "rule": null, "fate": "map", "matches": 1, "keys": 1 });
    assert_eq!((changes.len(), change), (1, expected));
}

#[test]
fn matches_that_were_dropped_before_the_first_record_are_not_told() {
    let customers = ["c1", "c2", "c3"];
    let mut former = driver(&callbacks());
    for customer in customers {
        former.send("records", interaction(1, FAILURE).key(customer));
    }
    former.advance(1);
    let value = former.flush().values.iter().next().unwrap().to_vec();
    let mut changed = callbacks();
    changed["patterns"]["repeated-failure-callback"]["on-change"] = json!("restart");
    changed["patterns"]["repeated-failure-callback"]["stages"][0]["times"] = json!(2);
    let mut later = driver(&changed);
    for customer in customers {
        later.keep(customer.as_bytes(), 1, &value);
    }
    later.start_again().unwrap();
    later.send("records", interaction(2, FAILURE).key("c1"));
    later.advance(2);
    let told = |later: &mut Driver<MatchPatterns>| {
        let changes = later.take("changes").into_iter();
        let keys = changes.map(|change| change.json::<Json>()["keys"].clone());
        keys.collect::<Vec<_>>()
    };
    assert_eq!(told(&mut later), [3]);
    // The new instance was loaded with all three before it heard of what became of the first.
    later.reload().unwrap();
    later.send("records", interaction(3, FAILURE).key("c4"));
    assert_eq!(told(&mut later), [2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_finds_what_the_plugin_for_it_finds(records in prop::collection::vec((0..5_u8, 0..60_000_i64, 0..20_000_i64), 1..60)) {
        let (mut plugin, mut stages, mut clauses) = (Driver::<DetectCallbacks>::new("{}").unwrap(), driver(&callbacks()), driver(&clause()));
        let mut watermark = 0;
        for (kind, ahead, lag) in records {
            let time = watermark + 1 + ahead / 10;
            plugin.send("customers", record(kind, time));
            stages.send("records", record(kind, time));
            clauses.send("records", record(kind, time));
            watermark = watermark.max(time - lag / 10);
            plugin.advance(watermark);
            stages.advance(watermark);
            clauses.advance(watermark);
        }
        plugin.advance(i64::MAX);
        stages.advance(i64::MAX);
        clauses.advance(i64::MAX);
        let expected: Vec<Json> = plugin.take("alerts").iter().map(|received| received.json()).collect();
        let found: Vec<Json> = stages.take("matches").iter().map(|received| received.json()).collect();
        prop_assert_eq!(&found, &expected);
        let by_clause: Vec<Json> = clauses.take("matches").iter().map(|received| {
            let mut found: Json = received.json();
            found["customer_id"] = json!("c1");
            found
        }).collect();
        prop_assert_eq!(by_clause, expected);
    }

    #[test]
    fn batches_and_restarts_cannot_be_seen(
        steps in prop::collection::vec((0..3_u8, 0..5_u8, 0..200_i64, prop::option::of(1..40_i64)), 1..60),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        restarts in any::<u64>(),
    ) {
        let mut watermark = 0;
        let mut stream = Vec::new();
        for (key, kind, ahead, advance) in steps {
            let key = ["c1", "c2", "c3"][usize::from(key)];
            stream.push(Step::Record(record(kind, watermark + ahead).key(key)));
            if let Some(advance) = advance {
                watermark += advance;
                stream.push(Step::Watermark(watermark));
            }
        }
        stream.push(Step::Watermark(1_000_000));
        assert_batching_is_invisible::<MatchPatterns>(&callbacks().to_string(), "records", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
