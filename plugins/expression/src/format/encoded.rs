//! Records that do not say what they hold, read by what the configuration says of them.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{Field, Schema, Variant};
use crate::Refusal;
use crate::refusal::code;
use crate::value::{Map, Text, Value};

pub(super) fn decode<'r>(schema: &Schema, record: &'r [u8]) -> Result<Value<'r>, Refusal> {
    let mut deserializer = postcard::Deserializer::from_bytes(record);
    let read = Seed(schema).deserialize(&mut deserializer);
    let refuse = |error: postcard::Error| {
        Refusal::new(
            code::NOT_POSTCARD,
            format!("the record is not as the format says: {error}"),
        )
    };
    let value = read.map_err(refuse)?;
    match deserializer.finalize().map_err(refuse)? {
        [] => Ok(value),
        rest => {
            let message = format!(
                "{} bytes of {} are left over when the record is read as the format says",
                rest.len(),
                record.len()
            );
            Err(Refusal::new(code::NOT_POSTCARD, message))
        }
    }
}

/// Reads a value of a type.
#[derive(Clone, Copy)]
struct Seed<'s>(&'s Schema);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'de>, D::Error> {
        match self.0 {
            Schema::Bool => bool::deserialize(from).map(Value::Bool),
            Schema::U8 => u8::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::U16 => u16::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::U32 => u32::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::U64 => u64::deserialize(from).map(Value::from),
            Schema::I8 => i8::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::I16 => i16::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::I32 => i32::deserialize(from).map(|value| Value::Int(value.into())),
            Schema::I64 => i64::deserialize(from).map(Value::Int),
            Schema::F32 => f32::deserialize(from).map(|value| Value::Double(value.into())),
            Schema::F64 => f64::deserialize(from).map(Value::Double),
            Schema::Text => <&str>::deserialize(from).map(Value::text),
            Schema::Optional(_) => from.deserialize_option(self),
            Schema::List(_) => from.deserialize_seq(self),
            Schema::Map(_) => from.deserialize_map(self),
            Schema::Tuple(items) => from.deserialize_tuple(items.len(), self),
            Schema::Fields(fields) => from.deserialize_tuple(fields.len(), self),
            Schema::Variants(_) => from.deserialize_enum("", &[], self),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a value of {:?}", self.0)
    }

    fn visit_none<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value<'de>, D::Error> {
        match self.0 {
            Schema::Optional(inner) => Seed(inner).deserialize(from),
            _ => Err(D::Error::custom("an optional value where none is expected")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let missing = |index| A::Error::invalid_length(index, &self);
        match self.0 {
            Schema::Fields(fields) => {
                let mut map = Vec::with_capacity(fields.len());
                for (index, Field { name, schema }) in fields.iter().enumerate() {
                    let value = items
                        .next_element_seed(Seed(schema))?
                        .ok_or_else(|| missing(index))?;
                    map.push((Text::Shared(name.as_str().into()), value));
                }
                Ok(Value::Map(Map::of_distinct(map)))
            }
            Schema::Tuple(schemas) => {
                let mut list = Vec::with_capacity(schemas.len());
                for (index, schema) in schemas.iter().enumerate() {
                    list.push(
                        items
                            .next_element_seed(Seed(schema))?
                            .ok_or_else(|| missing(index))?,
                    );
                }
                Ok(Value::list(list))
            }
            Schema::List(schema) => {
                let mut list = Vec::new();
                while let Some(item) = items.next_element_seed(Seed(schema))? {
                    list.push(item);
                }
                Ok(Value::list(list))
            }
            _ => Err(A::Error::custom("a list where none is expected")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value<'de>, A::Error> {
        let Schema::Map(schema) = self.0 else {
            return Err(A::Error::custom("a map where none is expected"));
        };
        let mut map: Vec<(Text<'de>, Value<'de>)> = Vec::new();
        while let Some(name) = entries.next_key::<&str>()? {
            let name = Text::Borrowed(name);
            let value = entries.next_value_seed(Seed(schema))?;
            map.push((name, value));
        }
        match crate::value::repeated(&map) {
            Some(name) => Err(A::Error::custom(format_args!(
                "the name {name:?} is there twice"
            ))),
            None => Ok(Value::Map(Map::of_distinct(map))),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value<'de>, A::Error> {
        let Schema::Variants(variants) = self.0 else {
            return Err(A::Error::custom("an enum where none is expected"));
        };
        let (index, access) = data.variant::<u32>()?;
        let unknown = || A::Error::custom(format_args!("variant {index} of {}", variants.len()));
        let Variant { name, schema } = variants.get(index as usize).ok_or_else(unknown)?;
        let name = Text::Shared(name.as_str().into());
        match schema {
            None => access.unit_variant().map(|()| Value::Text(name)),
            Some(schema) => {
                let value = access.newtype_variant_seed(Seed(schema))?;
                Ok(Value::Map(Map::of_distinct(vec![(name, value)])))
            }
        }
    }
}
