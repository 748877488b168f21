//! Why a record is refused.

use std::borrow::Cow;
use std::fmt;

use serde_json::error::Category;

/// The reason why a record goes to the dead-letter queue instead of on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    code: Cow<'static, str>,
    message: String,
}

/// The codes that the SDK itself refuses records with. They are stable: dashboards and replays select by them.
pub mod code {
    /// The event time of the record is not after the watermark.
    pub const LATE: &str = "late";
    /// The record has no event time, and the stage needs one.
    pub const MISSING_TIMESTAMP: &str = "missing-timestamp";
    /// The bytes are not text.
    pub const NOT_UTF_8: &str = "not-utf-8";
    /// The text is not JSON.
    pub const NOT_JSON: &str = "not-json";
    /// A field that has to be there is not.
    pub const MISSING_FIELD: &str = "missing-field";
    /// A field is there twice.
    pub const DUPLICATE_FIELD: &str = "duplicate-field";
    /// A field is not of the set that is allowed.
    pub const UNKNOWN_FIELD: &str = "unknown-field";
    /// A value is of another type than expected.
    pub const WRONG_TYPE: &str = "wrong-type";
    /// A value is not of the set that is allowed.
    pub const UNKNOWN_VARIANT: &str = "unknown-variant";
    /// A value is of the right type, and yet not allowed.
    pub const INVALID_VALUE: &str = "invalid-value";
    /// The bytes are not the postcard encoding of what the stage expects.
    pub const NOT_POSTCARD: &str = "not-postcard";
    /// The stage made something of the record that its encoding cannot hold.
    pub const NOT_ENCODABLE: &str = "not-encodable";
}

impl Rejection {
    /// `code` is short, stable and for machines, in kebab case; `message` tells a person what was found, where, and what was
    /// expected.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }

    /// A record that its event time excludes: both times in milliseconds since the Unix epoch.
    pub fn late(timestamp: i64, watermark: i64) -> Self {
        Self::new(
            code::LATE,
            format!("its event time {timestamp} is not after the watermark {watermark}"),
        )
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Code and message.
    pub fn into_parts(self) -> (String, String) {
        (self.code.into_owned(), self.message)
    }

    /// What serde_json found wrong with `value`. The beginnings of its messages are serde's own words in
    /// `serde::de::Error`, the only trace that they leave of the kind of error.
    pub(crate) fn from_json(value: &[u8], error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let code = match error.classify() {
            Category::Data => KINDS
                .iter()
                .find(|(begin, _)| message.starts_with(begin))
                .map_or(code::INVALID_VALUE, |kind| kind.1),
            _ if std::str::from_utf8(value).is_err() => code::NOT_UTF_8,
            _ => code::NOT_JSON,
        };
        Self::new(code, message)
    }
}

const KINDS: [(&str, &str); 5] = [
    ("missing field", code::MISSING_FIELD),
    ("invalid type", code::WRONG_TYPE),
    ("duplicate field", code::DUPLICATE_FIELD),
    ("unknown field", code::UNKNOWN_FIELD),
    ("unknown variant", code::UNKNOWN_VARIANT),
];

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Rejection {}
