//! A record of an input, and decoding it in place.

use serde::Deserialize;

use crate::batch::NO_TIMESTAMP;
use crate::rejection::code;
use crate::{Port, Rejection};

/// One record, borrowed from the batch that brought it: what is decoded from it may borrow too.
#[derive(Clone, Copy, Debug)]
pub struct Record<'b> {
    pub(crate) port: Port,
    pub(crate) value: &'b [u8],
    pub(crate) key: &'b [u8],
    pub(crate) timestamp: i64,
}

impl<'b> Record<'b> {
    /// The input that it came in by.
    pub fn port(&self) -> Port {
        self.port
    }

    /// What it holds.
    pub fn value(&self) -> &'b [u8] {
        self.value
    }

    /// Its key; empty on a port that is not keyed.
    pub fn key(&self) -> &'b [u8] {
        self.key
    }

    /// Its event time, milliseconds since the Unix epoch, if it has one.
    pub fn timestamp(&self) -> Option<i64> {
        (self.timestamp != NO_TIMESTAMP).then_some(self.timestamp)
    }

    /// Its event time, milliseconds since the Unix epoch, where the stage cannot do without.
    ///
    /// # Errors
    /// `missing-timestamp` if it has none.
    pub fn event_time(&self) -> Result<i64, Rejection> {
        self.timestamp()
            .ok_or_else(|| Rejection::new(code::MISSING_TIMESTAMP, "the record has no event time"))
    }

    /// Its key as text.
    ///
    /// # Errors
    /// `not-utf-8` if it is none.
    pub fn key_text(&self) -> Result<&'b str, Rejection> {
        std::str::from_utf8(self.key)
            .map_err(|error| Rejection::new(code::NOT_UTF_8, format!("the key: {error}")))
    }

    /// Decodes the value from JSON.
    ///
    /// # Errors
    /// `not-utf-8`, `not-json`, `missing-field`, `wrong-type`, `duplicate-field`, `unknown-field`, `unknown-variant` or
    /// `invalid-value`, with the place in the value.
    pub fn json<T: Deserialize<'b>>(&self) -> Result<T, Rejection> {
        serde_json::from_slice(self.value).map_err(|error| Rejection::from_json(self.value, &error))
    }

    /// Decodes the value from postcard.
    ///
    /// # Errors
    /// `not-postcard` if it is anything else, or something is left over.
    pub fn postcard<T: Deserialize<'b>>(&self) -> Result<T, Rejection> {
        match postcard::take_from_bytes(self.value) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => {
                let message = format!("{} bytes are left over of {}", rest.len(), self.value.len());
                Err(Rejection::new(code::NOT_POSTCARD, message))
            }
            Err(error) => Err(Rejection::new(code::NOT_POSTCARD, error.to_string())),
        }
    }
}
