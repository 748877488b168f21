//! Why a table cannot take what it is given.

use crate::error::Code;

/// A table of Cassandra cannot take what it is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no such keyspace.
    #[error("the cluster `{connection}` has no keyspace `{keyspace}`; it has {found}")]
    Keyspace {
        /// The connection.
        connection: String,
        /// The keyspace.
        keyspace: String,
        /// The keyspaces that there are.
        found: String,
    },
    /// There is no such table.
    #[error("the keyspace `{keyspace}` has no table `{table}`; it has {found}")]
    Table {
        /// The keyspace.
        keyspace: String,
        /// The table.
        table: String,
        /// The tables that there are.
        found: String,
    },
    /// Its columns are not those of the manifest.
    #[error("the table `{table}` is not what the manifest says: {}", differences.join("; "))]
    Columns {
        /// The table, with its keyspace.
        table: String,
        /// What differs, column by column.
        differences: Vec<String>,
    },
    /// The cluster refuses a row.
    #[error("the table `{table}` does not take the row {row}: {reason}")]
    Refused {
        /// The table, with its keyspace.
        table: String,
        /// The row's primary key.
        row: String,
        /// What the cluster says.
        reason: String,
    },
    /// More rows came in one epoch than there are write timestamps for.
    #[error("more than {most} rows came for the table `{table}` between two checkpoints")]
    Timestamps {
        /// The table, with its keyspace.
        table: String,
        /// How many timestamps an epoch has.
        most: u64,
    },
}

impl TableError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Keyspace { .. } => Code::CASSANDRA_KEYSPACE,
            Self::Table { .. } => Code::CASSANDRA_TABLE,
            Self::Columns { .. } => Code::CASSANDRA_COLUMNS,
            Self::Refused { .. } => Code::CASSANDRA_REFUSED,
            Self::Timestamps { .. } => Code::CASSANDRA_TIMESTAMPS,
        }
    }
}
