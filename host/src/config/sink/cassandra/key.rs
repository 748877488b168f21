//! The primary key of a Cassandra table: which rows lie together, in what order, and which row replaces which.

use super::CassandraColumn;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::nearest::{list, nearest};
use crate::config::place::Located;
use crate::config::reader::{Context, TableReader};

/// `primary-key = { partition = ["customer_id"], clustering = ["timestamp"] }`.
#[derive(Clone, Debug, PartialEq)]
pub struct PrimaryKey {
    /// The columns by which rows are spread over the nodes; at least one.
    pub partition: Vec<Located<String>>,
    /// The columns by which the rows of a partition are told apart and ordered; there may be none.
    pub clustering: Vec<Located<String>>,
}

impl PrimaryKey {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let partition = table.required_one_or_more("partition");
        let clustering = table.optional_node("clustering").map_or_else(
            || Some(Vec::new()),
            |_| table.required_one_or_more("clustering"),
        );
        Some(Self {
            partition: partition?,
            clustering: clustering?,
        })
    }

    /// All its columns, those of the partition first.
    pub fn columns(&self) -> impl Iterator<Item = &Located<String>> {
        self.partition.iter().chain(&self.clustering)
    }

    /// Every column of the key has to be written, and stand in it once.
    pub(super) fn check(&self, columns: &[CassandraColumn], context: &Context) {
        for clustering in &self.clustering {
            let mut partition = self.partition.iter();
            if let Some(twin) = partition.find(|twin| twin.value == clustering.value) {
                context.report(
                    Diagnostic::new(
                        &code::DUPLICATE,
                        clustering.place.clone(),
                        format!("`{clustering}` stands in the primary key twice"),
                    )
                    .related(twin.place.clone(), "it is here already"),
                );
            }
        }
        for key in self.columns() {
            if columns.iter().all(|column| **column.name != **key) {
                context.report(not_a_column(key, columns));
            }
        }
    }
}

fn not_a_column(key: &Located<String>, columns: &[CassandraColumn]) -> Diagnostic {
    let names = || columns.iter().map(|column| &**column.name);
    let diagnostic = Diagnostic::new(
        &code::INVALID_PRIMARY_KEY,
        key.place.clone(),
        format!("`columns` has no column `{key}`"),
    )
    .expected(list(names()));
    match nearest(key, names()) {
        Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
        None => diagnostic,
    }
}
