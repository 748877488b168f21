//! Types for the configuration of stages.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};

/// The configuration of a stage that has none: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfiguration {}

/// The JSON Schema of a configuration.
pub(crate) fn schema<C: JsonSchema>() -> String {
    schemars::schema_for!(C).to_value().to_string()
}

/// Reads a configuration from its JSON.
pub(crate) fn parse<C: DeserializeOwned>(configuration: &str) -> Result<C, String> {
    serde_json::from_str(configuration)
        .map_err(|error| format!("the configuration cannot be read: {error}"))
}

/// A positive length of time: a number of milliseconds, or text such as `"10s"`, `"500ms"`, `"2m"`, `"1h"`, `"7d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    milliseconds: i64,
}

/// Longest unit name first where one ends with another: `ms` before `s`.
const UNITS: [(&str, i64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl Duration {
    /// A length of time of so many milliseconds; none if that is not positive.
    pub const fn from_millis(milliseconds: i64) -> Option<Self> {
        if milliseconds > 0 {
            Some(Self { milliseconds })
        } else {
            None
        }
    }

    /// The same in milliseconds, always positive.
    pub const fn as_millis(self) -> i64 {
        self.milliseconds
    }

    fn from_text(text: &str) -> Option<Self> {
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Self::from_millis(digits.parse::<i64>().ok()?.checked_mul(*unit)?)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.milliseconds.unsigned_abs())
    }
}

impl serde::Serialize for Duration {
    /// In the largest unit that it is a whole number of.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, unit): &&(&str, i64)| self.milliseconds % unit == 0;
        let largest = UNITS.iter().filter(whole).max_by_key(|(_, unit)| *unit);
        let (name, unit) = largest.unwrap_or(&UNITS[0]);
        write!(formatter, "{}{name}", self.milliseconds / unit)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a positive length of time, such as \"10s\", \"500ms\", \"2m\" or a number of milliseconds")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Duration, E> {
        Duration::from_millis(value)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Duration, E> {
        let duration = i64::try_from(value).ok().and_then(Duration::from_millis);
        duration.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Duration, E> {
        Duration::from_text(value)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(value), &self))
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn schema_id() -> Cow<'static, str> {
        "jackfield_sdk::Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A positive length of time: a number of milliseconds, or text such as \"10s\", \"500ms\", \"2m\", \"1h\", \"7d\".",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m|h|d)$" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_unit() {
        let read = |text| Duration::from_text(text).map(Duration::as_millis);
        assert_eq!(read("500ms"), Some(500));
        assert_eq!(read("10s"), Some(10_000));
        assert_eq!(read("2m"), Some(120_000));
        assert_eq!(read("1h"), Some(3_600_000));
        assert_eq!(read("7d"), Some(604_800_000));
    }

    #[test]
    fn what_is_no_positive_duration_is_refused_with_what_is_expected() {
        for text in [
            "\"\"",
            "\"s\"",
            "\"10\"",
            "\"0s\"",
            "\"-1s\"",
            "\"1.5s\"",
            "\"9223372036854775807d\"",
            "0",
            "-5",
            "18446744073709551615",
        ] {
            let error = serde_json::from_str::<Duration>(text)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("a positive length of time"),
                "{text}: {error}"
            );
        }
    }
}
