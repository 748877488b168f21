//! What makes no sense is refused with a code, a place and a remedy.

use jackfield_pattern_language::{Fault, code};
use serde_json::{Value as Json, json};

use super::one;

fn refused(definition: Json) -> Fault {
    match one(definition) {
        Ok(_) => panic!("it was taken"),
        Err(fault) => {
            assert!(!fault.message.is_empty() && !fault.remedy.is_empty());
            fault
        }
    }
}

fn clause(text: &str) -> Fault {
    refused(json!({ "match-recognize": text }))
}

#[test]
fn an_expression_is_refused_at_its_place() {
    let fault = refused(
        json!({ "stages": [{ "name": "a" }, { "name": "b", "where": "event.kind ==\n 'a' &&& x" }] }),
    );
    assert_eq!(fault.code, code::EXPRESSION);
    assert!(
        fault
            .place
            .starts_with("patterns.p.stages[1].where, line 2, column"),
        "{fault}"
    );
    let fault = refused(json!({ "stages": [{ "name": "a", "where": "evnt.kind == 'a'" }] }));
    assert_eq!(
        (fault.code, fault.place.as_str()),
        (
            code::EXPRESSION,
            "patterns.p.stages[0].where, line 1, column 1"
        )
    );
}

#[test]
fn a_sequence_that_means_nothing_is_refused() {
    for (stages, word) in [
        (json!([{ "name": "a", "times": 0 }]), "0 times"),
        (
            json!([{ "name": "a", "times": 2, "one-or-more": true }]),
            "twice",
        ),
        (json!([{ "name": "a", "until": "true" }]), "until"),
        (json!([{ "name": "a", "greedy": true }]), "greedy"),
        (
            json!([{ "name": "a" }, { "name": "b", "contiguity": "not-followed-by" }]),
            "within",
        ),
        (
            json!([{ "name": "a", "contiguity": "not-next" }]),
            "first stage",
        ),
        (
            json!([{ "group": [{ "name": "a", "optional": true }], "one-or-more": true }]),
            "no end",
        ),
        (
            json!([{ "group": [{ "name": "a" }], "where": "true" }]),
            "group",
        ),
    ] {
        let fault = refused(json!({ "stages": stages }));
        assert_eq!(fault.code, code::SEQUENCE, "{fault}");
        assert!(fault.message.contains(word), "{fault}");
    }
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    for stages in [
        json!([{ "name": "a" }, { "name": "a" }]),
        json!([{ "name": "" }]),
        json!([{ "name": "a-b" }]),
        json!([{ "name": "event" }]),
        json!([{ "name": "in" }]),
        json!([{ "name": "x", "group": [{ "name": "a" }] }]),
    ] {
        assert_eq!(
            refused(json!({ "stages": stages })).code,
            code::NAME,
            "{stages}"
        );
    }
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    let sql = "PATTERN (a)";
    for definition in [
        json!({}),
        json!({ "stages": [{ "name": "a" }], "match-recognize": sql }),
        json!({ "match-recognize": sql, "within": "1s" }),
        json!({ "match-recognize": sql, "output": {} }),
        json!({ "stages": [{ "name": "a" }], "previous": [{ "stages": [{ "name": "a" }], "previous": [{ "stages": [{ "name": "a" }] }] }] }),
    ] {
        assert_eq!(
            refused(definition.clone()).code,
            code::OPTIONS,
            "{definition}"
        );
    }
}

#[test]
fn groups_without_end_are_refused() {
    let mut stages = json!([{ "name": "a" }]);
    for _ in 0..40 {
        stages = json!([{ "group": stages }]);
    }
    assert_eq!(refused(json!({ "stages": stages })).code, code::OPTIONS);
}

#[test]
fn what_is_not_of_the_subset_is_refused_where_it_stands() {
    for (text, place) in [
        ("ALL ROWS PER MATCH PATTERN (a)", "column 1"),
        ("ORDER BY t DESC PATTERN (a)", "column 12"),
        ("ORDER BY t, u PATTERN (a)", "column 11"),
        ("PATTERN ((a b)+ c)", "column 10"),
        ("PATTERN (a | b)", "column 12"),
        ("PATTERN (^ a)", "column 10"),
        ("PATTERN (PERMUTE(a, b))", "column 10"),
        ("PATTERN (a {- b -})", "column"),
        ("PATTERN (a b+)", "column 12"),
        ("PATTERN (a?)", "column 10"),
        ("PATTERN (a b?? c)", "column 12"),
        ("PATTERN (a a)", "column 12"),
        ("PATTERN (a) SUBSET u = (a)", "column 13"),
        ("PATTERN (a) DEFINE a AS PREV(a.x) > 1", "column 25"),
        ("PATTERN (a b) DEFINE b AS SUM(a.x + b.x) > 1", "column"),
        (
            "PATTERN (a) DEFINE a AS COUNT(DISTINCT a.x) > 1",
            "column 31",
        ),
        ("PATTERN (a) DEFINE a AS x LIKE 'a_b'", "column 25"),
        ("PATTERN (a) DEFINE a AS SQRT(x) > 1", "column 25"),
        ("MEASURES FINAL LAST(a.x) AS x PATTERN (a)", "column 10"),
    ] {
        let fault = clause(text);
        assert!(
            fault.code == code::UNSUPPORTED || text.contains("{-"),
            "{text}: {fault}"
        );
        assert!(
            fault.place.contains("line 1") && fault.place.contains(place),
            "{text}: {fault}"
        );
    }
}

#[test]
fn what_is_no_clause_is_refused_where_it_ends() {
    for text in [
        "",
        "PATTERN",
        "PATTERN (a",
        "PATTERN ()",
        "PATTERN (a) DEFINE a AS",
        "PATTERN (a) DEFINE a AS (x",
        "PATTERN (a) DEFINE a AS 'x",
        "PATTERN (a) DEFINE a x",
        "PATTERN (a) WITHIN INTERVAL '0' SECOND",
        "PATTERN (a) WITHIN INTERVAL '1' MONTH",
        "PATTERN (a{3,b})",
        "PATTERN (a) DEFINE a AS x > 1 more",
        "PATTERN (a{99999999999} b)",
        "/* no end",
        "PATTERN (a) DEFINE a AS x ~ 1",
    ] {
        assert_eq!(clause(text).code, code::SYNTAX, "{text}");
    }
    let deep = format!("PATTERN (a) DEFINE a AS {}x", "NOT (".repeat(10_000));
    assert_eq!(clause(&deep).code, code::SYNTAX);
}

#[test]
fn a_symbol_that_is_not_there_is_refused() {
    for text in [
        "PATTERN (a) DEFINE b AS TRUE",
        "PATTERN (a) DEFINE a AS b.x > 1",
        "AFTER MATCH SKIP TO LAST b PATTERN (a)",
        "MEASURES b.x AS x PATTERN (a)",
        "MEASURES a.x AS x, a.y AS x PATTERN (a)",
    ] {
        assert_eq!(clause(text).code, code::NAME, "{text}");
    }
}

#[test]
fn a_misspelt_option_is_refused() {
    let unknown =
        serde_json::from_value::<jackfield_pattern_language::Definition>(json!({ "stagges": [] }));
    assert!(unknown.unwrap_err().to_string().contains("stagges"));
}
