//! What a member of a data extension may hold, and what becomes of it: document 003, steps 1 and 4.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::date;

/// The longest text, in characters.
const LONGEST_TEXT: usize = 255;

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A text of at most 255 characters.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date or a point in time of ISO 8601.
    Date,
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// It stays as it was written.
    Unchanged,
    /// It becomes this.
    Changed(Value),
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    MissingKey,
    InvalidString,
    TooLong { characters: usize },
    InvalidNumber,
    InvalidBoolean,
    InvalidDate,
}

impl FieldType {
    /// Checks a value, as JSON, and says what becomes of it. A text is measured as it came, before blanks are cut off; one that is missing is filled in, and so is null: with the
    /// empty text, zero or false. There is no such date: null stays, which the platform is told to store.
    pub(crate) fn check(self, value: Option<&str>, is_key: bool) -> Result<Checked, Problem> {
        match value.filter(|value| *value != "null") {
            None if is_key => Err(Problem::MissingKey),
            None => Ok(Checked::Changed(self.when_null())),
            Some(value) => self.transform(value, is_key),
        }
    }

    fn when_null(self) -> Value {
        match self {
            Self::String => "".into(),
            Self::Number => 0.into(),
            Self::Boolean => false.into(),
            Self::Date => Value::Null,
        }
    }

    fn transform(self, value: &str, is_key: bool) -> Result<Checked, Problem> {
        match self {
            Self::String => {
                let text: String =
                    serde_json::from_str(value).map_err(|_| Problem::InvalidString)?;
                transform_text(&text, is_key)
            }
            Self::Number if !is_number(value) => Err(Problem::InvalidNumber),
            Self::Boolean if !matches!(value, "true" | "false") => Err(Problem::InvalidBoolean),
            Self::Number | Self::Boolean => Ok(Checked::Unchanged),
            Self::Date => {
                let text: String = serde_json::from_str(value).map_err(|_| Problem::InvalidDate)?;
                let time = date::parse(&text).and_then(date::iso);
                let time = time.ok_or(Problem::InvalidDate)?;
                Ok(Checked::Changed(time.into()))
            }
        }
    }
}

fn transform_text(text: &str, is_key: bool) -> Result<Checked, Problem> {
    let characters = text.chars().count();
    if characters > LONGEST_TEXT {
        return Err(Problem::TooLong { characters });
    }
    let trimmed = text.trim();
    if trimmed.is_empty() && is_key {
        return Err(Problem::MissingKey);
    }
    if trimmed.len() == text.len() {
        return Ok(Checked::Unchanged);
    }
    Ok(Checked::Changed(trimmed.into()))
}

/// Of the values in JSON, numbers alone begin so. One that is beyond what a double can hold is not a number that the platform could store.
fn is_number(value: &str) -> bool {
    value.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && value.parse::<f64>().is_ok_and(f64::is_finite)
}

impl Problem {
    /// For machines.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::MissingKey => "missing-key",
            Self::InvalidString => "invalid-string",
            Self::TooLong { .. } => "too-long",
            Self::InvalidNumber => "invalid-number",
            Self::InvalidBoolean => "invalid-boolean",
            Self::InvalidDate => "invalid-date",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingKey => f.write_str("the key is missing or empty"),
            Self::InvalidString => f.write_str("invalid string value"),
            Self::TooLong { characters } => write!(
                f,
                "a text of {characters} characters, and at most {LONGEST_TEXT} are allowed"
            ),
            Self::InvalidNumber => f.write_str("invalid number value"),
            Self::InvalidBoolean => f.write_str("invalid boolean value"),
            Self::InvalidDate => f.write_str("invalid date value, expected ISO 8601"),
        }
    }
}
