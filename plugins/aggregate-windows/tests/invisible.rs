//! Where batches and lives of an instance end cannot be seen in what comes out, whatever the windows and the aggregates.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use aggregate_windows::AggregateWindows;
use jackfield_sdk::testing::{Sent, Step, assert_batching_is_invisible};
use proptest::prelude::*;
use serde_json::{Value, json};

fn window() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({ "tumbling": { "size": "5s" } })),
        Just(json!({ "sliding": { "size": "5s", "slide": "2s" } })),
        Just(json!({ "session": { "gap": "1s" } })),
        Just(json!({ "count": 3 })),
        Just(json!("global")),
    ]
}

fn configuration() -> impl Strategy<Value = Value> {
    let trigger = prop_oneof![
        Just(json!("event-time")),
        Just(json!({ "count": 2 })),
        Just(json!({ "every": "1s" })),
        Just(json!({ "count-and-event-time": 2 }))
    ];
    let evict = prop_oneof![
        Just(json!({ "keep-last": 2 })),
        Just(json!({ "keep-within": "1s" }))
    ];
    let of = "record.v";
    let all = json!({
        "n": "count", "sum": { "sum": of }, "mean": { "avg": of }, "least": { "min": of }, "most": { "max": of }, "different": { "distinct": of },
        "median": { "quantile": { "of": of, "rank": 0.5 } }, "top": { "top": { "of": of, "k": 2 } }, "first": { "first": of }, "last": { "last": of },
    });
    let collecting = json!({ "all": { "collect": of } });
    let aggregates = prop_oneof![3 => Just(all), 1 => Just(collecting)];
    let options = (any::<bool>(), any::<bool>(), any::<bool>());
    (window(), prop::option::of(trigger), prop::option::weighted(0.2, evict), aggregates, options).prop_map(
        |(window, trigger, evict, aggregates, (lateness, retractions, purging))| {
            let by_count = window.get("count").is_some();
            let mut configuration = json!({ "window": window, "aggregates": aggregates, "retractions": retractions, "purging": purging });
            let mut set = |name: &str, value| configuration[name] = value;
            if let (Some(trigger), false) = (trigger, by_count) {
                set("trigger", trigger);
            }
            if let Some(evict) = evict {
                set("evict", evict);
            }
            if lateness && !by_count {
                set("allowed-lateness", json!("2s"));
            }
            configuration
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn batches_and_restarts_cannot_be_seen(
        configuration in configuration(),
        steps in prop::collection::vec(("[a-c]", 0..20_000_i64, -5..5_i64, 0..1_500_i64), 1..40),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        restarts in any::<u64>(),
    ) {
        let mut watermark = 0;
        let stream: Vec<Step> = steps.into_iter().flat_map(|(key, timestamp, v, rise)| {
            watermark += rise;
            // Some numbers are whole, and some are not.
            let v = if v % 2 == 0 { json!(v) } else { json!(v as f64 / 2.0) };
            let record = Sent::new(json!({ "v": v }).to_string()).key(key).timestamp(timestamp);
            [Step::Record(record), Step::Watermark(watermark)]
        }).collect();
        assert_batching_is_invisible::<AggregateWindows>(&configuration.to_string(), "records", &stream, &cuts, |cut| restarts >> (cut % 64) & 1 == 1);
    }
}
