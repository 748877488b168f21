//! A table in the checkpoint's own SQLite file: rows and checkpoint are one transaction, which makes them exactly-once.

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::name::SqlName;
use crate::config::nearest::{list, nearest};
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

/// The options of `type = "sqlite"`.
#[derive(Clone, Debug, PartialEq)]
pub struct SqliteSink {
    /// The table; it is made if it does not exist.
    pub table: Located<SqlName>,
    /// The columns in the order of the manifest; at least one.
    pub columns: Vec<Column>,
    /// The columns of the primary key, by which a row replaces an older one. Empty: rows are only ever added.
    pub primary_key: Vec<Located<String>>,
}

/// A column, filled from the JSON field of the same name.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name of the column and of the field.
    pub name: Located<SqlName>,
    /// What is stored in it.
    pub kind: Located<ColumnType>,
}

/// What a column stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// A JSON string, as text.
    Text,
    /// A whole JSON number within 64 bits.
    Integer,
    /// A JSON number.
    Real,
    /// A JSON string of hexadecimal digits, as bytes.
    Blob,
    /// Any JSON value, as its text.
    Json,
}

impl Read for ColumnType {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(
            node,
            &[
                ("text", Self::Text),
                ("integer", Self::Integer),
                ("real", Self::Real),
                ("blob", Self::Blob),
                ("json", Self::Json),
            ],
        )
    }
}

impl SqliteSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let name = table.required("table");
        if let Some(name) = &name {
            refuse_taken(name, table.context());
        }
        let columns = table.required_entries(
            "columns",
            "columns = { id = \"text\" }",
            |key, node, context| {
                let name = SqlName::located(key, context);
                let kind = context.read_located(node);
                Some(Column {
                    name: name?,
                    kind: kind?,
                })
            },
        );
        let primary_key = table.optional_list("primary-key");
        let sink = Self {
            table: name?,
            columns: columns?,
            primary_key: primary_key.unwrap_or_default(),
        };
        sink.check(table.context());
        Some(sink)
    }

    fn check(&self, context: &Context) {
        for (index, column) in self.columns.iter().enumerate() {
            let mut earlier = self.columns[..index].iter();
            if let Some(twin) = earlier.find(|twin| twin.name.eq_ignore_ascii_case(&column.name)) {
                context.report(
                    Diagnostic::new(
                        &code::DUPLICATE,
                        column.name.place.clone(),
                        "two columns differ only in case, which SQLite does not tell apart",
                    )
                    .related(twin.name.place.clone(), "the other one"),
                );
            }
        }
        context.refuse_repetition(&self.primary_key);
        for key in &self.primary_key {
            if self.columns.iter().all(|column| **column.name != **key) {
                context.report(self.not_a_column(key));
            }
        }
    }

    fn not_a_column(&self, key: &Located<String>) -> Diagnostic {
        let columns = || self.columns.iter().map(|column| &**column.name);
        let diagnostic = Diagnostic::new(
            &code::INVALID_PRIMARY_KEY,
            key.place.clone(),
            format!("the table `{}` has no column `{key}`", self.table),
        )
        .expected(list(columns()));
        match nearest(key, columns()) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic,
        }
    }
}

/// SQLite keeps names of its own, and so does the host, in the same file.
fn refuse_taken(table: &Located<SqlName>, context: &Context) {
    let name = table.to_ascii_lowercase();
    if ["sqlite_", "jackfield_"]
        .iter()
        .any(|taken| name.starts_with(taken))
    {
        context.report(
            Diagnostic::new(
                &code::INVALID_NAME,
                table.place.clone(),
                format!("a table of one's own cannot be named `{table}`"),
            )
            .help("names that begin with `sqlite_` and `jackfield_` are taken; choose another"),
        );
    }
}
