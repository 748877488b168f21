//! Expressions come to what the interpreter of the crate `cel` makes of them, thousands of them at random.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::sync::Arc;

use cel::{Context, Env};
use jackfield_expression::{Expression, Names, Value};
use proptest::prelude::*;

/// What the variables of the expressions are.
fn variables() -> (Vec<Value<'static>>, Context<'static, 'static>) {
    let ours = vec![
        Value::Int(3),
        Value::Double(0.5),
        Value::owned_text("abc"),
        Value::list(vec![Value::Int(1), Value::Int(2), Value::Int(3)]),
        Value::map([("x", Value::Int(1)), ("t", Value::owned_text("b"))]),
        Value::Bool(true),
    ];
    let mut theirs = Context::with_env(Arc::new(Env::stdlib()));
    theirs.add_variable_from_value("i", 3_i64);
    theirs.add_variable_from_value("d", 0.5_f64);
    theirs.add_variable_from_value("s", "abc".to_owned());
    theirs.add_variable_from_value("l", vec![1_i64, 2, 3]);
    let map: std::collections::HashMap<String, cel::Value> = [
        ("x".to_owned(), 1_i64.into()),
        ("t".to_owned(), cel::Value::from("b".to_owned())),
    ]
    .into();
    theirs.add_variable_from_value("m", map);
    theirs.add_variable_from_value("b", true);
    (ours, theirs)
}

fn alike(ours: &Value<'_>, theirs: &cel::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, cel::Value::Null) => true,
        (Value::Bool(ours), cel::Value::Bool(theirs)) => ours == theirs,
        (Value::Int(ours), cel::Value::Int(theirs)) => ours == theirs,
        (Value::Uint(ours), cel::Value::UInt(theirs)) => ours == theirs,
        (Value::Double(ours), cel::Value::Float(theirs)) => {
            ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan()
        }
        (Value::Text(ours), cel::Value::String(theirs)) => **ours == ***theirs,
        (Value::List(ours), cel::Value::List(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs.iter())
                    .all(|(ours, theirs)| alike(ours, theirs))
        }
        (Value::Map(ours), cel::Value::Map(theirs)) => {
            let found = |name: &str| theirs.map.get(&cel::objects::Key::from(name));
            ours.len() == theirs.map.len()
                && ours
                    .iter()
                    .all(|(name, ours)| found(name).is_some_and(|theirs| alike(ours, theirs)))
        }
        _ => false,
    }
}

fn loops_into_list(text: &str) -> bool {
    text.contains(").map(") || text.contains(").filter(")
}

fn names_whole_map(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
        .any(|word| word == "m")
}

const OPERATORS: [&str; 14] = [
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in",
];

const LOOPS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

const FUNCTIONS: [&str; 6] = ["size", "int", "double", "string", "uint", "dyn"];

const METHODS: [&str; 3] = ["contains", "startsWith", "endsWith"];

fn expression() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("i".to_owned()),
        Just("d".to_owned()),
        Just("m.x".to_owned()),
        Just("l[1]".to_owned()),
        (-3_i64..6).prop_map(|number| number.to_string()),
        Just("2u".to_owned()),
        Just("1.5".to_owned()),
        Just("9223372036854775807".to_owned()),
    ];
    let leaf = prop_oneof![
        4 => number,
        1 => Just("s".to_owned()),
        1 => Just("'b'".to_owned()),
        1 => Just("m.t".to_owned()),
        1 => Just("l".to_owned()),
        1 => Just("m".to_owned()),
        1 => Just("b".to_owned()),
        1 => Just("null".to_owned()),
        1 => Just("m.none".to_owned()),
        1 => Just("has(m.x)".to_owned()),
        1 => Just("has(m.none)".to_owned()),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
                                        prop_oneof![
            6 => (inner.clone(), prop::sample::select(&OPERATORS), inner.clone()).prop_map(|(one, operator, other)| format!("({one} {operator} {other})")),
            1 => inner.clone().prop_map(|inner| format!("!({inner})")),
            1 => inner.clone().prop_map(|inner| format!("-({inner})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(condition, one, other)| format!("({condition} ? {one} : {other})")),
            1 => (inner.clone(), prop::sample::select(&LOOPS), inner.clone()).prop_map(|(range, name, step)| format!("({range}).{name}(i, {step})")),
            1 => (prop::sample::select(&FUNCTIONS), inner.clone()).prop_map(|(name, of)| format!("{name}({of})")),
            1 => (inner.clone(), prop::sample::select(&METHODS), inner.clone()).prop_map(|(of, name, other)| format!("({of}).{name}({other})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("[{one}, {other}]")),
            1 => (inner.clone(), inner).prop_map(|(list, index)| format!("({list})[{index}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn an_expression_comes_to_what_the_interpreter_makes_of_it(text in expression()) {
        // Here the names of a map have the order of the record, there none.
        prop_assume!(!(loops_into_list(&text) && names_whole_map(&text)));
        let (variables, context) = variables();
        let program = Env::stdlib().compile(&text).unwrap();
        let theirs = program.execute(&context);
        let ours = Expression::compile("test", &text, &Names::of(["i", "d", "s", "l", "m", "b"])).unwrap().evaluate(&variables);
        match (&ours, &theirs) {
            (Err(_), Err(_)) => {}
            // The interpreter takes a map for the list of its names, which the language does not.
            (Err(refusal), Ok(_)) if refusal.message().contains("values of type list and map") => {}
            (Ok(ours), Ok(theirs)) => prop_assert!(alike(ours, theirs), "{text}: {ours:?}, {theirs:?}"),
            _ => prop_assert!(false, "{text}: {ours:?}, {theirs:?}"),
        }
    }
}
