//! A Kafka topic. Each of its partitions is read in order, from a position of its own.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::code;
use crate::config::connection::Topic;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::size::ByteSize;
use crate::config::tree::{Node, Value};

const MIB: u64 = 1 << 20;
const DAY: Duration = Duration::from_hours(24);
const DEFAULT_DISCOVERY: Duration = Duration::from_secs(30);

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

impl Read for Start {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        if let Value::Table(_) = node.value {
            let table = TableReader::new(node, context)?;
            let moment = table.required::<Moment>("timestamp");
            table.finish();
            return moment.map(|moment| Self::Timestamp(moment.value.0));
        }
        context.choice(
            node,
            &[
                ("committed", Self::Committed),
                ("earliest", Self::Earliest),
                ("latest", Self::Latest),
            ],
        )
    }
}

/// Milliseconds since the Unix epoch.
struct Moment(i64);

impl Read for Moment {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = match &node.value {
            Value::Datetime(datetime) => datetime,
            Value::Text(text) => &text.content,
            _ => return context.wrong_type(node, MOMENT),
        };
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Some(Self(timestamp.as_millisecond()));
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                node.place.clone(),
                format!("`{}` is not a moment in time", node.place.key()),
            )
            .found(node.describe())
            .expected(MOMENT),
        );
        None
    }
}

const MOMENT: &str = "a date, a time and an offset, such as `2026-11-01T00:00:00Z`";

/// What a record without a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullValues {
    /// Nothing that the pipeline can use: it goes to the dead-letter queue.
    #[default]
    Reject,
    /// Passed over.
    Skip,
}

impl Read for NullValues {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("reject", Self::Reject), ("skip", Self::Skip)])
    }
}

/// Where reading ends.
#[derive(Clone, Copy)]
enum End {
    Never,
    EndOfTopic,
}

impl Read for End {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(
            node,
            &[("never", Self::Never), ("end-of-topic", Self::EndOfTopic)],
        )
    }
}

impl KafkaSource {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let topic = Topic::read_required(table);
        let group = table.optional("group");
        let start = table.optional::<Start>("start");
        let null_values = table.optional::<NullValues>("null-values");
        let end = table.optional::<End>("end");
        let maximum_record_bytes = table
            .optional_within("maximum-record-bytes", ByteSize(64)..=ByteSize(256 * MIB))
            .map_or(table.default(MIB), |size| size.map(|size| size.0));
        let discovery_interval =
            table.optional_within("discovery-interval", Duration::from_millis(100)..=DAY);
        Some(Self {
            connection: connection?,
            topic: topic?,
            group,
            start: start.map_or_else(Start::default, |found| found.value),
            null_values: null_values.map_or_else(NullValues::default, |found| found.value),
            bounded: end.is_some_and(|end| matches!(end.value, End::EndOfTopic)),
            maximum_record_bytes,
            discovery_interval: discovery_interval.map_or(DEFAULT_DISCOVERY, |found| found.value),
        })
    }
}
