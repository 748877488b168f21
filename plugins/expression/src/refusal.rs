//! Why a record is refused.

use std::fmt;

/// The reason why a record cannot be read, or an expression cannot be evaluated for it: what a plugin rejects it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: &'static str,
    message: String,
}

/// The codes of refusals. They are stable: dashboards and replays select by them.
pub mod code {
    /// The bytes are not text.
    pub const NOT_UTF_8: &str = "not-utf-8";
    /// The text is not JSON.
    pub const NOT_JSON: &str = "not-json";
    /// The bytes are not the encoding of what the configuration says.
    pub const NOT_POSTCARD: &str = "not-postcard";
    /// A field of a JSON object is there twice.
    pub const DUPLICATE_FIELD: &str = "duplicate-field";
    /// A field that an expression reads is not there.
    pub const MISSING_FIELD: &str = "missing-field";
    /// A value is of another type than an operator, a function or an option takes.
    pub const WRONG_TYPE: &str = "wrong-type";
    /// A value is of the right type, and yet not possible.
    pub const INVALID_VALUE: &str = "invalid-value";
    /// A list has no item of the index.
    pub const INDEX_OUT_OF_RANGE: &str = "index-out-of-range";
    /// A whole number is too large for 64 bits.
    pub const OVERFLOW: &str = "overflow";
    /// A whole number is divided by zero.
    pub const DIVISION_BY_ZERO: &str = "division-by-zero";
    /// The evaluation takes more than [`WORK_LIMIT`](crate::WORK_LIMIT) steps.
    pub const TOO_MUCH_WORK: &str = "too-much-work";
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Short, stable and for machines: one of [`code`].
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// For a person: what was found, where, and what is expected.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}
