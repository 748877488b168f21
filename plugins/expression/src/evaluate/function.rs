//! Functions.

use super::{Environment, Failure, Work, arithmetic};
use crate::program::{Arithmetic, Function, Node};
use crate::refusal::code;
use crate::value::order;
use crate::{Type, Value};

impl<'s, 'v> Environment<'s, 'v> {
    pub(super) fn call(
        self,
        function: Function,
        operands: &'s [Node],
    ) -> Result<Value<'v>, Failure> {
        // The count was checked when the expression was compiled.
        match operands {
            [operand] => one_operand(function, &*self.value(operand)?, self.work),
            [one, other] => {
                let (one, other) = (self.value(one)?, self.value(other)?);
                let (Value::Text(one), Value::Text(other)) = (&*one, &*other) else {
                    return Err(unfit(
                        function,
                        if one.as_text().is_none() {
                            &one
                        } else {
                            &other
                        },
                    ));
                };
                self.work.spend_on_bytes(one.len() + other.len())?;
                Ok(Value::Bool(match function {
                    Function::StartsWith => one.starts_with(&**other),
                    Function::EndsWith => one.ends_with(&**other),
                    _ => one.contains(&**other),
                }))
            }
            _ => Err(Failure::wrong_type("no function takes so many values")),
        }
    }
}

fn one_operand<'v>(
    function: Function,
    value: &Value<'v>,
    work: &Work,
) -> Result<Value<'v>, Failure> {
    match (function, value) {
        (Function::Dynamic, value) => Ok(value.clone()),
        (Function::TypeOf, value) => Ok(Value::Type(value.type_of())),
        (Function::Convert(wanted), value) => convert(wanted, value, work),
        (Function::Size, Value::List(items)) => Ok((items.len() as u64).into()),
        (Function::Size, Value::Map(fields)) => Ok((fields.len() as u64).into()),
        (_, Value::Text(text)) => {
            work.spend_on_bytes(text.len())?;
            match function {
                Function::Size => Ok((text.chars().count() as u64).into()),
                Function::LowerAscii => Ok(Value::owned_text(text.to_ascii_lowercase())),
                Function::UpperAscii => Ok(Value::owned_text(text.to_ascii_uppercase())),
                Function::Trim => Ok(Value::owned_text(text.trim())),
                _ => Err(unfit(function, value)),
            }
        }
        (_, Value::List(items)) => of_list(function, items, work),
        _ => Err(unfit(function, value)),
    }
}

fn of_list<'v>(function: Function, items: &[Value<'v>], work: &Work) -> Result<Value<'v>, Failure> {
    work.spend(items.len())?;
    match function {
        Function::Sum => sum(items, work),
        Function::Average => average(items),
        Function::Min | Function::Max => {
            let wanted = if function == Function::Min {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            };
            let Some((first, rest)) = items.split_first() else {
                return Err(empty(function));
            };
            let mut best = first;
            for item in rest {
                let Some(found) = order(item, best, work)? else {
                    return Err(unfit(function, item));
                };
                if found == wanted {
                    best = item;
                }
            }
            Ok(best.clone())
        }
        _ => Err(Failure::wrong_type(format!(
            "{} does not take a list",
            function.name()
        ))),
    }
}

/// Whole as long as all are, so that nothing is rounded.
fn sum<'v>(items: &[Value<'v>], work: &Work) -> Result<Value<'v>, Failure> {
    let all_alike = items
        .windows(2)
        .all(|pair| pair[0].type_of() == pair[1].type_of());
    if !all_alike {
        return items
            .iter()
            .try_fold(0.0, |sum, item| Ok(sum + number(Function::Sum, item)?))
            .map(Value::Double);
    }
    match items.split_first() {
        None => Ok(Value::Int(0)),
        Some((first, _)) if first.as_number().is_none() => Err(unfit(Function::Sum, first)),
        Some((first, rest)) => rest.iter().try_fold(first.clone(), |sum, item| {
            arithmetic::calculate(Arithmetic::Add, &sum, item, work)
        }),
    }
}

fn average<'v>(items: &[Value<'v>]) -> Result<Value<'v>, Failure> {
    if items.is_empty() {
        return Err(empty(Function::Average));
    }
    let sum = items
        .iter()
        .try_fold(0.0, |sum, item| Ok(sum + number(Function::Average, item)?))?;
    Ok(Value::Double(sum / items.len() as f64))
}

fn number(function: Function, value: &Value<'_>) -> Result<f64, Failure> {
    value.as_number().ok_or_else(|| unfit(function, value))
}

#[cold]
fn empty(function: Function) -> Failure {
    Failure::new(
        code::INVALID_VALUE,
        format!("an empty list has no {}", function.name()),
    )
}

#[cold]
fn unfit(function: Function, value: &Value<'_>) -> Failure {
    Failure::wrong_type(format!(
        "{} does not take a value of type {}",
        function.name(),
        value.type_of()
    ))
}

fn convert<'v>(wanted: Type, value: &Value<'v>, work: &Work) -> Result<Value<'v>, Failure> {
    if value.type_of() == wanted {
        return Ok(value.clone());
    }
    let converted = match (wanted, value) {
        (Type::Int, Value::Uint(value)) => i64::try_from(*value).ok().map(Value::Int),
        // Exactly what 64 bits hold: the bounds are powers of two, which a double can be.
        (Type::Int, Value::Double(value))
            if *value > -9_223_372_036_854_775_808.0 && *value < 9_223_372_036_854_775_808.0 =>
        {
            Some(Value::Int(*value as i64))
        }
        (Type::Int, Value::Text(text)) => text.parse().ok().map(Value::Int),
        (Type::Uint, Value::Int(value)) => u64::try_from(*value).ok().map(Value::Uint),
        (Type::Uint, Value::Double(value))
            if *value >= 0.0 && *value < 18_446_744_073_709_551_616.0 =>
        {
            Some(Value::Uint(*value as u64))
        }
        (Type::Uint, Value::Text(text)) => text.parse().ok().map(Value::Uint),
        (Type::Double, Value::Text(text)) => text.parse().ok().map(Value::Double),
        (Type::Double, value) if value.as_number().is_some() => {
            value.as_number().map(Value::Double)
        }
        (Type::Text, Value::Bool(value)) => Some(Value::owned_text(value.to_string())),
        (Type::Text, Value::Int(value)) => Some(Value::owned_text(value.to_string())),
        (Type::Text, Value::Uint(value)) => Some(Value::owned_text(value.to_string())),
        (Type::Text, Value::Double(value)) => Some(Value::owned_text(value.to_string())),
        (Type::Bool, Value::Text(text)) => match &**text {
            "true" | "True" | "TRUE" | "t" | "1" => Some(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        (Type::Int | Type::Uint, Value::Double(_)) => None,
        _ => {
            let message = format!(
                "a value of type {} cannot be made a value of type {wanted}",
                value.type_of()
            );
            return Err(Failure::wrong_type(message));
        }
    };
    converted.ok_or_else(|| impossible(wanted, value, work))
}

#[cold]
fn impossible(wanted: Type, value: &Value<'_>, work: &Work) -> Failure {
    let mut shown = Vec::new();
    // A value that is too long is shown as far as it was written.
    let _ = crate::value::write_json(value, &mut shown, work);
    let shown: String = String::from_utf8_lossy(&shown).chars().take(40).collect();
    Failure::new(
        code::INVALID_VALUE,
        format!("{shown} is not possible as a value of type {wanted}"),
    )
}
