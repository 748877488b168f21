//! The fields of a line, each as whatever it was found to be.

use std::borrow::Cow;
use std::fmt;

use jackfield_sdk::{Rejection, code};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{LAST_TIMESTAMP, own_code, required};

/// Everything that either kind of line may have.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) record_type: Field<'a>,
    pub(super) interaction_id: Field<'a>,
    pub(super) customer_id: Field<'a>,
    pub(super) channel: Field<'a>,
    pub(super) status: Field<'a>,
    pub(super) timestamp: Field<'a>,
    pub(super) tier: Field<'a>,
    pub(super) region: Field<'a>,
    /// What was found wrong before the end of the object.
    pub(super) fault: Option<Rejection>,
}

impl<'a> Fields<'a> {
    /// The field with this name, if it is a known one.
    #[inline]
    pub(super) fn named(&mut self, name: Name) -> Option<(&'static str, &mut Field<'a>)> {
        Some(match name {
            Name::RecordType => ("recordType", &mut self.record_type),
            Name::InteractionId => ("interactionId", &mut self.interaction_id),
            Name::CustomerId => ("customerId", &mut self.customer_id),
            Name::Channel => ("channel", &mut self.channel),
            Name::Status => ("status", &mut self.status),
            Name::Timestamp => ("timestamp", &mut self.timestamp),
            Name::Tier => ("tier", &mut self.tier),
            Name::Region => ("region", &mut self.region),
            Name::Unknown => return None,
        })
    }
}

/// The value of a field.
#[derive(Default)]
pub(super) enum Field<'a> {
    #[default]
    Missing,
    Text(Cow<'a, str>),
    Integer(i64),
    /// An integer beyond 64 bits with sign.
    TooLarge,
    /// Anything else, by the name of its type.
    Other(&'static str),
}

impl<'a> Field<'a> {
    pub(super) fn text(self, name: &str) -> Result<Cow<'a, str>, Rejection> {
        required(name, self.optional_text(name)?)
    }

    pub(super) fn optional_text(self, name: &str) -> Result<Option<Cow<'a, str>>, Rejection> {
        match self {
            Self::Missing => Ok(None),
            Self::Text(text) if text.is_empty() => Err(Rejection::new(
                own_code::EMPTY_FIELD,
                format!("{name} is empty, expected some text"),
            )),
            Self::Text(text) => Ok(Some(text)),
            other => Err(other.wrong_type(name, "text")),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub(super) fn optional_timestamp(self, name: &str) -> Result<Option<i64>, Rejection> {
        let found = match self {
            Self::Missing => return Ok(None),
            Self::Integer(timestamp @ 0..=LAST_TIMESTAMP) => return Ok(Some(timestamp)),
            Self::Integer(timestamp) => timestamp.to_string(),
            Self::TooLarge => "beyond 64 bits".to_owned(),
            other => return Err(other.wrong_type(name, "an integer")),
        };
        let message = format!(
            "{name} is {found}, expected 0 to {LAST_TIMESTAMP} (the milliseconds from 1970 to the year 9999)"
        );
        Err(Rejection::new(own_code::TIMESTAMP_OUT_OF_RANGE, message))
    }

    fn wrong_type(&self, name: &str, expected: &str) -> Rejection {
        let found = match self {
            Self::Missing => "nothing",
            Self::Text(_) => "text",
            Self::Integer(_) | Self::TooLarge => "an integer",
            Self::Other(kind) => kind,
        };
        Rejection::new(
            code::WRONG_TYPE,
            format!("{name} is {found}, expected {expected}"),
        )
    }
}

impl<'de> Visitor<'de> for &mut Fields<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<Name>()? {
            let Some((name, field)) = self.named(name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if !matches!(field, Field::Missing) {
                self.fault = Some(Rejection::new(
                    code::DUPLICATE_FIELD,
                    format!("{name} is there twice"),
                ));
                return Err(M::Error::custom("duplicate field"));
            }
            *field = map.next_value()?;
        }
        Ok(())
    }
}

/// The name of a field.
#[derive(Clone, Copy)]
pub(super) enum Name {
    RecordType,
    InteractionId,
    CustomerId,
    Channel,
    Status,
    Timestamp,
    Tier,
    Region,
    Unknown,
}

impl From<&str> for Name {
    #[inline]
    fn from(name: &str) -> Self {
        match name {
            "recordType" => Self::RecordType,
            "interactionId" => Self::InteractionId,
            "customerId" => Self::CustomerId,
            "channel" => Self::Channel,
            "status" => Self::Status,
            "timestamp" => Self::Timestamp,
            "tier" => Self::Tier,
            "region" => Self::Region,
            _ => Self::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    #[inline]
    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(Name::from(name))
    }
}

impl<'de> Deserialize<'de> for Field<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    #[inline]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(i64::try_from(number).map_or(Field::TooLarge, Field::Integer))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Field<'de>, E> {
        Ok(Field::Integer(number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Field<'de>, E> {
        Ok(Field::Other("a number that is not an integer"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Field<'de>, E> {
        Ok(Field::Other("a boolean"))
    }

    fn visit_unit<E: Error>(self) -> Result<Field<'de>, E> {
        Ok(Field::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Field<'de>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other("an object"))
    }
}
