//! What is wrong with an expression, and what a record has that it cannot be evaluated for.

use jackfield_expression::{Expression, Names};

use crate::{evaluate, refused};

fn compile_error(text: &str) -> String {
    Expression::compile("where", text, &Names::of(["record", "key"]))
        .unwrap_err()
        .to_string()
}

#[test]
fn what_a_record_lacks_has_a_code() {
    for (expression, code) in [
        ("record.price", "missing-field"),
        ("record.who.name == 'x'", "missing-field"),
        ("record.status.tier", "wrong-type"),
        ("record.amount + record.share", "wrong-type"),
        ("record.status > 1", "wrong-type"),
        ("record.amount && true", "wrong-type"),
        ("!record.status", "wrong-type"),
        ("-record.status", "wrong-type"),
        ("record.amount / 0", "division-by-zero"),
        ("record.amount % 0", "division-by-zero"),
        ("9223372036854775807 + record.amount", "overflow"),
        ("(-9223372036854775807 - 1) / -1", "overflow"),
        ("-(-9223372036854775807 - 1)", "overflow"),
        ("record.large + 1u", "overflow"),
        ("record.tags[2]", "index-out-of-range"),
        ("record.tags[-1]", "index-out-of-range"),
        ("int(record.status)", "invalid-value"),
        ("int(1e300)", "invalid-value"),
        ("uint(-1)", "invalid-value"),
        ("uint(-0.25)", "invalid-value"),
        ("double('x')", "invalid-value"),
        ("{'a': 1, 'a': 2}", "duplicate-field"),
        ("{1: 2}", "wrong-type"),
        ("1 in 2", "wrong-type"),
        ("record.amount.map(x, x)", "wrong-type"),
    ] {
        assert_eq!(refused(expression), code, "{expression}");
    }
}

#[test]
fn a_refusal_tells_the_place_in_the_expression() {
    let refusal = evaluate("1 == 1 &&\n  record.price > 2").unwrap_err();
    assert_eq!(
        refusal.message(),
        "test: line 2, column 9: there is no field \"price\"; has(…) tells whether there is one"
    );
}

#[test]
fn a_name_that_is_not_there_is_refused_with_those_that_are() {
    assert_eq!(
        compile_error("recrod.amount > 1"),
        "where: line 1, column 1: there is no variable \"recrod\"; there are record, key; text stands in quotes: 'recrod'"
    );
    let error = compile_error("key == 'ä' && [1].exists(x, y > 1)");
    assert!(
        error.starts_with("where: line 1, column 29: there is no variable \"y\""),
        "{error}"
    );
}

#[test]
fn what_is_not_of_the_language_is_refused_with_its_place() {
    for (text, place) in [
        ("", "line 1, column 1"),
        ("record.amount >", "line 1, column 16"),
        ("record.amount >\n> 1", "line 2, column 1"),
        ("(1", "line 1, column 3"),
        ("'abc", "line 1, column 1"),
        ("99999999999999999999", "line 1, column 1"),
        ("has(record)", "line 1, column 5"),
        ("record.status.matches('a*')", "line 1, column 22"),
        ("timestamp('2020-01-01T00:00:00Z')", "line 1, column 10"),
        ("b'bytes'", "line 1, column 1"),
        ("Message{a: 1}", "line 1, column 8"),
        ("size(1, 2)", "line 1, column 5"),
        ("contains('a', 'b')", "line 1, column 9"),
        ("exists(1)", "line 1, column 7"),
    ] {
        let error = compile_error(text);
        assert!(error.contains(place), "{text:?}: {error}");
    }
}

#[test]
fn a_remedy_is_told() {
    assert!(compile_error("key.matches('a')").contains("use contains, startsWith or endsWith"));
    assert!(compile_error("size()").contains("write value.size()"));
    assert!(compile_error("string(1, 2)").contains("write string(…)"));
    assert!(
        evaluate("record.amount * 1.5")
            .unwrap_err()
            .message()
            .contains("double(…)")
    );
}
