//! Inputs that are read member by member: each way to be wrong, and what is said of it.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use jackfield_sdk::{Fields, Problem, Problems, path_segment};
use serde_json::{Value, json};

/// What is found wrong with an input by who reads it.
fn problems_of<T>(input: &Value, read: impl FnOnce(&mut Fields<'_>) -> T) -> (T, Vec<Problem>) {
    let mut problems = Problems::default();
    let mut fields = problems.read_object(input.to_string().as_bytes()).unwrap();
    let read = read(&mut fields);
    fields.finish();
    (read, problems.into_vec())
}

fn codes(problems: &[Problem]) -> Vec<(&str, &str)> {
    let told = problems.iter();
    told.map(|problem| (problem.field.as_str(), problem.code.as_str()))
        .collect()
}

#[test]
fn what_is_right_is_read() {
    let input = json!({"name": "calls", "format": "csv", "full": true, "rows": 7, "of": ["a", "b"], "filter": {"a": 1}});
    let (read, problems) = problems_of(&input, |fields| {
        (
            fields.required("name").text(),
            fields.required("format").one_of(&["csv", "json"]),
            fields.required("full").boolean(),
            fields.required("rows").integer(1..=7),
            fields.required("of").texts(1..=2),
            fields
                .required("filter")
                .object()
                .map(|filter| filter.len()),
        )
    });
    assert_eq!(problems, []);
    let of = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(
        read,
        (
            Some("calls".into()),
            Some("csv"),
            Some(true),
            Some(7),
            of,
            Some(1)
        )
    );
}

#[test]
fn what_is_missing_is_told_of_required_members_only() {
    let ((), problems) = problems_of(&json!({"b": null}), |fields| {
        assert_eq!(fields.required("a").text(), None);
        assert_eq!(fields.required("b").integer(0..=1), None);
        assert_eq!(fields.optional("c").boolean(), None);
    });
    assert_eq!(codes(&problems), [("a", "missing"), ("b", "missing")]);
}

#[test]
fn a_member_of_another_type_is_shown() {
    let input = json!({"a": 1, "b": "x", "c": "1", "d": 2, "e": [], "f": {}});
    let ((), problems) = problems_of(&input, |fields| {
        assert_eq!(fields.required("a").text(), None);
        assert_eq!(fields.required("b").boolean(), None);
        assert_eq!(fields.required("c").integer(0..=9), None);
        assert_eq!(fields.required("d").texts(0..=9), None);
        assert_eq!(fields.required("e").object(), None);
        assert_eq!(
            fields.required("f").text_that("malformed", "…", |_| true),
            None
        );
    });
    let shown: Vec<_> = problems
        .iter()
        .map(|problem| problem.value.as_deref().unwrap())
        .collect();
    assert_eq!(shown, ["1", "\"x\"", "\"1\"", "2", "[]", "{}"]);
    assert!(problems.iter().all(|problem| problem.code == "wrong-type"));
}

#[test]
fn numbers_are_whole_and_within_bounds() {
    for wrong in [json!(0), json!(8), json!(-1), json!(1.5), json!(1e30)] {
        let (read, problems) = problems_of(&json!({"n": wrong}), |fields| {
            fields.required("n").integer(1..=7)
        });
        assert_eq!(
            (read, codes(&problems)),
            (None, vec![("n", "out-of-range")]),
            "{wrong}"
        );
    }
}

#[test]
fn what_is_allowed_is_listed() {
    let (read, problems) = problems_of(&json!({"format": "pdf"}), |fields| {
        fields.required("format").one_of(&["csv", "json"])
    });
    assert_eq!(read, None);
    assert_eq!(problems[0].message, "format must be one of csv, json");
    assert_eq!(problems[0].allowed, ["csv", "json"]);
}

#[test]
fn each_entry_of_a_list_is_judged() {
    let input = json!({"metric": ["a", "", "a", 7, "b"]});
    let (read, problems) = problems_of(&input, |fields| fields.required("metric").texts(1..=4));
    assert_eq!(read, None);
    let expected = [
        ("metric", "too-many"),
        ("metric[1]", "empty"),
        ("metric[2]", "repeated"),
        ("metric[3]", "wrong-type"),
    ];
    assert_eq!(codes(&problems), expected);
}

#[test]
fn a_list_that_is_too_short_is_refused() {
    let (read, problems) = problems_of(&json!({"metric": []}), |fields| {
        fields.required("metric").texts(1..=4)
    });
    assert_eq!(
        (read, codes(&problems)),
        (None, vec![("metric", "too-few")])
    );
}

#[test]
fn a_member_that_nobody_asked_for_is_unknown() {
    let (_, problems) = problems_of(&json!({"nmae": "calls"}), |fields| {
        fields.optional("name").text()
    });
    assert_eq!(codes(&problems), [("nmae", "unknown-field")]);
    assert_eq!(problems[0].allowed, ["name"]);
}

#[test]
fn only_an_object_has_members() {
    for (input, code) in [
        ("[]", "wrong-type"),
        ("7", "wrong-type"),
        ("{", "malformed"),
        ("", "malformed"),
    ] {
        let mut problems = Problems::default();
        assert!(problems.read_object(input.as_bytes()).is_none());
        assert_eq!(problems.into_vec()[0].code, code, "{input}");
    }
}

#[test]
fn a_segment_of_a_path_stays_one() {
    assert_eq!(path_segment("a/b?c=ä 1"), "a%2Fb%3Fc%3D%C3%A4%201");
}
