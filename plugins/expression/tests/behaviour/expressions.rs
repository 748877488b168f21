//! What expressions come to.

use crate::{evaluate, refused};

fn assert_all(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(
            evaluate(expression).as_deref(),
            Ok(*expected),
            "{expression}"
        );
    }
}

#[test]
fn fields_are_read_at_any_depth() {
    assert_all(&[
        ("record.status", r#""FAILURE""#),
        ("record.who.tier", r#""gold""#),
        ("record['who']['tier']", r#""gold""#),
        ("record.tags[1]", r#""b""#),
        ("record.large", "18446744073709551615"),
        ("record.none == null", "true"),
    ]);
}

#[test]
fn presence_can_be_asked_for() {
    assert_all(&[
        ("has(record.amount)", "true"),
        ("has(record.price)", "false"),
        ("has(record.price) ? record.price : 0", "0"),
        ("'price' in record", "false"),
    ]);
}

#[test]
fn conditions_are_put_together() {
    assert_all(&[
        ("record.amount > 100 && record.status == 'FAILURE'", "true"),
        ("!(record.amount >= 121) && record.share <= 0.5", "true"),
        ("record.status in ['SUCCESS', 'FAILURE']", "true"),
        (
            "record.status.startsWith('FAIL') || record.status.contains('x')",
            "true",
        ),
        ("record.amount > 100.5", "true"),
    ]);
}

#[test]
fn one_side_decides_even_if_the_other_fails() {
    assert_all(&[
        ("record.price > 1 || record.amount > 1", "true"),
        ("record.price > 1 && record.amount < 1", "false"),
        ("record.tags.exists(tag, tag > 1 || tag == 'b')", "true"),
    ]);
    assert_eq!(
        refused("record.price > 1 || record.amount < 1"),
        "missing-field"
    );
}

#[test]
fn loops_go_through_lists_and_names() {
    assert_all(&[
        ("record.tags.map(tag, tag + '!')", r#"["a!","b!"]"#),
        ("[1, 2, 3].filter(x, x > 1)", "[2,3]"),
        ("[1, 2, 3].map(x, x > 1, x * 2)", "[4,6]"),
        ("[1, 2].all(x, [3, 4].all(y, y > x))", "true"),
        ("[1, 2, 2].exists_one(x, x == 2)", "false"),
        ("{'b': 1, 'a': 2}.map(name, name)", r#"["b","a"]"#),
        ("[1].map(x, [2].map(x, x))", "[[2]]"),
    ]);
}

#[test]
fn lists_are_summed_up() {
    assert_all(&[
        ("[1, 2, 3].sum()", "6"),
        ("[1, 2.5].sum()", "3.5"),
        ("[].sum()", "0"),
        ("[3, 1, 2].min()", "1"),
        ("['a', 'b'].max()", r#""b""#),
        ("[1, 2].average()", "1.5"),
    ]);
    assert_eq!(refused("[].max()"), "invalid-value");
    assert_eq!(refused("['a'].sum()"), "wrong-type");
    assert_eq!(refused("[9223372036854775807, 1].sum()"), "overflow");
}

#[test]
fn values_are_converted() {
    assert_all(&[
        ("double(record.amount) * 1.5", "180.0"),
        ("int('42') + int(2.9) + int(3u)", "47"),
        ("string(record.amount) + string(true)", r#""120true""#),
        (
            "type(record.amount) == int && type(record.none) == null_type",
            "true",
        ),
        ("type(record.share)", r#""double""#),
        ("' A '.trim().lowerAscii() + 'b'.upperAscii()", r#""aB""#),
        ("size('añb') + size(record.tags) + record.who.size()", "6"),
    ]);
}
