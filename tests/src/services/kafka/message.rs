//! A record of a topic.

use rdkafka::message::{BorrowedMessage, Message as _};

/// A record of a topic: one that was read, or one to be written, whose offset means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The partition, from 0 on.
    pub partition: u32,
    /// The offset in the partition.
    pub offset: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none in a tombstone.
    pub value: Option<Vec<u8>>,
    /// Milliseconds since the Unix epoch; to be written with the present time if there is none.
    pub timestamp: Option<i64>,
}

impl Message {
    /// A value for partition 0.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// A record without a value for partition 0.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self::default().with_key(key)
    }

    /// The same for another partition.
    pub fn to_partition(mut self, partition: u32) -> Self {
        self.partition = partition;
        self
    }

    /// The same with a key.
    pub fn with_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same with a time, milliseconds since the Unix epoch.
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The value as text; empty if there is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }

    pub(super) fn read(message: &BorrowedMessage<'_>) -> Self {
        Self {
            partition: message.partition().cast_unsigned(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            timestamp: message.timestamp().to_millis(),
        }
    }
}
