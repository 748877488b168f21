//! Which lines are records, and why the others are not.

use std::collections::HashSet;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// 9999-12-31T23:59:59.999Z, the last time that a record may have.
const LAST_TIMESTAMP: i64 = 253_402_300_799_999;

/// All fields that mean something in either kind of record.
const FIELDS: [&str; 8] = [
    "recordType",
    "interactionId",
    "customerId",
    "channel",
    "status",
    "timestamp",
    "tier",
    "region",
];

/// Something that a customer did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "fields are those of the record")]
pub struct Interaction {
    pub interaction_id: String,
    pub customer_id: String,
    pub channel: String,
    pub status: String,
    pub timestamp: i64,
}

/// What is known of a customer from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of the record")]
pub struct Profile {
    pub customer_id: String,
    pub tier: String,
    pub region: String,
    pub timestamp: Option<i64>,
}

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the codes say it")]
pub enum Refusal {
    NotUtf8,
    NotJson,
    NotAnObject,
    UnknownRecordType,
    MissingField,
    DuplicateField,
    WrongType,
    EmptyField,
    TimestampOutOfRange,
}

impl Refusal {
    /// The code in the dead-letter queue.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not-utf-8",
            Self::NotJson => "not-json",
            Self::NotAnObject => "not-an-object",
            Self::UnknownRecordType => "unknown-record-type",
            Self::MissingField => "missing-field",
            Self::DuplicateField => "duplicate-field",
            Self::WrongType => "wrong-type",
            Self::EmptyField => "empty-field",
            Self::TimestampOutOfRange => "timestamp-out-of-range",
        }
    }
}

pub(super) enum Parsed {
    Interaction(Interaction),
    Profile(Profile),
}

pub(super) fn parse(line: &[u8]) -> Result<Parsed, Refusal> {
    let text = std::str::from_utf8(line).map_err(|_| Refusal::NotUtf8)?;
    if begins_otherwise_than_an_object(text) {
        return Err(Refusal::NotAnObject);
    }
    let value: Value = serde_json::from_str(text).map_err(|_| Refusal::NotJson)?;
    let fields = value.as_object().ok_or(Refusal::NotAnObject)?;
    let Names(names) = serde_json::from_str(text).map_err(|_| Refusal::NotJson)?;
    let mut seen = HashSet::new();
    if names
        .iter()
        .any(|name| FIELDS.contains(&name.as_str()) && !seen.insert(name))
    {
        return Err(Refusal::DuplicateField);
    }
    let record_type = match fields.get("recordType") {
        None => "interaction",
        Some(_) => &text_of(fields, "recordType")?,
    };
    match record_type {
        "interaction" => Ok(Parsed::Interaction(Interaction {
            interaction_id: text_of(fields, "interactionId")?,
            customer_id: text_of(fields, "customerId")?,
            channel: text_of(fields, "channel")?,
            status: text_of(fields, "status")?,
            timestamp: timestamp_of(fields)?.ok_or(Refusal::MissingField)?,
        })),
        "customer_update" => Ok(Parsed::Profile(Profile {
            customer_id: text_of(fields, "customerId")?,
            tier: text_of(fields, "tier")?,
            region: text_of(fields, "region")?,
            timestamp: timestamp_of(fields)?,
        })),
        _ => Err(Refusal::UnknownRecordType),
    }
}

/// The first fault counts: behind the beginning of a list, or behind a whole value of another kind, nothing is looked at.
fn begins_otherwise_than_an_object(text: &str) -> bool {
    if text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with('[')
    {
        return true;
    }
    let first = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .next();
    first.is_some_and(|value| value.is_ok_and(|value| !value.is_object()))
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    let value = fields.get(name).ok_or(Refusal::MissingField)?;
    match value.as_str().ok_or(Refusal::WrongType)? {
        "" => Err(Refusal::EmptyField),
        text => Ok(text.to_owned()),
    }
}

fn timestamp_of(fields: &Map<String, Value>) -> Result<Option<i64>, Refusal> {
    let Some(value) = fields.get("timestamp") else {
        return Ok(None);
    };
    match value.as_i64() {
        Some(timestamp @ 0..=LAST_TIMESTAMP) => Ok(Some(timestamp)),
        Some(_) => Err(Refusal::TimestampOutOfRange),
        None if value.is_u64() => Err(Refusal::TimestampOutOfRange),
        None => Err(Refusal::WrongType),
    }
}

/// The names of an object's fields, as often as they stand there.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Names;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Names, M::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
