//! No text and no record makes an evaluation go on for long, or fill the memory.

use jackfield_expression::{Expression, LONGEST_TEXT, Names, Template, Value};
use proptest::prelude::*;

use crate::refused;

fn compile(text: &str) -> Result<Expression, String> {
    Expression::compile("test", text, &Names::of(["list"])).map_err(|error| error.to_string())
}

fn long_list() -> Value<'static> {
    Value::list((0..1000).map(Value::Int).collect())
}

#[test]
fn a_loop_over_a_long_list_is_taken() {
    let sum = compile("list.filter(x, x % 2 == 0).size()").unwrap();
    assert_eq!(sum.evaluate(&[long_list()]).unwrap(), Value::Int(500));
}

#[test]
fn loops_within_loops_end() {
    for text in [
        "list.all(x, list.all(y, list.all(z, x + y + z >= 0)))",
        "list.map(x, list.map(y, list)).size() > 0",
        "list.exists(x, list.exists(y, x > 5000 || y > 5000))",
    ] {
        let refusal = compile(text).unwrap().evaluate(&[long_list()]).unwrap_err();
        assert_eq!(refusal.code(), "too-much-work", "{text}");
    }
}

#[test]
fn a_value_that_grows_with_each_level_ends() {
    let mut doubled =
        "'0123456789012345678901234567890123456789012345678901234567890123'".to_owned();
    let mut shared = "[1]".to_owned();
    for level in 0..20 {
        doubled = format!("[{doubled}].map(t{level}, t{level} + t{level})[0]");
        shared = format!("[{shared}].map(s{level}, [s{level}, s{level}])[0]");
    }
    assert_eq!(refused(&doubled), "too-much-work");
    // Sharing makes such a list cheap; looking at all of it is not.
    assert_eq!(refused(&format!("{shared} == {shared}")), "too-much-work");
    let template = Template::compile("test", &shared.clone().into(), &Names::default()).unwrap();
    assert_eq!(
        template.write(&[], &mut Vec::new()).unwrap_err().code(),
        "too-much-work"
    );
    let value = compile(&shared).unwrap().evaluate(&[Value::Null]).unwrap();
    assert_eq!(value.to_owned_value().unwrap_err().code(), "too-much-work");
}

#[test]
fn a_condition_does_not_swallow_that_there_was_too_much_work() {
    let endless = "list.all(x, list.all(y, list.all(z, true)))";
    let condition = compile(&format!("({endless}) || true")).unwrap();
    assert_eq!(
        condition.holds(&[long_list()]).unwrap_err().code(),
        "too-much-work"
    );
}

#[test]
fn text_that_is_too_long_is_refused() {
    let error = compile(&" ".repeat(LONGEST_TEXT + 1)).unwrap_err();
    assert!(error.contains("take it apart"), "{error}");
}

#[test]
fn operations_that_are_nested_too_deep_are_refused() {
    for text in [
        format!("1{}", "+1".repeat(2000)),
        format!("{}1{}", "(".repeat(2000), ")".repeat(2000)),
        format!("{}1{}", "[".repeat(2000), "]".repeat(2000)),
        format!("{}true", "!".repeat(4000)),
        format!("list{}", ".a".repeat(2000)),
    ] {
        if let Ok(compiled) = compile(&text) {
            // What amounts to little may be written at length.
            assert!(text.starts_with(['!', '(']), "{}", compiled.source());
        }
    }
}

/// What expressions are made of, and what they are not.
const TOKENS: [&str; 44] = [
    "list",
    "x",
    "1",
    "2u",
    "1.5",
    "'a'",
    "\"\\u00e4\"",
    "b'x'",
    "r'\\'",
    "null",
    "true",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    ".",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "&&",
    "||",
    "==",
    "<",
    "in",
    ".map(",
    ".all(",
    ".exists_one(",
    "has(",
    "size(",
    "int(",
    "type(",
    " ",
    "\n",
    "//",
    "0x",
    "`",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn any_tokens_are_evaluated_or_refused(tokens in prop::collection::vec(prop::sample::select(&TOKENS), 0..30)) {
        if let Ok(compiled) = compile(&tokens.concat()) {
            let _ = compiled.evaluate(&[long_list()]);
        }
    }

    #[test]
    fn any_text_is_evaluated_or_refused(text in any::<String>()) {
        if let Ok(compiled) = compile(&text) {
            let _ = compiled.evaluate(&[long_list()]);
        }
    }
}
