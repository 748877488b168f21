//! Where results go. A kind of sink is one file here and one line in `KINDS`.

mod audit;
mod cassandra;
mod jsonl;
mod kafka;
mod object_store;
mod sqlite;
mod stdout;
mod webhook;

pub use audit::AuditSink;
pub use cassandra::{
    CassandraColumn, CassandraSink, CassandraType, Consistency, Creation, PrimaryKey,
};
pub use jsonl::JsonlSink;
pub use kafka::{CreateTopic, KafkaSink};
pub use object_store::{ObjectCompression, ObjectForm, ObjectStoreSink};
pub use sqlite::{Column, ColumnType, SqliteSink};
pub use stdout::StdoutSink;
pub use webhook::WebhookSink;

use std::fmt;
use std::path::PathBuf;

use crate::config::kind::{self, Kind};
use crate::config::name::Name;
use crate::config::place::{Located, Place};
use crate::config::reader::TableReader;
use crate::config::reference::OutputPort;

/// A sink of the pipeline: `[sinks.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sink {
    /// The name in messages, metrics and checkpoints.
    pub name: Located<Name>,
    /// The ports whose records it takes; at least one, none twice.
    pub from: Vec<Located<OutputPort>>,
    /// What kind of sink it is, with the options of that kind.
    pub kind: SinkKind,
}

/// The kinds of sink, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum SinkKind {
    /// A table in the checkpoint's SQLite file.
    Sqlite(SqliteSink),
    /// A file of JSON lines.
    Jsonl(JsonlSink),
    /// A log whose lines hold on to each other.
    Audit(AuditSink),
    /// Lines on standard output.
    Stdout(StdoutSink),
    /// A Kafka topic.
    Kafka(KafkaSink),
    /// A Cassandra table.
    Cassandra(Box<CassandraSink>),
    /// Requests to an HTTP service.
    Webhook(Box<WebhookSink>),
    /// Objects in a folder or a bucket.
    ObjectStore(Box<ObjectStoreSink>),
}

const KINDS: &[Kind<SinkKind>] = &[
    Kind {
        name: "sqlite",
        read: |table| SqliteSink::read(table).map(SinkKind::Sqlite),
    },
    Kind {
        name: "jsonl",
        read: |table| JsonlSink::read(table).map(SinkKind::Jsonl),
    },
    Kind {
        name: "audit",
        read: |table| AuditSink::read(table).map(SinkKind::Audit),
    },
    Kind {
        name: "stdout",
        read: |_| Some(SinkKind::Stdout(StdoutSink)),
    },
    Kind {
        name: "kafka",
        read: |table| KafkaSink::read(table).map(SinkKind::Kafka),
    },
    Kind {
        name: "cassandra",
        read: |table| {
            CassandraSink::read(table)
                .map(Box::new)
                .map(SinkKind::Cassandra)
        },
    },
    Kind {
        name: "webhook",
        read: |table| {
            WebhookSink::read(table)
                .map(Box::new)
                .map(SinkKind::Webhook)
        },
    },
    Kind {
        name: "object-store",
        read: |table| {
            ObjectStoreSink::read(table)
                .map(Box::new)
                .map(SinkKind::ObjectStore)
        },
    },
];

impl Sink {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let from = table.required_one_or_more("from");
        let kind = kind::read(table, KINDS);
        Some(Self {
            name,
            from: from?,
            kind: kind?,
        })
    }
}

/// What a sink writes to, and no other may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    File(PathBuf),
    /// A table of the checkpoint's SQLite file, in lower case: SQLite does not tell cases apart.
    Table(String),
    /// A table of a Cassandra cluster: two sinks would give rows the same write timestamps.
    CassandraTable {
        connection: String,
        keyspace: String,
        table: String,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "the file `{}`", path.display()),
            Self::Table(table) => write!(formatter, "the table `{table}`"),
            Self::CassandraTable {
                connection,
                keyspace,
                table,
            } => write!(
                formatter,
                "the table `{keyspace}.{table}` of `{connection}`"
            ),
        }
    }
}

impl SinkKind {
    /// What only this sink may write to, if anything, and where that was written.
    pub(crate) fn target(&self) -> Option<(Target, &Place)> {
        match self {
            Self::Sqlite(sink) => Some((
                Target::Table(sink.table.to_ascii_lowercase()),
                &sink.table.place,
            )),
            Self::Jsonl(sink) => Some((Target::File(sink.path.value.clone()), &sink.path.place)),
            Self::Audit(sink) => {
                Some((Target::File(sink.folder.value.clone()), &sink.folder.place))
            }
            Self::Cassandra(sink) => Some((
                Target::CassandraTable {
                    connection: sink.connection.value.clone(),
                    keyspace: sink.keyspace.to_string(),
                    table: sink.table.to_string(),
                },
                &sink.table.place,
            )),
            Self::Stdout(_) | Self::Kafka(_) | Self::Webhook(_) | Self::ObjectStore(_) => None,
        }
    }
}
