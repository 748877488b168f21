//! One line of input: a JSON object of one of two kinds.
//!
//! Every known field is taken as it comes, whatever its type, and the checks come after: so each fault has its own code and
//! names the field, and nothing is allocated for a line that is in order. Nearly all lines are as plain as JSON can be, and
//! are read in one pass; any other goes to serde_json.

mod field;
mod plain;

use std::borrow::Cow;

use jackfield_sdk::{Rejection, code};
use serde::Deserializer;

use field::Fields;

/// 9999-12-31T23:59:59.999Z in milliseconds since the Unix epoch: a later time is in another unit.
const LAST_TIMESTAMP: i64 = 253_402_300_799_999;

/// Codes of this plugin, besides those of [`jackfield_sdk::code`].
mod own_code {
    pub(super) const NOT_AN_OBJECT: &str = "not-an-object";
    pub(super) const EMPTY_FIELD: &str = "empty-field";
    pub(super) const TIMESTAMP_OUT_OF_RANGE: &str = "timestamp-out-of-range";
    pub(super) const UNKNOWN_RECORD_TYPE: &str = "unknown-record-type";
}

/// A valid line. Times are milliseconds since the Unix epoch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Interaction {
        interaction_id: Cow<'a, str>,
        customer_id: Cow<'a, str>,
        channel: Cow<'a, str>,
        status: Cow<'a, str>,
        timestamp: i64,
    },
    Profile {
        customer_id: Cow<'a, str>,
        tier: Cow<'a, str>,
        region: Cow<'a, str>,
        timestamp: Option<i64>,
    },
}

/// Reads and checks a line. A field that is there twice is refused: which one was meant cannot be told.
pub(crate) fn parse(line: &[u8]) -> Result<Line<'_>, Rejection> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Rejection::new(code::NOT_UTF_8, error.to_string()))?;
    if let Some(fields) = plain::read(text) {
        return fields.into_line();
    }
    read(text)?.into_line()
}

/// Reads any line.
fn read(text: &str) -> Result<Fields<'_>, Rejection> {
    let mut fields = Fields::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer
        .deserialize_map(&mut fields)
        .and_then(|()| deserializer.end());
    if let Err(error) = read {
        return Err(fields.fault.take().unwrap_or_else(|| refuse_json(&error)));
    }
    Ok(fields)
}

fn refuse_json(error: &serde_json::Error) -> Rejection {
    let code = if error.is_data() {
        own_code::NOT_AN_OBJECT
    } else {
        code::NOT_JSON
    };
    Rejection::new(code, error.to_string())
}

impl<'a> Fields<'a> {
    fn into_line(self) -> Result<Line<'a>, Rejection> {
        match self.record_type.optional_text("recordType")?.as_deref() {
            None | Some("interaction") => Ok(Line::Interaction {
                interaction_id: self.interaction_id.text("interactionId")?,
                customer_id: self.customer_id.text("customerId")?,
                channel: self.channel.text("channel")?,
                status: self.status.text("status")?,
                timestamp: required("timestamp", self.timestamp.optional_timestamp("timestamp")?)?,
            }),
            Some("customer_update") => Ok(Line::Profile {
                customer_id: self.customer_id.text("customerId")?,
                tier: self.tier.text("tier")?,
                region: self.region.text("region")?,
                timestamp: self.timestamp.optional_timestamp("timestamp")?,
            }),
            Some(other) => {
                let message = format!(
                    "recordType is {other:?}, expected \"interaction\" or \"customer_update\""
                );
                Err(Rejection::new(own_code::UNKNOWN_RECORD_TYPE, message))
            }
        }
    }
}

fn required<T>(name: &str, value: Option<T>) -> Result<T, Rejection> {
    value.ok_or_else(|| Rejection::new(code::MISSING_FIELD, format!("{name} is missing")))
}
