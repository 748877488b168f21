//! A dead letter as JSON, wherever one is shown or sent.

use serde::Serialize;

use super::{DeadLetter, EntrySnapshot};
use crate::hexadecimal::text_or_digits;
use crate::record::NO_EVENT_TIME;

/// A dead letter as JSON. What is not UTF-8 stands in hexadecimal under another name.
#[derive(Serialize)]
pub struct LetterJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    epoch: u64,
    stage: &'a str,
    port: &'a str,
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record_hex: Option<String>,
    /// Of a record that was cut short: the bytes of all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    record_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hex: Option<String>,
    /// Milliseconds since the Unix epoch.
    timestamp: Option<i64>,
    plugin: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateJson<'a>>,
    /// Milliseconds since the Unix epoch.
    rejected_at: i64,
}

/// What a stage remembered of the record's key.
#[derive(Serialize)]
struct StateJson<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
    /// Of a value that was cut short: the bytes of all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_bytes: Option<u64>,
}

impl<'a> StateJson<'a> {
    fn of(entry: &'a EntrySnapshot, most: usize) -> Self {
        let kept = &entry.value[..entry.value.len().min(most)];
        let (value, value_hex) = text_or_digits(kept);
        Self {
            version: entry.version,
            value,
            value_hex,
            value_bytes: ((kept.len() as u64) < entry.bytes).then_some(entry.bytes),
        }
    }
}

impl<'a> LetterJson<'a> {
    /// Of a letter of that epoch, refused at that time (milliseconds since the Unix epoch), with at most so many bytes of its record and of the state.
    #[must_use]
    pub fn of(letter: &'a DeadLetter, epoch: u64, rejected_at: i64, most: usize) -> Self {
        let whole = &letter.record[..];
        let kept = &whole[..whole.len().min(most)];
        let (record, record_hex) = text_or_digits(kept);
        let (key, key_hex) = letter.key.as_deref().map_or((None, None), text_or_digits);
        Self {
            id: None,
            epoch,
            stage: &letter.stage,
            port: &letter.port,
            code: &letter.code,
            message: &letter.message,
            record,
            record_hex,
            record_bytes: (kept.len() < whole.len()).then_some(whole.len()),
            key,
            key_hex,
            timestamp: (letter.timestamp != NO_EVENT_TIME).then_some(letter.timestamp),
            plugin: &letter.plugin,
            backtrace: letter.backtrace.as_deref(),
            state: letter
                .state
                .as_ref()
                .map(|entry| StateJson::of(entry, most)),
            rejected_at,
        }
    }

    /// With the number that it has in a queue.
    #[must_use]
    pub fn numbered(self, id: i64) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }
}
