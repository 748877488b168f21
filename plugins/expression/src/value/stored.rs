//! How values are stored: as themselves where people read them, with their type elsewhere.

use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{List, Map, RecordSeed, Text, Type, Value};

/// A value with its type. Cases are only ever added, at the end.
#[derive(serde::Serialize, serde::Deserialize)]
enum Tagged<T, L, M> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(T),
    List(L),
    Map(M),
    Type(u8),
}

type Fields = Vec<(String, Value<'static>)>;
type Read = Tagged<String, Vec<Value<'static>>, Fields>;

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serialize_plainly(self, serializer);
        }
        let tagged = match self {
            Self::Null => Tagged::Null,
            Self::Bool(value) => Tagged::Bool(*value),
            Self::Int(value) => Tagged::Int(*value),
            Self::Uint(value) => Tagged::Uint(*value),
            Self::Double(value) => Tagged::Double(*value),
            Self::Text(text) => Tagged::Text(text),
            Self::List(List(items)) => Tagged::List(items.as_slice()),
            Self::Map(Map(fields)) => Tagged::Map(fields.as_slice()),
            Self::Type(value) => Tagged::Type(*value as u8),
        };
        tagged.serialize(serializer)
    }
}

fn serialize_plainly<S: Serializer>(value: &Value<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Null => serializer.serialize_unit(),
        Value::Bool(value) => serializer.serialize_bool(*value),
        Value::Int(value) => serializer.serialize_i64(*value),
        Value::Uint(value) => serializer.serialize_u64(*value),
        Value::Double(value) => serializer.serialize_f64(*value),
        Value::Text(text) => serializer.serialize_str(text),
        Value::List(items) => serializer.collect_seq(items.iter()),
        Value::Map(fields) => {
            let mut map = serializer.serialize_map(Some(fields.len()))?;
            for (name, value) in fields.iter() {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
        Value::Type(value) => serializer.serialize_str(value.name()),
    }
}

impl<'de> Deserialize<'de> for Value<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let value = RecordSeed { wanted: None }.deserialize(deserializer)?;
            return value.to_owned_value().map_err(serde::de::Error::custom);
        }
        Ok(match Read::deserialize(deserializer)? {
            Tagged::Null => Self::Null,
            Tagged::Bool(value) => Self::Bool(value),
            Tagged::Int(value) => Self::Int(value),
            Tagged::Uint(value) => Self::Uint(value),
            Tagged::Double(value) => Self::Double(value),
            Tagged::Text(text) => Self::owned_text(text),
            Tagged::List(items) => Self::list(items),
            Tagged::Map(fields) => {
                let fields = fields.into_iter();
                let shared = fields.map(|(name, value)| (Text::Shared(Arc::from(name)), value));
                Self::Map(Map::of_distinct(shared.collect()))
            }
            Tagged::Type(place) => Type::ALL
                .get(usize::from(place))
                .map(|found| Self::Type(*found))
                .ok_or_else(|| serde::de::Error::custom("a type that does not exist"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Value<'static> {
        Value::map([
            ("null", Value::Null),
            ("bool", Value::Bool(true)),
            ("int", Value::Int(-5)),
            ("uint", Value::Uint(u64::MAX)),
            ("double", Value::Double(1.5)),
            (
                "list",
                Value::list(vec![Value::owned_text("a\n"), Value::Int(1)]),
            ),
        ])
    }

    #[test]
    fn a_value_is_stored_with_its_type() {
        let mut value = everything();
        for found in Type::ALL {
            value = Value::list(vec![value, Value::Type(found)]);
        }
        let bytes = postcard::to_allocvec(&value).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(value));
    }

    #[test]
    fn a_value_in_json_is_what_it_is() {
        let json = serde_json::to_string(&everything()).unwrap();
        let expected = r#"{"null":null,"bool":true,"int":-5,"uint":18446744073709551615,"double":1.5,"list":["a\n",1]}"#;
        assert_eq!(json, expected);
        assert_eq!(
            serde_json::from_str::<Value<'static>>(&json).unwrap(),
            everything()
        );
    }

    #[test]
    fn what_is_no_stored_value_is_refused() {
        for bytes in [&[][..], &[9], &[8, 9], &[6, 5, 0], &[5, 2, 0xff, 0xff]] {
            assert!(
                postcard::from_bytes::<Value<'static>>(bytes).is_err(),
                "{bytes:?}"
            );
        }
    }
}
