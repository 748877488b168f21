//! JSON objects field by field, for the records that there are most of.
//!
//! A serialiser for any type sends a key, its quotes and its colon one by one, and looks through the key for what has to be
//! escaped. Here all that is known when the stage is compiled becomes one copy a field.

use super::{Appending, RecordBuilder};
use crate::end_of_plain_text;

/// A JSON object that is about to be emitted by [`send`](Self::send).
#[must_use = "an object is emitted by `send`"]
pub struct ObjectBuilder<'c> {
    record: RecordBuilder<'c>,
    /// What stands before the next key.
    before: u8,
}

impl<'c> ObjectBuilder<'c> {
    #[inline]
    pub(super) fn new(record: RecordBuilder<'c>) -> Self {
        Self {
            record,
            before: b'{',
        }
    }

    /// Adds a field of text. A key is an identifier: what JSON would have to escape is not for it.
    #[inline]
    pub fn text(mut self, key: &'static str, value: &str) -> Self {
        if let Some(data) = self.key(key) {
            append_text(data, value);
        }
        self
    }

    /// Adds a field of a whole number. The key as for [`text`](Self::text).
    #[inline]
    pub fn integer(mut self, key: &'static str, value: i64) -> Self {
        if let Some(data) = self.key(key) {
            data.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        self
    }

    /// Sends the object.
    #[inline]
    pub fn send(mut self) {
        if let Some(emission) = self.record.emission.take() {
            let data = &mut emission.records.values.data;
            if self.before == b'{' {
                data.push(b'{');
            }
            data.push(b'}');
            self.record.close(emission);
        }
    }

    /// Where the value goes, the key written before it.
    #[inline]
    fn key(&mut self, key: &'static str) -> Option<&mut Vec<u8>> {
        debug_assert!(!needs_escape(key), "{key:?} is no identifier");
        let before = std::mem::replace(&mut self.before, b',');
        let data = &mut self.record.emission.as_mut()?.records.values.data;
        data.extend_from_slice(&[before, b'"']);
        data.extend_from_slice(key.as_bytes());
        data.extend_from_slice(b"\":");
        Some(data)
    }
}

#[inline]
fn append_text(data: &mut Vec<u8>, text: &str) {
    if needs_escape(text) {
        // Writing text to a vector does not fail.
        let _ = serde_json::to_writer(Appending(data), text);
        return;
    }
    data.push(b'"');
    data.extend_from_slice(text.as_bytes());
    data.push(b'"');
}

#[inline]
fn needs_escape(text: &str) -> bool {
    end_of_plain_text(text.as_bytes()).is_some()
}
