//! How records are encoded.

mod encoded;
mod schema;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::error::Category;
use thiserror::Error;

pub use schema::{Field, Schema, Variant};

use crate::refusal::code;
use crate::value::RecordSeed;
use crate::{Expression, Refusal, Value};

/// How records are encoded: `"json"`, or `{ encoded = … }` with what each holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = crate::one_table)]
pub enum Format {
    /// JSON, which says itself what it holds.
    #[default]
    Json,
    /// The compact encoding of plugins, postcard, which does not: what it holds is said here, in the order in which it was written.
    Encoded(Schema),
}

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("format{place}: {message}")]
pub struct FormatError {
    /// Where in the format, such as `.encoded.fields[1]`.
    pub place: String,
    /// What was found, and what to do.
    pub message: String,
}

/// Reads records of a format.
#[derive(Clone, Debug)]
pub struct Decoder {
    format: Format,
    /// Of records in JSON, the outermost fields that are looked at; all of them where there is none.
    wanted: Option<Vec<String>>,
}

impl Format {
    /// What reads records of this format.
    ///
    /// # Errors
    /// If no record can be of it.
    pub fn decoder(self) -> Result<Decoder, FormatError> {
        if let Self::Encoded(schema) = &self {
            schema.check(".encoded")?;
        }
        Ok(Decoder {
            format: self,
            wanted: None,
        })
    }
}

impl Decoder {
    /// The same, which leaves out what none of `expressions` looks at of the record, which is their variable at `place`.
    #[must_use]
    pub fn for_expressions<'e>(
        self,
        expressions: impl IntoIterator<Item = &'e Expression>,
        place: usize,
    ) -> Self {
        let mut wanted = Some(Vec::new());
        for expression in expressions {
            match (&mut wanted, expression.fields_of(place)) {
                (Some(wanted), Some(fields)) => {
                    wanted.extend(fields.into_iter().map(str::to_owned))
                }
                _ => wanted = None,
            }
        }
        if let Some(wanted) = &mut wanted {
            wanted.sort_unstable();
            wanted.dedup();
        }
        Self { wanted, ..self }
    }

    /// Reads a record, whose text the value borrows.
    ///
    /// # Errors
    /// `not-utf-8`, `not-json`, `duplicate-field` or `not-postcard`, with the place in the record.
    pub fn decode<'r>(&self, record: &'r [u8]) -> Result<Value<'r>, Refusal> {
        match &self.format {
            Format::Json => self.decode_json(record),
            Format::Encoded(schema) => encoded::decode(schema, record),
        }
    }

    fn decode_json<'r>(&self, record: &'r [u8]) -> Result<Value<'r>, Refusal> {
        let text = std::str::from_utf8(record)
            .map_err(|error| Refusal::new(code::NOT_UTF_8, error.to_string()))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let seed = RecordSeed {
            wanted: self.wanted.as_deref(),
        };
        let read = seed.deserialize(&mut deserializer);
        let read = read.and_then(|value| deserializer.end().map(|()| value));
        read.map_err(|error| {
            let code = match error.classify() {
                // The one thing that is wrong with data whatever its type.
                Category::Data => code::DUPLICATE_FIELD,
                _ => code::NOT_JSON,
            };
            Refusal::new(code, error.to_string())
        })
    }
}
