//! The key of a message, taken out of the record: any other writer of the topic has to come to the same, so it is the plain text of the value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// A string as it is, a number or boolean as text.
pub(super) fn field(record: &[u8], name: &str) -> Result<String, String> {
    let mut reader = serde_json::Deserializer::from_slice(record);
    let found = Field(name)
        .deserialize(&mut reader)
        .map_err(|error| format!("the record is not a JSON object, and has no key: {error}"))?;
    match found {
        Some(Value::String(text)) => Ok(text),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(_) => Err(format!(
            "the field `{name}` of the record is not a string, number or boolean, and so no key"
        )),
        None => Err(format!("the record has no field `{name}` to be its key")),
    }
}

/// One field of an object; the others are passed over.
struct Field<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(fields.next_value()?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_plain_text_of_a_field() {
        let record = br#"{"a":"x\ty","n":12,"o":{"a":"inner"},"b":true,"z":null}"#;
        assert_eq!(field(record, "a").unwrap(), "x\ty");
        assert_eq!(field(record, "n").unwrap(), "12");
        assert_eq!(field(record, "b").unwrap(), "true");
    }

    #[test]
    fn what_is_no_plain_value_is_no_key() {
        let record = br#"{"o":{},"z":null}"#;
        for name in ["o", "z", "missing"] {
            assert!(field(record, name).is_err(), "{name}");
        }
        assert!(field(b"not JSON", "a").is_err());
    }
}
