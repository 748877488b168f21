//! What records, expressions and templates do.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "behaviour/bounds.rs"]
mod bounds;
#[path = "behaviour/encoded.rs"]
mod encoded;
#[path = "behaviour/expressions.rs"]
mod expressions;
#[path = "behaviour/json.rs"]
mod json;
#[path = "behaviour/refusals.rs"]
mod refusals;
#[path = "behaviour/schema.rs"]
mod schema;
#[path = "behaviour/templates.rs"]
mod templates;

use jackfield_expression::{Decoder, Expression, Format, Names, Refusal, Value};

const RECORD: &str = r#"{"status":"FAILURE","amount":120,"share":0.5,"tags":["a","b"],"who":{"tier":"gold"},"none":null,"large":18446744073709551615}"#;

fn json() -> Decoder {
    Format::Json.decoder().unwrap()
}

/// What an expression of `record` comes to, as JSON.
fn evaluate(expression: &str) -> Result<String, Refusal> {
    let compiled = Expression::compile("test", expression, &Names::of(["record"])).unwrap();
    let record = json().decode(RECORD.as_bytes()).unwrap();
    let value: Value<'_> = compiled.evaluate(&[record])?;
    Ok(serde_json::to_string(&value).unwrap())
}

fn refused(expression: &str) -> &'static str {
    evaluate(expression).unwrap_err().code()
}
