//! Whether a record is what its schema says, and what it might have meant.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::{Map, Value};

use super::schema::{ExtensionField, ExtensionSchema, FieldType, LONGEST_TEXT};

/// A record that is not what its schema says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Malformed {
    /// What is wrong, one message a field.
    pub messages: Vec<String>,
    /// For each wrong field, what it might have meant.
    pub corrections: Map<String, Value>,
}

/// # Errors
/// Everything that is wrong with the record.
pub(super) fn check(
    record: &Map<String, Value>,
    schema: &ExtensionSchema,
) -> Result<(), Malformed> {
    let mut malformed = Malformed {
        messages: Vec::new(),
        corrections: Map::new(),
    };
    for field in &schema.fields {
        let value = record.get(&field.name).unwrap_or(&Value::Null);
        let missing_key = value.is_null() && field.name == schema.key();
        if missing_key {
            malformed
                .messages
                .push(format!("{}: the key is missing", field.name));
        } else if !value.is_null() && !is_of_type(value, field.kind) {
            malformed.messages.push(message(field, value));
            let correction = correction(value, field.kind);
            malformed.corrections.insert(field.name.clone(), correction);
        }
    }
    if malformed.messages.is_empty() {
        Ok(())
    } else {
        Err(malformed)
    }
}

fn is_of_type(value: &Value, kind: FieldType) -> bool {
    match kind {
        FieldType::String => value
            .as_str()
            .is_some_and(|text| text.chars().count() <= LONGEST_TEXT),
        FieldType::Number => value.is_number(),
        FieldType::Boolean => value.is_boolean(),
        FieldType::Date => value
            .as_str()
            .is_some_and(|text| point_in_time(text).is_some()),
    }
}

fn message(field: &ExtensionField, value: &Value) -> String {
    let name = &field.name;
    match field.kind {
        FieldType::String if value.is_string() => {
            format!("{name}: a text of more than {LONGEST_TEXT} characters")
        }
        FieldType::String => format!("{name}: invalid string value"),
        FieldType::Number => format!("{name}: invalid number value"),
        FieldType::Boolean => format!("{name}: invalid boolean value"),
        FieldType::Date => format!("{name}: invalid date value"),
    }
}

/// A value of the right type that is near to the wrong one; null where none is.
fn correction(value: &Value, kind: FieldType) -> Value {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    match kind {
        FieldType::String => text.chars().take(LONGEST_TEXT).collect::<String>().into(),
        FieldType::Number => text.parse::<f64>().map_or(Value::Null, Value::from),
        FieldType::Boolean => match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => true.into(),
            "false" | "no" | "0" => false.into(),
            _ => Value::Null,
        },
        FieldType::Date => point_in_time(&text).map_or(Value::Null, Value::from),
    }
}

/// A date or a point in time of ISO 8601, as a point in time of RFC 3339; without a zone, UTC is meant.
fn point_in_time(text: &str) -> Option<String> {
    let timestamp = text.parse::<Timestamp>().ok();
    let civil = || text.parse::<DateTime>().ok();
    let date = || Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0));
    let timestamp = timestamp.or_else(|| {
        let zone = jiff::tz::TimeZone::UTC;
        let zoned = civil().or_else(date)?.to_zoned(zone).ok()?;
        Some(zoned.timestamp())
    });
    timestamp.map(|timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(member: &str, value: Value) -> Result<(), Malformed> {
        let mut record = Map::new();
        record.insert("customerId".into(), "CUST_1".into());
        record.insert(member.into(), value);
        check(&record, &ExtensionSchema::customer_profiles())
    }

    #[test]
    fn values_of_the_right_type_pass() {
        for (member, value) in [
            ("fullName", json!("Ann")),
            ("loyaltyPoints", json!(3.5)),
            ("vip", json!(true)),
            ("lastContact", json!("2025-01-31T12:00:00.000Z")),
            ("lastContact", json!("2025-01-31")),
        ] {
            assert_eq!(checked(member, value), Ok(()), "{member}");
        }
    }

    #[test]
    fn null_is_of_every_type() {
        assert_eq!(checked("vip", Value::Null), Ok(()));
    }

    #[test]
    fn a_text_is_measured_in_characters() {
        assert_eq!(checked("fullName", "ü".repeat(255).into()), Ok(()));
        assert!(checked("fullName", "ü".repeat(256).into()).is_err());
    }

    #[test]
    fn a_record_without_its_key_is_malformed() {
        let malformed = checked("customerId", Value::Null).unwrap_err();
        assert_eq!(malformed.messages, ["customerId: the key is missing"]);
    }

    #[test]
    fn a_wrong_value_is_told_with_what_it_might_have_meant() {
        for (member, value, meant) in [
            ("fullName", json!(7), json!("7")),
            ("loyaltyPoints", json!(" 12 "), json!(12.0)),
            ("loyaltyPoints", json!("many"), json!(null)),
            ("vip", json!("yes"), json!(true)),
            (
                "lastContact",
                json!(" 2025-01-31 "),
                json!("2025-01-31T00:00:00Z"),
            ),
        ] {
            let malformed = checked(member, value).unwrap_err();
            assert_eq!(malformed.corrections[member], meant);
        }
    }
}
