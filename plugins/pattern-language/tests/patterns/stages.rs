//! Patterns in stages.

use serde_json::json;

use super::{found, kinds, matches, one, run, set};

fn is(kind: &str) -> String {
    format!("event.kind == '{kind}'")
}

/// A pattern whose output is the kinds of its events.
fn kinds_of(mut definition: serde_json::Value) -> jackfield_pattern_language::PatternSet {
    definition["output"] = json!({ "kinds": "matched.map(e, e.kind)" });
    one(definition).unwrap()
}

#[test]
fn three_in_a_row_and_another_are_a_match() {
    let patterns = kinds_of(json!({ "stages": [
        { "name": "failure", "where": is("f"), "times": 3, "consecutive": true },
        { "name": "callback", "contiguity": "next", "where": is("c") },
    ], "within": "30s" }));
    assert_eq!(found(&patterns, "ffffc"), ["fffc"]);
    assert!(found(&patterns, "ffxfc").is_empty());
}

#[test]
fn every_option_of_a_stage_reaches_the_pattern() {
    let loops = |options: serde_json::Value| {
        let mut middle = json!({ "name": "b", "where": is("b") });
        middle
            .as_object_mut()
            .unwrap()
            .extend(options.as_object().unwrap().clone());
        let stages =
            json!([{ "name": "a", "where": is("a") }, middle, { "name": "c", "where": is("c") }]);
        kinds_of(json!({ "stages": stages }))
    };
    let cases: &[(serde_json::Value, &str, &[&str])] = &[
        (json!({ "contiguity": "next" }), "axbc", &[]),
        (json!({ "contiguity": "followed-by" }), "axbbc", &["abc"]),
        (
            json!({ "contiguity": "followed-by-any" }),
            "abbc",
            &["abc", "abc"],
        ),
        (json!({ "contiguity": "not-next" }), "abc", &[]),
        (json!({ "contiguity": "not-followed-by" }), "axbc", &[]),
        (json!({ "optional": true }), "ac", &["ac"]),
        (json!({ "times": 2 }), "abxbc", &["abbc"]),
        (json!({ "times": { "from": 2, "to": 3 } }), "abc", &[]),
        (
            json!({ "times-or-more": 2, "greedy": true }),
            "abbbc",
            &["abbbc"],
        ),
        (
            json!({ "one-or-more": true, "consecutive": true, "greedy": true }),
            "abbc",
            &["abbc"],
        ),
        (
            json!({ "times": 2, "allow-combinations": true }),
            "abbbc",
            &["abbc", "abbc"],
        ),
        (
            json!({ "one-or-more": true, "greedy": true, "until": is("u") }),
            "abubc",
            &["abc"],
        ),
        (json!({ "times": 3, "gap": "2ms" }), "abxxbbc", &[]),
        (json!({ "within-previous": "2ms" }), "axxbc", &[]),
    ];
    for (options, events, expected) in cases {
        assert_eq!(
            found(&loops(options.clone()), events),
            *expected,
            "{options}"
        );
    }
}

#[test]
fn a_group_is_repeated_as_a_whole() {
    let group = json!([{ "name": "a", "where": is("a") }, { "name": "b", "contiguity": "next", "where": is("b") }]);
    let patterns = kinds_of(json!({ "stages": [
        { "group": group, "times": 2, "consecutive": true },
        { "name": "c", "contiguity": "next", "where": is("c") },
    ] }));
    assert_eq!(found(&patterns, "ababc"), ["ababc"]);
    assert!(found(&patterns, "abc").is_empty());
}

#[test]
fn a_condition_sees_what_was_taken_before() {
    let rising = "size(high) == 0 || event.value > high[size(high) - 1].value";
    let patterns = one(json!({
        "stages": [
            { "name": "high", "where": rising, "one-or-more": true, "consecutive": true, "greedy": true },
            { "name": "fall", "contiguity": "next", "where": "event.value < matched[0].value" },
        ],
        "skip": "past-last-event",
        "output": { "first": "high[0].value", "sum": "matched.map(e, e.value).sum()", "started": "started", "at": "timestamp" },
    })).unwrap();
    let values: Vec<_> = [5, 6, 8, 2].map(|value| json!({ "value": value })).into();
    assert_eq!(
        matches(&patterns, &values),
        [json!({ "first": 5, "sum": 21, "started": 1, "at": 4 })]
    );
}

#[test]
fn a_skip_strategy_drops_other_matches() {
    let stages = json!([{ "name": "a", "where": is("a"), "one-or-more": true }, { "name": "b", "where": is("b") }]);
    let with = |skip: serde_json::Value| kinds_of(json!({ "stages": stages, "skip": skip }));
    assert_eq!(found(&with(json!("no-skip")), "aab").len(), 3);
    assert_eq!(found(&with(json!("past-last-event")), "aabab").len(), 2);
    assert_eq!(found(&with(json!({ "to-last": "a" })), "aab").len(), 2);
}

#[test]
fn what_is_not_complete_in_time_is_told_of() {
    let patterns = one(json!({
        "stages": [{ "name": "a", "where": is("a") }, { "name": "b", "where": is("b") }],
        "within": "3ms",
        "timed-out": { "waited": "timestamp - started", "key": "key", "pattern": "pattern" },
    }))
    .unwrap();
    let expected = json!({ "waited": 3, "key": "c1", "pattern": "p" });
    assert_eq!(run(&patterns, &kinds("axxxb")), [("timed-out", expected)]);
}

#[test]
fn without_a_template_a_match_is_its_events_by_stage() {
    let patterns = one(
        json!({ "stages": [{ "name": "a", "where": is("a") }, { "name": "b", "where": is("b") }] }),
    )
    .unwrap();
    let expected = json!({
        "pattern": "p", "key": "c1", "started": 1, "timestamp": 3,
        "events": { "a": [{ "kind": "a" }], "b": [{ "kind": "b" }] },
    });
    assert_eq!(matches(&patterns, &kinds("axb")), [expected]);
}

#[test]
fn patterns_of_one_key_do_not_disturb_each_other() {
    let follows = |first: &str, last: &str| {
        json!({
            "stages": [{ "name": "x", "where": is(first) }, { "name": "y", "where": is(last) }],
            "output": { "pattern": "pattern" },
        })
    };
    let patterns = set(json!({ "ab": follows("a", "b"), "bc": follows("b", "c") })).unwrap();
    let expected = [json!({ "pattern": "ab" }), json!({ "pattern": "bc" })];
    assert_eq!(matches(&patterns, &kinds("abc")), expected);
}
