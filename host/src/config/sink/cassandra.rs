//! A Cassandra table: rows are upserted with write timestamps by which a later epoch always wins.

mod column;
mod key;

pub use column::{CassandraColumn, CassandraType};
pub use key::PrimaryKey;

use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::name::SqlName;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::{Node, Value};

const DEFAULT_BATCH_ROWS: u16 = 100;
const DEFAULT_FLUSH_INTERVAL: Duration = Duration::from_secs(5);
const SHORTEST_FLUSH_INTERVAL: Duration = Duration::from_millis(1);
const LONGEST_FLUSH_INTERVAL: Duration = Duration::from_hours(1);
/// Enough for single rows, of which a node takes its time for each; batches count for several.
const DEFAULT_IN_FLIGHT: u16 = 128;
/// A connection has room for 32,768; beyond a thousand requests only wait longer.
const MOST_IN_FLIGHT: u16 = 1024;

/// The options of `type = "cassandra"`.
#[derive(Clone, Debug, PartialEq)]
pub struct CassandraSink {
    /// The name of a connection of the manifest, of the kind `cassandra`.
    pub connection: Located<String>,
    /// The keyspace.
    pub keyspace: Located<SqlName>,
    /// The table.
    pub table: Located<SqlName>,
    /// The columns that are written, in the order of the manifest; at least one, each of the primary key among them.
    pub columns: Vec<CassandraColumn>,
    /// The primary key, if the manifest says it; else it is that of the table.
    pub primary_key: Option<PrimaryKey>,
    /// How the keyspace and the table are made where they are missing; none if they are not to be.
    pub creation: Option<Creation>,
    /// How many replicas have to have taken a write before it counts; [`Consistency::LocalQuorum`] by default.
    pub consistency: Consistency,
    /// The most rows of one partition that are sent together, from 1 to 100; 100 by default.
    pub maximum_batch_rows: u16,
    /// The longest that a row waits for others of its partition; 5 s by default.
    pub flush_interval: Duration,
    /// The most requests that wait for an answer, where a full batch counts for sixteen; 128 by default.
    pub maximum_requests_in_flight: u16,
}

/// How what is missing is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The keyspace's replication, by Cassandra's own names; `SimpleStrategy` with one replica by default.
    pub replication: Vec<(String, String)>,
}

/// How many replicas have to have taken a write before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// One.
    One,
    /// Two.
    Two,
    /// Three.
    Three,
    /// More than half of all.
    Quorum,
    /// All.
    All,
    /// One in the data centre that is written to.
    LocalOne,
    /// More than half of those in the data centre that is written to.
    LocalQuorum,
    /// More than half in each data centre.
    EachQuorum,
}

const CONSISTENCIES: &[(&str, Consistency)] = &[
    ("one", Consistency::One),
    ("two", Consistency::Two),
    ("three", Consistency::Three),
    ("quorum", Consistency::Quorum),
    ("all", Consistency::All),
    ("local-one", Consistency::LocalOne),
    ("local-quorum", Consistency::LocalQuorum),
    ("each-quorum", Consistency::EachQuorum),
];

impl Read for Consistency {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, CONSISTENCIES)
    }
}

impl CassandraSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let keyspace = table.required("keyspace");
        let name = table.required("table");
        let columns = table.required_entries(
            "columns",
            "columns = { id = \"text\" }",
            CassandraColumn::read,
        );
        let primary_key = table.optional_table("primary-key", PrimaryKey::read);
        if let (Some(columns), Some(key)) = (&columns, &primary_key) {
            key.check(columns, table.context());
        }
        let creation = Creation::read(table);
        let consistency = table.optional("consistency");
        let batch_rows = table.optional_within("maximum-batch-rows", 1..=DEFAULT_BATCH_ROWS);
        let flush_interval = table.optional_within(
            "flush-interval",
            SHORTEST_FLUSH_INTERVAL..=LONGEST_FLUSH_INTERVAL,
        );
        let in_flight = table.optional_within("maximum-requests-in-flight", 1..=MOST_IN_FLIGHT);
        Some(Self {
            connection: connection?,
            keyspace: keyspace?,
            table: name?,
            columns: columns?,
            primary_key,
            creation,
            consistency: consistency.map_or(Consistency::LocalQuorum, |found| found.value),
            maximum_batch_rows: batch_rows.map_or(DEFAULT_BATCH_ROWS, |found| found.value),
            flush_interval: flush_interval.map_or(DEFAULT_FLUSH_INTERVAL, |found| found.value),
            maximum_requests_in_flight: in_flight.map_or(DEFAULT_IN_FLIGHT, |found| found.value),
        })
    }
}

impl Creation {
    fn read(table: &TableReader<'_>) -> Option<Self> {
        let create: Option<Located<bool>> = table.optional("create-tables");
        let replication = table.optional_node("replication").and_then(|_| {
            let example = "replication = { class = \"SimpleStrategy\", replication_factor = 1 }";
            table.required_entries("replication", example, |key, node, context| {
                Some((key.value.clone(), setting(node, context)?))
            })
        });
        let create = create.filter(|create| create.value)?;
        if table.optional_node("primary-key").is_none() {
            table.report(
                Diagnostic::new(
                    &code::MISSING_KEY,
                    create.place,
                    "a table cannot be made without its primary key",
                )
                .help(
                    "add `primary-key = { partition = [\"COLUMN\"], clustering = [\"COLUMN\"] }`",
                ),
            );
        }
        let one_replica = || {
            [("class", "SimpleStrategy"), ("replication_factor", "1")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec()
        };
        Some(Self {
            replication: replication.unwrap_or_else(one_replica),
        })
    }
}

/// A setting of Cassandra's: text, or a number that stands for its text.
fn setting(node: &Node, context: &Context) -> Option<String> {
    match node.value {
        Value::Integer(integer) => Some(integer.to_string()),
        _ => context.text(node).map(str::to_owned),
    }
}
