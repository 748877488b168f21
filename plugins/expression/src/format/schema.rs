//! What an encoding holds that does not say so itself.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::FormatError;

/// A type of the encoding, in the words of Rust, whose types it stores.
///
/// ```toml
/// # enum CustomerRecord { Interaction(Interaction), Profile(Profile) }
/// [format.encoded]
/// variants = [
///   { Interaction = { fields = [
///     # enum Status { Success, Failure, CallbackRequest, Other(&str) }
///     { status = { variants = ["SUCCESS", "FAILURE", "CALLBACK_REQUEST", { Other = "text" }] } },
///     { interaction_id = "text" },
///     { channel = "text" },
///   ] } },
///   { Profile = { fields = [{ tier = "text" }, { region = "text" }] } },
/// ]
/// ```
///
/// An expression sees a struct as a map; a variant that holds nothing as its name; and one that holds something as a map from its
/// name to that: `has(record.Interaction) && record.Interaction.status == 'FAILURE'`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = crate::one_table)]
pub enum Schema {
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `String` or `&str`
    Text,
    /// `Option`: null where there is nothing.
    Optional(Box<Schema>),
    /// `Vec` or a slice
    List(Box<Schema>),
    /// `BTreeMap` or `HashMap` with text as its key
    Map(Box<Schema>),
    /// A tuple or an array, which is a list to an expression.
    Tuple(Vec<Schema>),
    /// A struct: each field a table of its name and its type, in the order of their declaration.
    Fields(Vec<Field>),
    /// An enum: each variant its name, or a table of its name and what it holds, in the order of their declaration.
    Variants(Vec<Variant>),
}

/// One field of a struct: `{ name = type }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Schema>")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub schema: Schema,
}

/// One variant of an enum: `"Name"`, or `{ Name = type }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NameOrField")]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// What it holds, if anything.
    pub schema: Option<Schema>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NameOrField {
    Name(String),
    Field(BTreeMap<String, Schema>),
}

impl TryFrom<BTreeMap<String, Schema>> for Field {
    type Error = String;

    fn try_from(mut table: BTreeMap<String, Schema>) -> Result<Self, String> {
        match (table.pop_first(), table.is_empty()) {
            (Some((name, schema)), true) => Ok(Self { name, schema }),
            _ => Err(
                "a table of one name and its type is expected, such as { status = \"text\" }"
                    .to_owned(),
            ),
        }
    }
}

impl TryFrom<NameOrField> for Variant {
    type Error = String;

    fn try_from(found: NameOrField) -> Result<Self, String> {
        match found {
            NameOrField::Name(name) => Ok(Self { name, schema: None }),
            NameOrField::Field(table) => {
                let Field { name, schema } = table.try_into()?;
                Ok(Self {
                    name,
                    schema: Some(schema),
                })
            }
        }
    }
}

fn table_of_one(generator: &mut SchemaGenerator) -> JsonSchemaOf {
    let schema = generator.subschema_for::<Schema>();
    json_schema!({ "type": "object", "additionalProperties": schema, "minProperties": 1, "maxProperties": 1 })
}

impl JsonSchema for Field {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let mut schema = table_of_one(generator);
        schema.insert(
            "description".to_owned(),
            "A field: a table of its name and its type.".into(),
        );
        schema
    }
}

impl JsonSchema for Variant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Variant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let table = table_of_one(generator);
        json_schema!({
            "description": "A variant: its name, or a table of its name and what it holds.",
            "anyOf": [{ "type": "string" }, table],
        })
    }
}

impl Schema {
    /// Whether records can be of this type: each value takes a byte at least, so that no list is longer than its record, and names
    /// differ.
    pub(super) fn check(&self, place: &str) -> Result<(), FormatError> {
        let error = |message: &str| {
            Err(FormatError {
                place: place.to_owned(),
                message: message.to_owned(),
            })
        };
        match self {
            Self::Optional(inner) => inner.check(&format!("{place}.optional")),
            Self::List(inner) => inner.check(&format!("{place}.list")),
            Self::Map(inner) => inner.check(&format!("{place}.map")),
            Self::Tuple(items) if items.is_empty() => {
                error("a tuple of nothing: name what it holds")
            }
            Self::Tuple(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(index, item)| item.check(&format!("{place}.tuple[{index}]")))
            }
            Self::Fields(fields) if fields.is_empty() => {
                error("a struct without fields: name what it holds")
            }
            Self::Variants(variants) if variants.is_empty() => {
                error("an enum without variants: name them")
            }
            Self::Fields(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| (field.name.as_str(), Some(&field.schema)));
                check_named(&format!("{place}.fields"), fields)
            }
            Self::Variants(variants) => {
                let variants = variants
                    .iter()
                    .map(|variant| (variant.name.as_str(), variant.schema.as_ref()));
                check_named(&format!("{place}.variants"), variants)
            }
            _ => Ok(()),
        }
    }
}

fn check_named<'s>(
    place: &str,
    named: impl Iterator<Item = (&'s str, Option<&'s Schema>)>,
) -> Result<(), FormatError> {
    let mut names = Vec::new();
    for (index, (name, schema)) in named.enumerate() {
        let place = format!("{place}[{index}]");
        if names.contains(&name) {
            let message = format!("the name {name:?} is there twice");
            return Err(FormatError { place, message });
        }
        names.push(name);
        if let Some(schema) = schema {
            schema.check(&format!("{place}.{name}"))?;
        }
    }
    Ok(())
}
