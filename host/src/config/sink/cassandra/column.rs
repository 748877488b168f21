//! The columns of a Cassandra table, and the JSON fields that they are filled from.

use crate::config::name::SqlName;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::{Node, Value};

/// A column, filled from a JSON field: `name = "type"`, or `name = { field = "field", type = "type" }`.
#[derive(Clone, Debug, PartialEq)]
pub struct CassandraColumn {
    /// The name of the column.
    pub name: Located<SqlName>,
    /// The name of the field; that of the column by default.
    pub field: String,
    /// What is stored in it.
    pub kind: Located<CassandraType>,
}

/// What a column stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CassandraType {
    /// A JSON string of ASCII characters.
    Ascii,
    /// A JSON string.
    Text,
    /// Any JSON value, as its text in a column of the type `text`.
    Json,
    /// A whole JSON number within 8 bits.
    TinyInt,
    /// A whole JSON number within 16 bits.
    SmallInt,
    /// A whole JSON number within 32 bits.
    Int,
    /// A whole JSON number within 64 bits.
    BigInt,
    /// A JSON number, to the precision of 32 bits.
    Float,
    /// A JSON number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Milliseconds since the Unix epoch as a whole number, or a date and time with its offset as RFC 3339 writes it.
    Timestamp,
    /// A date, `2026-11-21`.
    Date,
    /// A UUID in its five groups of hexadecimal digits.
    Uuid,
    /// A JSON string of hexadecimal digits, as bytes.
    Blob,
}

const TYPES: &[(&str, CassandraType)] = &[
    ("ascii", CassandraType::Ascii),
    ("text", CassandraType::Text),
    ("json", CassandraType::Json),
    ("tinyint", CassandraType::TinyInt),
    ("smallint", CassandraType::SmallInt),
    ("int", CassandraType::Int),
    ("bigint", CassandraType::BigInt),
    ("float", CassandraType::Float),
    ("double", CassandraType::Double),
    ("boolean", CassandraType::Boolean),
    ("timestamp", CassandraType::Timestamp),
    ("date", CassandraType::Date),
    ("uuid", CassandraType::Uuid),
    ("blob", CassandraType::Blob),
];

impl CassandraType {
    /// What Cassandra calls the type of such a column.
    #[must_use]
    pub fn cql(self) -> &'static str {
        match self {
            Self::Json => "text",
            other => TYPES
                .iter()
                .find(|(_, kind)| *kind == other)
                .map_or("text", |(name, _)| name),
        }
    }
}

impl Read for CassandraType {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, TYPES)
    }
}

impl CassandraColumn {
    pub(super) fn read(key: &Located<String>, node: &Node, context: &Context) -> Option<Self> {
        let name = SqlName::located(key, context);
        let (field, kind) = if matches!(node.value, Value::Table(_)) {
            let table = TableReader::new(node, context)?;
            let field: Option<Located<String>> = table.optional("field");
            let kind = table.required("type");
            table.finish();
            (
                field.map_or_else(|| key.value.clone(), |field| field.value),
                kind,
            )
        } else {
            (key.value.clone(), context.read_located(node))
        };
        Some(Self {
            name: name?,
            field,
            kind: kind?,
        })
    }
}
