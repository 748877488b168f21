//! A Cassandra table: rows are upserted with write timestamps by which a later epoch always wins.

use crate::config::name::SqlName;
use crate::config::place::Located;
use crate::config::reader::TableReader;

/// The options of `type = "cassandra"`.
#[derive(Clone, Debug, PartialEq)]
pub struct CassandraSink {
    /// The name of a connection of the manifest, of the kind `cassandra`.
    pub connection: Located<String>,
    /// The keyspace.
    pub keyspace: Located<SqlName>,
    /// The table.
    pub table: Located<SqlName>,
}

impl CassandraSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let keyspace = table.required("keyspace");
        let name = table.required("table");
        Some(Self {
            connection: connection?,
            keyspace: keyspace?,
            table: name?,
        })
    }
}
