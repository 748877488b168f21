//! What windows come to, as a manifest says.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use aggregate_windows::AggregateWindows;
use jackfield_sdk::testing::{Driver, Sent};
use serde_json::{Value, json};

fn driver(configuration: Value) -> Driver<AggregateWindows> {
    Driver::new(&configuration.to_string()).unwrap()
}

fn at(timestamp: i64, record: Value) -> Sent {
    Sent::new(record.to_string()).key("k").timestamp(timestamp)
}

fn send(driver: &mut Driver<AggregateWindows>, records: &[(i64, Value)]) {
    for (timestamp, record) in records {
        driver.send("records", at(*timestamp, record.clone()));
    }
}

fn results(driver: &mut Driver<AggregateWindows>) -> Vec<Value> {
    driver
        .take("results")
        .iter()
        .map(|received| received.json())
        .collect()
}

fn refusal(configuration: Value) -> String {
    Driver::<AggregateWindows>::new(&configuration.to_string())
        .err()
        .unwrap()
}

/// Tumbling windows of 10 s.
fn tumbling(more: Value) -> Value {
    let mut configuration =
        json!({ "window": { "tumbling": { "size": "10s" } }, "aggregates": { "n": "count" } });
    let fields = configuration.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    configuration
}

#[test]
fn records_are_counted_by_key_and_window() {
    let mut driver = driver(tumbling(json!({})));
    driver.send("records", Sent::new("{}").key("voice").timestamp(1));
    driver.send("records", Sent::new("{}").key("chat").timestamp(9_999));
    driver.send("records", Sent::new("{}").key("voice").timestamp(3));
    driver.advance(9_999);
    let received = driver.take("results");
    assert_eq!(
        received[1].text(),
        r#"{"key":"voice","n":2,"window_end":10000,"window_start":0}"#
    );
    assert_eq!(received[1].timestamp, Some(9_999));
    assert_eq!(received.len(), 2);
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn records_that_nothing_looks_into_can_hold_anything() {
    let mut driver = driver(tumbling(json!({})));
    driver.send("records", Sent::new([0xff]).key("k").timestamp(1));
    driver.advance(10_000);
    assert_eq!(results(&mut driver)[0]["n"], 1);
}

#[test]
fn every_function_comes_to_what_it_says() {
    let mut driver = driver(tumbling(json!({ "aggregates": {
        "n": "count", "many": { "count-if": "record.v > 1" }, "sum": { "sum": "record.v" }, "mean": { "avg": "record.v" },
        "mixed": { "sum": "record.v == 3 ? 0.5 : record.v" }, "least": { "min": "record.name" }, "most": { "max": "record.v" },
        "names": { "distinct": "record.name" }, "median": { "quantile": { "of": "record.v", "rank": 0.5 } },
        "top": { "top": { "of": "record.name", "by": "record.v", "k": 2 } }, "first": { "first": "record.name" },
        "last": { "last": "record.name" }, "all": { "collect": { "of": "record.v", "limit": 3 } },
    } })));
    let record = |v: i64, name: &str| json!({ "v": v, "name": name });
    send(
        &mut driver,
        &[
            (5, record(3, "b")),
            (1, record(1, "c")),
            (9, record(2, "a")),
            (9, record(3, "a")),
        ],
    );
    driver.advance(9_999);
    let expected = json!({
        "key": "k", "window_start": 0, "window_end": 10_000, "n": 4, "many": 3, "sum": 9, "mean": 2.25, "mixed": 4.0, "least": "a",
        "most": 3, "names": 3, "median": 2.0, "top": ["b", "a"], "first": "c", "last": "a", "all": [3, 1, 2],
    });
    assert_eq!(results(&mut driver), [expected]);
}

#[test]
fn null_counts_for_nothing() {
    let of = "has(record.v) ? record.v : null";
    let mut driver = driver(tumbling(json!({ "aggregates": {
        "n": "count", "sum": { "sum": of }, "mean": { "avg": of }, "least": { "min": of }, "different": { "distinct": of },
        "median": { "quantile": { "of": of, "rank": 0.5 } }, "top": { "top": { "of": of, "k": 1 } }, "last": { "last": of }, "all": { "collect": of },
    } })));
    send(&mut driver, &[(1, json!({}))]);
    driver.advance(9_999);
    let expected = json!({
        "key": "k", "window_start": 0, "window_end": 10_000, "n": 1, "sum": 0, "mean": null, "least": null, "different": 0, "median": null,
        "top": [], "last": null, "all": [],
    });
    assert_eq!(results(&mut driver), [expected]);
}

#[test]
fn what_goes_in_and_what_comes_out_can_be_chosen() {
    let mut driver = driver(tumbling(json!({
        "where": "record.ok", "event-time": "record.at", "having": "n > 1",
        "output": { "who": "key", "each": "double(sum) / double(n)", "from": "window.start", "kind": "'MEAN'" },
        "aggregates": { "n": "count", "sum": { "sum": "record.v" } },
    })));
    let record = |at: i64, v: i64, ok: bool| json!({ "at": at, "v": v, "ok": ok });
    send(
        &mut driver,
        &[
            (0, record(1, 1, true)),
            (0, record(2, 2, true)),
            (0, record(3, 7, false)),
            (0, record(10_001, 9, true)),
        ],
    );
    driver.advance(30_000);
    assert_eq!(
        results(&mut driver),
        [json!({ "who": "k", "each": 1.5, "from": 0, "kind": "MEAN" })]
    );
}

#[test]
fn a_record_goes_into_every_window_that_it_lies_in() {
    let sliding = json!({ "sliding": { "size": "10s", "slide": "5s", "offset": "1s" } });
    let mut driver = driver(tumbling(
        json!({ "window": sliding, "output": "[window.start, window.end, n]" }),
    ));
    send(&mut driver, &[(7_000, json!({})), (2_000, json!({}))]);
    driver.advance(i64::MAX);
    assert_eq!(
        results(&mut driver),
        [
            json!([-4000, 6000, 1]),
            json!([1000, 11000, 2]),
            json!([6000, 16000, 1])
        ]
    );
}

#[test]
fn a_session_lasts_as_long_as_records_come() {
    let mut driver = driver(tumbling(
        json!({ "window": { "session": { "gap": "2s" } }, "output": "[window.start, window.end, n]" }),
    ));
    send(
        &mut driver,
        &[
            (0, json!({})),
            (3_000, json!({})),
            (1_500, json!({})),
            (9_000, json!({})),
        ],
    );
    driver.advance(i64::MAX);
    assert_eq!(
        results(&mut driver),
        [json!([0, 5000, 3]), json!([9000, 11000, 1])]
    );
}

#[test]
fn windows_by_count_are_put_out_at_once() {
    let mut driver = driver(tumbling(
        json!({ "window": { "count": 2 }, "output": "n", "aggregates": { "n": { "sum": "record" } } }),
    ));
    send(&mut driver, &[(5, json!(1)), (4, json!(2)), (6, json!(3))]);
    let received = driver.take("results");
    assert_eq!(
        (received.len(), received[0].text(), received[0].timestamp),
        (1, "3", Some(4))
    );
}

#[test]
fn early_results_are_marked() {
    let mut driver = driver(tumbling(
        json!({ "trigger": { "count-and-event-time": 2 }, "output": "[n, window.timing]" }),
    ));
    send(
        &mut driver,
        &[(1, json!({})), (2, json!({})), (3, json!({}))],
    );
    driver.advance(9_999);
    assert_eq!(
        results(&mut driver),
        [json!([2, "early"]), json!([3, "on-time"])]
    );
}

#[test]
fn a_purging_trigger_begins_anew() {
    let mut driver = driver(tumbling(
        json!({ "trigger": { "every": "5s" }, "purging": true, "output": "n" }),
    ));
    send(&mut driver, &[(1, json!({})), (2, json!({}))]);
    driver.advance(5_000);
    send(&mut driver, &[(6_000, json!({}))]);
    driver.advance(9_999);
    assert_eq!(results(&mut driver), [json!(2), json!(1)]);
}

#[test]
fn a_late_record_takes_back_what_was_said() {
    let output = json!({ "n": "n", "back": "window.retraction", "timing": "window.timing" });
    let mut driver = driver(tumbling(
        json!({ "allowed-lateness": "5s", "retractions": true, "output": output }),
    ));
    send(&mut driver, &[(1, json!({}))]);
    driver.advance(9_999);
    send(&mut driver, &[(2, json!({}))]);
    let expected = [
        json!({ "n": 1, "back": false, "timing": "on-time" }),
        json!({ "n": 1, "back": true, "timing": "late" }),
        json!({ "n": 2, "back": false, "timing": "late" }),
    ];
    assert_eq!(results(&mut driver), expected);
}

#[test]
fn a_record_that_is_too_late_goes_out_by_its_own_port() {
    let mut driver = driver(tumbling(json!({})));
    driver.advance(20_000);
    send(&mut driver, &[(2, json!({ "a": 1 }))]);
    let late = driver.take("late");
    assert_eq!((late[0].text(), late[0].timestamp), (r#"{"a":1}"#, Some(2)));
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn a_window_can_be_left_with_few_records() {
    let evict = json!({ "keep-last": 2 });
    let mut driver = driver(tumbling(
        json!({ "evict": evict, "output": "s", "aggregates": { "s": { "sum": "record" } } }),
    ));
    send(&mut driver, &[(1, json!(1)), (2, json!(2)), (3, json!(4))]);
    driver.advance(9_999);
    assert_eq!(results(&mut driver), [json!(6)]);
}

#[test]
fn what_is_wrong_with_a_record_has_a_code_and_changes_nothing() {
    let mut driver = driver(tumbling(
        json!({ "aggregates": { "n": "count", "s": { "sum": "record.v" }, "m": { "max": "record.m" } } }),
    ));
    for record in [
        r#"{"m":1}"#,
        r#"{"v":"x","m":1}"#,
        r#"{"v":1,"m":[]}"#,
        r#"{"v""#,
    ] {
        driver.send("records", Sent::new(record).key("k").timestamp(1));
    }
    driver.send("records", Sent::new(r#"{"v":1,"m":1}"#).key("k"));
    driver.send(
        "records",
        Sent::new(r#"{"v":1,"m":1}"#).key([0xff]).timestamp(1),
    );
    let rejections = driver.take_rejections();
    let codes: Vec<&str> = rejections
        .iter()
        .map(|rejection| rejection.code())
        .collect();
    assert_eq!(
        codes,
        [
            "missing-field",
            "wrong-type",
            "wrong-type",
            "not-json",
            "missing-timestamp",
            "not-utf-8"
        ]
    );
    assert_eq!(
        rejections[1].message(),
        "aggregates.s: a value of type string, where a number is expected"
    );
    driver.flush();
    assert_eq!(driver.remembered(), 0);
}

#[test]
fn a_window_that_nothing_can_be_made_of_goes_out_by_its_own_port() {
    let mut driver = driver(tumbling(json!({ "output": "1 / (n - 1)" })));
    send(&mut driver, &[(1, json!({}))]);
    driver.advance(9_999);
    let failure: Value = driver.take("failures")[0].json();
    assert_eq!(
        (&failure["code"], &failure["key"], &failure["window_end"]),
        (&json!("division-by-zero"), &json!("k"), &json!(10_000))
    );
    assert!(results(&mut driver).is_empty());
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_place() {
    for (configuration, expected) in [
        (
            tumbling(json!({ "where": "record.a >" })),
            "where: line 1, column",
        ),
        (
            tumbling(json!({ "aggregates": {} })),
            "aggregates: name one at least",
        ),
        (
            tumbling(json!({ "aggregates": { "of": { "sum": "n" } } })),
            "aggregates.of: line 1, column 1: there is no variable \"n\"",
        ),
        (
            tumbling(json!({ "aggregates": { "key": "count" } })),
            "aggregates: \"key\" has a meaning",
        ),
        (
            tumbling(json!({ "aggregates": { "a-b": "count" } })),
            "aggregates: \"a-b\" cannot be named",
        ),
        (
            tumbling(json!({ "aggregates": { "q": { "quantile": { "of": "1", "rank": 2.0 } } } })),
            "aggregates.q.rank: ",
        ),
        (
            tumbling(
                json!({ "aggregates": { "d": { "distinct": { "of": "1", "precision": 40 } } } }),
            ),
            "aggregates.d.precision: ",
        ),
        (
            tumbling(json!({ "having": "record.a == 1" })),
            "having: line 1, column 1: there is no variable \"record\"",
        ),
        (
            tumbling(json!({ "output": { "a": ["x"] } })),
            "output.a[0]: line 1, column 1: there is no variable \"x\"",
        ),
        (
            tumbling(json!({ "window": { "tumbling": { "size": "1s", "offset": "2s" } } })),
            "window: ",
        ),
        (
            tumbling(json!({ "window": { "count": 0 } })),
            "a count of 0 records",
        ),
        (
            tumbling(json!({ "window": { "count": 1 }, "trigger": { "count": 1 } })),
            "trigger: windows by count",
        ),
        (
            tumbling(json!({ "format": { "encoded": { "variants": [] } } })),
            "format.encoded: ",
        ),
    ] {
        let found = refusal(configuration);
        assert!(found.starts_with(expected), "{found}");
    }
    assert!(refusal(tumbling(json!({ "widow": 1 }))).contains("unknown field `widow`"));
}
