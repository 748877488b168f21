//! How values are stored: as themselves where people read them, with their type elsewhere.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, SeqAccess, VariantAccess,
    Visitor,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{DEEPEST, List, Map, RecordSeed, Text, Type, Value, repeated};

/// A value with its type. Cases are only ever added, at the end.
#[derive(serde::Serialize)]
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
            return value.to_owned_value().map_err(D::Error::custom);
        }
        StoredValue { levels: DEEPEST }.deserialize(deserializer)
    }
}

/// Reads a value that is stored with its type.
#[derive(Clone, Copy)]
struct StoredValue {
    /// How deep lists and maps may go on to be nested: each level takes room on the stack.
    levels: u32,
}

/// The items of a list.
struct Items(StoredValue);

/// The fields of a map.
struct Fields(StoredValue);

/// One field of a map.
struct Field(StoredValue);

impl<'de> DeserializeSeed<'de> for StoredValue {
    type Value = Value<'static>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_enum("Value", &[], self)
    }
}

impl<'de> Visitor<'de> for StoredValue {
    type Value = Value<'static>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a stored value")
    }

    /// By the places of the cases of [`Tagged`].
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (case, content) = data.variant::<u32>()?;
        let inner = || match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels }),
            None => Err(A::Error::custom("values are nested too deep")),
        };
        Ok(match case {
            0 => content.unit_variant().map(|()| Value::Null)?,
            1 => Value::Bool(content.newtype_variant()?),
            2 => Value::Int(content.newtype_variant()?),
            3 => Value::Uint(content.newtype_variant()?),
            4 => Value::Double(content.newtype_variant()?),
            5 => Value::owned_text(content.newtype_variant::<String>()?),
            6 => Value::list(content.newtype_variant_seed(Items(inner()?))?),
            7 => Value::Map(Map::of_distinct(
                content.newtype_variant_seed(Fields(inner()?))?,
            )),
            8 => {
                let place: u8 = content.newtype_variant()?;
                let found = Type::ALL.get(usize::from(place));
                let unknown = || A::Error::custom("a type that does not exist");
                Value::Type(*found.ok_or_else(unknown)?)
            }
            _ => return Err(A::Error::custom("a kind of value that does not exist")),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<Value<'static>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Value<'static>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the items of a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        // Room for as many as are said to come would be made before any of them is read.
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.0)? {
            list.push(item);
        }
        Ok(list)
    }
}

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Vec<(Text<'static>, Value<'static>)>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(Text<'static>, Value<'static>)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the fields of a map")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut map = Vec::new();
        while let Some(field) = fields.next_element_seed(Field(self.0))? {
            map.push(field);
        }
        match repeated(&map) {
            Some(_) => Err(A::Error::custom("a field that is there twice")),
            None => Ok(map),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Field {
    type Value = (Text<'static>, Value<'static>);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for Field {
    type Value = (Text<'static>, Value<'static>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let missing = |part| A::Error::invalid_length(part, &"a name and a value");
        let name: String = parts.next_element()?.ok_or_else(|| missing(0))?;
        let value = parts.next_element_seed(self.0)?.ok_or_else(|| missing(1))?;
        Ok((Text::Shared(name.into()), value))
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
    fn a_value_that_is_nested_too_deep_is_refused() {
        let mut bytes = [6, 1].repeat(1_000_000);
        bytes.push(0);
        assert!(postcard::from_bytes::<Value<'static>>(&bytes).is_err());
        let mut value = Value::Null;
        for _ in 0..DEEPEST {
            value = Value::list(vec![value]);
        }
        let kept = value.to_owned_value().unwrap();
        let bytes = postcard::to_allocvec(&kept).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(kept));
        assert!(Value::list(vec![value]).to_owned_value().is_err());
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
