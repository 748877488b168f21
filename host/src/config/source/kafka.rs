//! A Kafka topic. Each of its partitions is read in order, from a position of its own.

use std::time::Duration;

use crate::config::place::Located;
use crate::config::reader::TableReader;

/// The options of `type = "kafka"`.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaSource {
    /// The name of a connection of the manifest, of the kind `kafka`.
    pub connection: Located<String>,
    /// The topic.
    pub topic: Located<String>,
    /// The consumer group that positions are committed to, for those who watch the lag; the pipeline's name by default.
    pub group: Option<Located<String>>,
    /// Where partitions are read from that no checkpoint knows; [`Start::Committed`] by default.
    pub start: Start,
    /// What a record without a value is; [`NullValues::Reject`] by default.
    pub null_values: NullValues,
    /// Whether reading ends where the topic ended when it was opened.
    pub bounded: bool,
    /// The longest record that is taken, in bytes; 1 MiB by default.
    pub maximum_record_bytes: Located<u64>,
    /// How often new partitions are looked for; 30 s by default.
    pub discovery_interval: Duration,
}

/// Where a partition is read from that no checkpoint knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Where the group has committed, else the earliest record.
    #[default]
    Committed,
    /// The earliest record that there is.
    Earliest,
    /// Behind the latest record.
    Latest,
    /// The first record of that time or later, milliseconds since the Unix epoch.
    Timestamp(i64),
}

/// What a record without a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullValues {
    /// Nothing that the pipeline can use: it goes to the dead-letter queue.
    #[default]
    Reject,
    /// Passed over.
    Skip,
}

impl KafkaSource {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let topic = table.required("topic");
        Some(Self {
            connection: connection?,
            topic: topic?,
            group: table.optional("group"),
            start: Start::default(),
            null_values: NullValues::default(),
            bounded: false,
            maximum_record_bytes: table.default(1 << 20),
            discovery_interval: Duration::from_secs(30),
        })
    }
}
