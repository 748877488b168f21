//! Templates.

use jackfield_expression::{Names, Template, Value};
use serde_json::json;

fn names() -> Names {
    Names::of(["key", "count"])
}

fn written(template: serde_json::Value) -> String {
    let template = Template::compile("output", &template, &names()).unwrap();
    let mut json = Vec::new();
    template
        .write(&[Value::text("a\"b"), Value::Int(3)], &mut json)
        .unwrap();
    String::from_utf8(json).unwrap()
}

#[test]
fn every_text_is_an_expression_and_all_else_stands_for_itself() {
    let template = json!({ "who": "key", "twice": "count * 2", "kind": "'ALERT'", "fixed": [1, true, null, { "n\"": "1.5" }] });
    assert_eq!(
        written(template),
        r#"{"fixed":[1,true,null,{"n\"":1.5}],"kind":"ALERT","twice":6,"who":"a\"b"}"#
    );
}

#[test]
fn a_template_can_be_one_expression() {
    assert_eq!(
        written(json!("{'k': key, 'l': [count, null]}")),
        r#"{"k":"a\"b","l":[3,null]}"#
    );
    assert_eq!(written(json!({})), "{}");
    assert_eq!(written(json!("1.0 / 0.0")), "null");
}

#[test]
fn a_mistake_is_named_by_its_place() {
    let error =
        Template::compile("output", &json!({ "a": [1, { "b": "cuont" }] }), &names()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("output.a[1].b: line 1, column 1: there is no variable \"cuont\""),
        "{error}"
    );
    let template =
        Template::compile("output", &json!({ "a": "1 / (count - 3)" }), &names()).unwrap();
    let refusal = template
        .write(&[Value::Null, Value::Int(3)], &mut Vec::new())
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "division-by-zero: output.a: line 1, column 3: a whole number is divided by zero"
    );
}
