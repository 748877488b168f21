//! Values in JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Map, Text, Value};
use crate::evaluate::{Failure, Work};

/// What an error about a repeated field begins with: serde's own words.
pub(crate) const DUPLICATE_FIELD: &str = "duplicate field";

/// Up to so many fields are compared with each other; more are sorted first.
const FEW_FIELDS: usize = 16;

/// Reads a value, of whose outermost fields only the wanted ones are kept.
#[derive(Clone, Copy)]
pub(crate) struct RecordSeed<'w> {
    /// All of them where there is none.
    pub(crate) wanted: Option<&'w [String]>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

const EVERYTHING: RecordSeed<'static> = RecordSeed { wanted: None };

/// The name of a field, borrowed where it can be.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

impl<'de> From<Cow<'de, str>> for Text<'de> {
    fn from(text: Cow<'de, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Shared(text.into()),
        }
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Double(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::text(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::owned_text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(EVERYTHING)? {
            list.push(item);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let mut fields: Vec<(Text<'de>, Value<'de>)> =
            Vec::with_capacity(self.wanted.map_or(8, <[String]>::len));
        while let Some(name) = access.next_key_seed(Name)? {
            match self.wanted {
                Some(wanted) if !wanted.iter().any(|wanted| *wanted == *name) => {
                    access.next_value::<IgnoredAny>()?;
                }
                _ => fields.push((name.into(), access.next_value_seed(EVERYTHING)?)),
            }
        }
        match repeated(&fields) {
            Some(name) => Err(A::Error::custom(format_args!("{DUPLICATE_FIELD} `{name}`"))),
            None => Ok(Value::Map(Map::of_distinct(fields))),
        }
    }
}

/// A name that is there twice, if there is one.
pub(crate) fn repeated<'f>(fields: &'f [(Text<'_>, Value<'_>)]) -> Option<&'f str> {
    if fields.len() <= FEW_FIELDS {
        let is_repeated = |(place, (name, _)): &(usize, &(Text<'_>, Value<'_>))| {
            fields[..*place].iter().any(|(before, _)| before == name)
        };
        return fields
            .iter()
            .enumerate()
            .find(is_repeated)
            .map(|(_, (name, _))| &**name);
    }
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}

/// Writes a value as JSON. What JSON has no word for, such as infinity, is `null`.
pub(crate) fn write_json(value: &Value<'_>, out: &mut Vec<u8>, work: &Work) -> Result<(), Failure> {
    work.spend(1)?;
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) => write_scalar(value, out),
        Value::Uint(value) => write_scalar(value, out),
        Value::Double(value) => write_scalar(value, out),
        Value::Text(text) => write_text(text, out, work)?,
        Value::Type(value) => write_scalar(value.name(), out),
        Value::List(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_json(item, out, work)?;
            }
            out.push(b']');
        }
        Value::Map(fields) => {
            out.push(b'{');
            for (place, (name, value)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_text(name, out, work)?;
                out.push(b':');
                write_json(value, out, work)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>, work: &Work) -> Result<(), Failure> {
    work.spend_on_bytes(text.len())?;
    write_scalar(text, out);
    Ok(())
}

fn write_scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Neither a vector nor text nor a number makes this fail.
    let _ = serde_json::to_writer(out, value);
}
