//! Calculating with numbers, and putting text and lists together.

use super::{Failure, Work};
use crate::Value;
use crate::program::Arithmetic;
use crate::refusal::code;

pub(super) fn calculate<'v>(
    operation: Arithmetic,
    one: &Value<'v>,
    other: &Value<'v>,
    work: &Work,
) -> Result<Value<'v>, Failure> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => int(operation, *one, *other).map(Value::Int),
        (Value::Uint(one), Value::Uint(other)) => uint(operation, *one, *other).map(Value::Uint),
        (Value::Double(one), Value::Double(other)) if operation != Arithmetic::Remainder => {
            Ok(Value::Double(double(operation, *one, *other)))
        }
        (Value::Text(one), Value::Text(other)) if operation == Arithmetic::Add => {
            work.spend_on_bytes(one.len() + other.len())?;
            Ok(Value::owned_text([&**one, &**other].concat()))
        }
        (Value::List(one), Value::List(other)) if operation == Arithmetic::Add => {
            work.spend(one.len() + other.len())?;
            Ok(Value::list(
                one.iter().chain(other.iter()).cloned().collect(),
            ))
        }
        _ => Err(mismatch(operation, one, other)),
    }
}

#[cold]
fn mismatch(operation: Arithmetic, one: &Value<'_>, other: &Value<'_>) -> Failure {
    let remedy = match (one.as_number(), other.as_number()) {
        (Some(_), Some(_)) => ": make them alike with double(…) or int(…)",
        _ => "",
    };
    let message = format!(
        "{} does not go with values of type {} and {}{remedy}",
        operation.sign(),
        one.type_of(),
        other.type_of()
    );
    Failure::wrong_type(message)
}

fn int(operation: Arithmetic, one: i64, other: i64) -> Result<i64, Failure> {
    let result = match operation {
        Arithmetic::Add => one.checked_add(other),
        Arithmetic::Subtract => one.checked_sub(other),
        Arithmetic::Multiply => one.checked_mul(other),
        Arithmetic::Divide | Arithmetic::Remainder if other == 0 => return Err(by_zero()),
        Arithmetic::Divide => one.checked_div(other),
        Arithmetic::Remainder => one.checked_rem(other),
    };
    result.ok_or_else(|| overflow(operation))
}

fn uint(operation: Arithmetic, one: u64, other: u64) -> Result<u64, Failure> {
    let result = match operation {
        Arithmetic::Add => one.checked_add(other),
        Arithmetic::Subtract => one.checked_sub(other),
        Arithmetic::Multiply => one.checked_mul(other),
        Arithmetic::Divide | Arithmetic::Remainder if other == 0 => return Err(by_zero()),
        Arithmetic::Divide => one.checked_div(other),
        Arithmetic::Remainder => one.checked_rem(other),
    };
    result.ok_or_else(|| overflow(operation))
}

fn double(operation: Arithmetic, one: f64, other: f64) -> f64 {
    match operation {
        Arithmetic::Add => one + other,
        Arithmetic::Subtract => one - other,
        Arithmetic::Multiply => one * other,
        Arithmetic::Divide => one / other,
        Arithmetic::Remainder => one % other,
    }
}

pub(super) fn negate<'v>(value: &Value<'v>) -> Result<Value<'v>, Failure> {
    match value {
        Value::Int(value) => match value.checked_neg() {
            Some(value) => Ok(Value::Int(value)),
            None => Err(overflow(Arithmetic::Subtract)),
        },
        Value::Double(value) => Ok(Value::Double(-value)),
        other => Err(Failure::wrong_type(format!(
            "a value of type {} has no negative",
            other.type_of()
        ))),
    }
}

#[cold]
fn overflow(operation: Arithmetic) -> Failure {
    let message = format!("the result of {} does not fit 64 bits", operation.sign());
    Failure::new(code::OVERFLOW, message)
}

#[cold]
fn by_zero() -> Failure {
    Failure::new(code::DIVISION_BY_ZERO, "a whole number is divided by zero")
}
