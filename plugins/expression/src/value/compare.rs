//! Equality and order of values: across the kinds of numbers, and within each other type.

use std::cmp::Ordering;

use super::Value;
use crate::evaluate::{Failure, Work};

/// Whether two values are equal; values of different types are not, but numbers are compared as numbers.
pub(crate) fn equal(one: &Value<'_>, other: &Value<'_>, work: &Work) -> Result<bool, Failure> {
    work.spend(1)?;
    Ok(match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Type(one), Value::Type(other)) => one == other,
        (Value::Text(one), Value::Text(other)) => {
            work.spend_on_bytes(one.len())?;
            **one == **other
        }
        (Value::List(one), Value::List(other)) => {
            if one.len() != other.len() {
                return Ok(false);
            }
            for (one, other) in one.iter().zip(other.iter()) {
                if !equal(one, other, work)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.len() != other.len() {
                return Ok(false);
            }
            for (name, value) in one.iter() {
                work.spend_on_bytes(other.len())?;
                match other.get(name) {
                    Some(found) if equal(value, found, work)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        _ => compare_numbers(one, other) == Some(Ordering::Equal),
    })
}

/// The order of two values; none where there is none, which is of different types, of lists and maps, and of what is not a number.
#[inline]
pub(crate) fn order(
    one: &Value<'_>,
    other: &Value<'_>,
    work: &Work,
) -> Result<Option<Ordering>, Failure> {
    Ok(match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        (Value::Text(one), Value::Text(other)) => {
            work.spend_on_bytes(one.len())?;
            Some((**one).cmp(&**other))
        }
        _ => compare_numbers(one, other),
    })
}

/// The order of two numbers, exact also where a double cannot hold the whole one.
#[inline]
fn compare_numbers(one: &Value<'_>, other: &Value<'_>) -> Option<Ordering> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Uint(one), Value::Uint(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Double(one), other) => Some(compare_whole(whole(other)?, *one)?.reverse()),
        (one, Value::Double(other)) => compare_whole(whole(one)?, *other),
        (one, other) => Some(whole(one)?.cmp(&whole(other)?)),
    }
}

fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    }
}

fn compare_whole(one: i128, other: f64) -> Option<Ordering> {
    if other.is_nan() {
        return None;
    }
    // Saturates far outside of what 64 bits hold, so that the order stays right.
    let floor = other.floor();
    let order = one.cmp(&(floor as i128));
    Some(match order {
        Ordering::Equal if other > floor => Ordering::Less,
        order => order,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(one: Value<'_>, other: Value<'_>) -> Option<Ordering> {
        order(&one, &other, &Work::full()).unwrap()
    }

    #[test]
    fn numbers_of_different_kinds_are_compared_exactly() {
        let largest = Value::Uint(u64::MAX);
        assert_eq!(
            compared(Value::Int(-1), largest.clone()),
            Some(Ordering::Less)
        );
        assert_eq!(
            compared(Value::Int(1), Value::Double(1.5)),
            Some(Ordering::Less)
        );
        assert_eq!(
            compared(Value::Double(1.5), Value::Int(1)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            compared(Value::Double(2.0), Value::Uint(2)),
            Some(Ordering::Equal)
        );
        // 2^64 as a double is one more than the largest whole number.
        assert_eq!(
            compared(largest, Value::Double(18_446_744_073_709_551_616.0)),
            Some(Ordering::Less)
        );
        assert_eq!(compared(Value::Int(0), Value::Double(f64::NAN)), None);
        assert_eq!(
            compared(Value::Int(i64::MAX), Value::Double(f64::INFINITY)),
            Some(Ordering::Less)
        );
        assert_eq!(
            compared(Value::Int(-2), Value::Double(-1.5)),
            Some(Ordering::Less)
        );
        assert_eq!(
            compared(Value::Int(-1), Value::Double(-1.5)),
            Some(Ordering::Greater)
        );
    }

    #[test]
    fn maps_are_equal_whatever_the_order_of_their_fields() {
        let one = Value::map([("a", Value::Int(1)), ("b", Value::Int(2))]);
        let other = Value::map([("b", Value::Double(2.0)), ("a", Value::Uint(1))]);
        assert_eq!(equal(&one, &other, &Work::full()).ok(), Some(true));
    }
}
