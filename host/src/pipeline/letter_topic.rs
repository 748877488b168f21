//! Dead letters in a topic of Kafka: written with the transaction of their epoch, so that a reader of committed records sees each of them once.
//!
//! A letter is a JSON object with the fields that `jackfield dlq list --format json` gives. Its key is made of what was refused, and by whom, so that a letter
//! that was dealt with can be deleted from a compacted topic by a record without a value.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use super::halt::Halt;
use super::plan::Plan;
use super::waits::Waits;
use crate::checkpoint::{DeadLetter, LetterJson};
use crate::connection::Services;
use crate::connection::kafka::{Inquiry, KafkaError, Listener, Message, Transaction};

/// Bytes of a record that are kept where the whole of it is more than may be written.
const BEGINNING: usize = 16 << 10;

/// The topic of the dead letters.
pub(super) struct LetterTopic {
    topic: String,
    transaction: Arc<Transaction>,
}

impl LetterTopic {
    /// The topic that a plan names, if it names one. It has to be there, or is made if the plan says so.
    pub(super) fn open(
        plan: &Plan,
        services: &Services,
        transaction: Option<&Arc<Transaction>>,
        waits: &Waits,
        halt: &Halt,
    ) -> Result<Option<Self>, KafkaError> {
        let Some(options) = &plan.dead_letters else {
            return Ok(None);
        };
        let connection = &options.connection.value;
        let (Some(cluster), Some(transaction)) = (services.kafka(connection), transaction) else {
            return Err(KafkaError::Settings {
                connection: connection.clone(),
                reason: "there is no Kafka connection of this name".to_owned(),
            });
        };
        let inquiry = Inquiry {
            cluster,
            listener: &Listener::new(cluster.name()),
            who: "dead letters",
            waits,
            halt,
        };
        let topic = options.topic.value.clone();
        inquiry.provide(&topic, options.create_topic)?;
        Ok(Some(Self {
            topic,
            transaction: Arc::clone(transaction),
        }))
    }

    /// Adds letters to the epoch.
    pub(super) fn write(
        &self,
        epoch: u64,
        rejected_at: i64,
        letters: &[DeadLetter],
    ) -> Result<(), KafkaError> {
        letters.iter().try_for_each(|letter| {
            let whole = json(letter, epoch, rejected_at, usize::MAX);
            match self.send(letter, &whole) {
                Err(KafkaError::RecordTooLarge { .. }) => {
                    let cut = json(letter, epoch, rejected_at, BEGINNING);
                    self.send(letter, &cut)
                }
                sent => sent,
            }
        })
    }

    fn send(&self, letter: &DeadLetter, value: &str) -> Result<(), KafkaError> {
        self.transaction.send(Message {
            topic: &self.topic,
            partition: None,
            key: Some(key(letter).as_bytes()),
            value: Some(value.as_bytes()),
            timestamp: (letter.timestamp >= 0).then_some(letter.timestamp),
            headers: &[],
        })
    }
}

fn json(letter: &DeadLetter, epoch: u64, rejected_at: i64, most: usize) -> String {
    // It holds nothing that JSON has no words for.
    serde_json::to_string(&LetterJson::of(letter, epoch, rejected_at, most)).unwrap_or_default()
}

/// `STAGE/PORT/CODE/` and 128 bits of XXH3 over key, time and record.
fn key(letter: &DeadLetter) -> String {
    let mut hasher = Xxh3Default::new();
    let key = letter.key.as_deref().unwrap_or_default();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(&letter.timestamp.to_le_bytes());
    hasher.update(&letter.record);
    let DeadLetter {
        stage, port, code, ..
    } = letter;
    format!("{stage}/{port}/{code}/{:032x}", hasher.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::EntrySnapshot;
    use crate::record::NO_EVENT_TIME;

    fn letter(record: &[u8]) -> DeadLetter {
        DeadLetter {
            stage: "parse".to_owned(),
            port: "lines".to_owned(),
            code: "not-json".to_owned(),
            message: "expected a value".to_owned(),
            record: record.to_vec(),
            key: None,
            timestamp: NO_EVENT_TIME,
            plugin: String::new(),
            backtrace: None,
            state: None,
        }
    }

    #[test]
    fn a_letter_is_known_by_what_was_refused_and_by_whom() {
        assert_eq!(key(&letter(b"x")), key(&letter(b"x")));
        assert_ne!(key(&letter(b"x")), key(&letter(b"y")));
        assert!(key(&letter(b"x")).starts_with("parse/lines/not-json/"));
    }

    #[test]
    fn a_letter_that_is_cut_short_tells_how_long_its_record_was() {
        let text = json(&letter(b"abcdef"), 1, 2, 4);
        let cut: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&cut["record"], &cut["record_bytes"]),
            (&"abcd".into(), &6.into())
        );
    }

    #[test]
    fn a_letter_that_is_cut_short_has_no_more_than_the_beginning_of_the_state() {
        let letter = DeadLetter {
            state: Some(EntrySnapshot::of(2, b"12345678")),
            ..letter(b"abc")
        };
        let cut: serde_json::Value = serde_json::from_str(&json(&letter, 1, 2, 4)).unwrap();
        let state = serde_json::json!({"version": 2, "value": "1234", "value_bytes": 8});
        assert_eq!(cut["state"], state);
    }

    #[test]
    fn a_record_that_is_not_text_stands_in_hexadecimal() {
        let text = json(&letter(b"\xff\x00"), 1, 2, usize::MAX);
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(shown["record_hex"], "ff00");
    }
}
