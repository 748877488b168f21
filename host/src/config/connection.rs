//! The systems that a pipeline talks to, and how it is let in. A kind of connection is one file here and one line in `KINDS`.

mod cassandra;
mod http;
mod kafka;

pub use cassandra::{CassandraConnection, Tls};
pub(crate) use http::is_reserved;
pub use http::{
    CircuitBreaker, ClientAuthentication, Grant, HttpAuthentication, HttpConnection,
    HttpPermissions, HttpRetry, OAuth, PathPattern, RequestRate,
};
pub use kafka::KafkaConnection;
pub(crate) use kafka::Topic;

use crate::config::kind::{self, Kind};
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;

/// A system that the pipeline talks to: `[connections.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The name that the rest of the manifest refers to.
    pub name: Located<Name>,
    /// What kind of system it is, with the options of that kind.
    pub kind: ConnectionKind,
}

/// The kinds of connection, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionKind {
    /// An HTTP service. The default.
    Http(Box<HttpConnection>),
    /// A Kafka cluster.
    Kafka(KafkaConnection),
    /// A Cassandra cluster.
    Cassandra(Box<CassandraConnection>),
}

const KINDS: &[Kind<ConnectionKind>] = &[
    Kind {
        name: "http",
        read: |table| {
            HttpConnection::read(table)
                .map(Box::new)
                .map(ConnectionKind::Http)
        },
    },
    Kind {
        name: "kafka",
        read: |table| KafkaConnection::read(table).map(ConnectionKind::Kafka),
    },
    Kind {
        name: "cassandra",
        read: |table| {
            CassandraConnection::read(table)
                .map(Box::new)
                .map(ConnectionKind::Cassandra)
        },
    },
];

impl Connection {
    pub(crate) fn read(name: Located<Name>, table: &TableReader<'_>) -> Option<Self> {
        let kind = kind::read_or(table, KINDS, "http")?;
        Some(Self { name, kind })
    }
}
