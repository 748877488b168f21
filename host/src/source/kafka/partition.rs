//! A partition of a topic, read in batches out of its own queue.

use std::sync::Arc;
use std::vec;

use rdkafka::error::RDKafkaErrorCode as Rejection;

use super::attendant::Attendant;
use super::position::{Position, name};
use crate::config::{KafkaSource, NullValues};
use crate::connection::kafka::{KafkaError, Outlook, PartitionQueue, Taken, outlook_of};
use crate::record::NO_EVENT_TIME;
use crate::source::{Partition, Read, ReadBatch, Refused, Scale, SourceError, Unit, Wake};

/// A batch ends when it has so many records, or so many bytes.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 256 << 10;

pub(super) struct TopicPartition {
    name: String,
    topic: String,
    connection: String,
    number: i32,
    position: Position,
    /// Whether the end has been reached, as far as is known.
    at_end: bool,
    ended: bool,
    null_values: NullValues,
    longest: usize,
    /// The offset that the group has, for those who watch the lag.
    told: i64,
    /// Taken out of the queue, and not yet read.
    pending: vec::IntoIter<Taken>,
    queue: PartitionQueue,
    /// Behind the queue, so that it goes last: it closes the consumer.
    attendant: Arc<Attendant>,
}

impl TopicPartition {
    pub(super) fn new(
        options: &KafkaSource,
        attendant: &Arc<Attendant>,
        number: i32,
        queue: PartitionQueue,
        position: Position,
    ) -> Self {
        let topic = options.topic.value.clone();
        Self {
            name: name(&topic, number),
            topic,
            connection: options.connection.value.clone(),
            number,
            position,
            at_end: false,
            ended: false,
            null_values: options.null_values,
            longest: usize::try_from(options.maximum_record_bytes.value).unwrap_or(usize::MAX),
            told: -1,
            pending: Vec::new().into_iter(),
            queue,
            attendant: Arc::clone(attendant),
        }
    }

    /// Whether everything has been read that was there when the topic was first opened, where reading ends there.
    fn has_ended(&mut self) -> bool {
        self.ended |= self
            .position
            .end
            .is_some_and(|end| self.position.offset >= end);
        self.ended
    }

    fn take(&mut self, message: &Taken, read: &mut ReadBatch) {
        self.at_end = false;
        self.position.offset = message.offset() + 1;
        let place = || format!("at offset {} of `{}`", message.offset(), self.name);
        match message.value() {
            Some(value) if value.len() <= self.longest => {
                let timestamp = message.timestamp().unwrap_or(NO_EVENT_TIME);
                read.batch.push(value, None, timestamp);
            }
            Some(value) => read.refused.push(Refused {
                beginning: value[..self.longest].to_vec(),
                code: "record-too-large",
                message: format!(
                    "the record {} has {} bytes; only the first {} are kept",
                    place(),
                    value.len(),
                    self.longest
                ),
            }),
            None if self.null_values == NullValues::Skip => {}
            None => read.refused.push(Refused {
                beginning: Vec::new(),
                code: "null-value",
                message: format!("the record {} has no value", place()),
            }),
        }
    }

    /// What there is instead of a record.
    fn heed(&mut self, rejection: Rejection, message: &Taken) -> Result<(), KafkaError> {
        match rejection {
            Rejection::PartitionEOF => {
                // Behind the last record there may be marks of transactions, which are no records.
                self.position.offset = self.position.offset.max(message.offset());
                self.at_end = true;
                Ok(())
            }
            Rejection::AutoOffsetReset | Rejection::OffsetOutOfRange => {
                let (low, high) = self.attendant.bounds(self.number).unwrap_or((-1, -1));
                Err(KafkaError::OffsetOutOfRange {
                    topic: self.topic.clone(),
                    partition: self.number,
                    offset: self.position.offset,
                    low,
                    high,
                })
            }
            Rejection::UnknownTopicOrPartition | Rejection::UnknownTopic => {
                Err(KafkaError::UnknownTopic {
                    connection: self.connection.clone(),
                    topic: self.topic.clone(),
                })
            }
            _ if outlook_of(rejection) == Outlook::Passes => {
                self.attendant.suspect();
                Ok(())
            }
            _ => {
                let (connection, request) = (self.connection.clone(), self.name.clone());
                let reason = rejection.to_string();
                Err(match outlook_of(rejection) {
                    Outlook::Denied => KafkaError::Denied {
                        connection,
                        request,
                        reason,
                    },
                    _ => KafkaError::Refused {
                        connection,
                        request,
                        reason,
                    },
                })
            }
        }
    }

    /// What to say when there is no record to be had.
    fn nothing(&self) -> Read {
        let is_known = self
            .attendant
            .knows_the_end(self.number, self.position.offset);
        if self.at_end && is_known {
            Read::Nothing
        } else {
            Read::Waiting
        }
    }
}

impl Partition for TopicPartition {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, most: usize) -> Result<Read, SourceError> {
        if self.has_ended() {
            return Ok(Read::End);
        }
        if self.attendant.takes_repartitioned() {
            return Ok(Read::Repartitioned);
        }
        if self.attendant.has_strayed() {
            return Err(KafkaError::Interrupted {
                connection: self.connection.clone(),
                request: self.name.clone(),
                reason: "a record came outside of its partition's queue".to_owned(),
            }
            .into());
        }
        let most = most.min(BATCH_RECORDS);
        if self.pending.as_slice().is_empty() {
            self.pending = self.queue.take(most).into_iter();
        }
        let mut read = ReadBatch::default();
        let (mut records, mut bytes) = (0, 0);
        while records < most && bytes < BATCH_BYTES && !self.has_ended() {
            let Some(message) = self.pending.next() else {
                break;
            };
            match message.error() {
                Some(rejection) => self.heed(rejection, &message)?,
                None if self.position.end.is_some_and(|end| message.offset() >= end) => {
                    self.ended = true;
                }
                None => {
                    records += 1;
                    bytes += message.value().map_or(0, <[u8]>::len);
                    self.take(&message, &mut read);
                }
            }
        }
        Ok(match records {
            0 if self.has_ended() => Read::End,
            0 => self.nothing(),
            _ => Read::Records(read),
        })
    }

    fn position(&self) -> serde_json::Value {
        serde_json::json!(self.position)
    }

    fn progress(&self) -> (u64, Option<u64>) {
        let Position { offset, first, end } = self.position;
        let since_first = |offset: i64| u64::try_from(offset - first).unwrap_or(0);
        let end = end.or_else(|| self.queue.high_watermark());
        // The end is as old as the last answer of the broker.
        let end = end.map(|end| since_first(end.max(offset)));
        (since_first(offset), end)
    }

    fn scale(&self) -> Scale {
        Scale {
            unit: Unit::Records,
            origin: u64::try_from(self.position.first).unwrap_or(0),
        }
    }

    fn committed(&mut self) {
        if self.told != self.position.offset {
            self.told = self.position.offset;
            self.attendant.commit(self.number, self.told);
        }
    }

    fn wake_with(&mut self, wake: Wake) {
        self.attendant.wake_with(wake.clone());
        self.queue.wake_with(wake);
    }
}
