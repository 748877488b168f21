//! The rows of a table, read beside the pipeline that writes them.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};
use serde_json::{Map, Number, Value as Json};

use super::question::Question;
use crate::config::{ColumnType, SqliteSink};
use crate::hexadecimal;

/// How much of the table a page may hold, in bytes: one that has reached it ends before its limit of rows.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How long the pipeline may keep a reader waiting; a database with a write-ahead log does so only where it is made.
const BUSY: Duration = Duration::from_secs(10);

/// The rows of a table from some row on.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// Rows as the records that they were made of, with the members that are columns.
    pub records: Vec<Json>,
    /// Where the next page begins, if there is one.
    pub next_offset: Option<u64>,
}

/// A table cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error("{}: {error}", path.display())]
    Sqlite {
        path: PathBuf,
        error: rusqlite::Error,
    },
    #[error("{}: the column `{column}` of `{table}` holds what no sink writes there", path.display())]
    Damaged {
        path: PathBuf,
        table: String,
        column: String,
    },
}

/// A table of the database of the checkpoints.
pub(super) struct Table {
    path: PathBuf,
    name: String,
    columns: Vec<(String, ColumnType)>,
    /// Connections that nobody uses at the moment.
    readers: Mutex<Vec<Connection>>,
}

impl Table {
    pub fn new(path: PathBuf, sink: &SqliteSink) -> Self {
        let columns = sink.columns.iter();
        Self {
            path,
            name: sink.table.to_string(),
            columns: columns
                .map(|column| (column.name.to_string(), column.kind.value))
                .collect(),
            readers: Mutex::default(),
        }
    }

    /// What is committed. Before the first commit that is nothing.
    pub fn read(&self, question: &Question) -> Result<Page, TableError> {
        let free = self.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None if !self.path.exists() => return Ok(Page::default()),
            None => self.connect().map_err(|error| self.of_sqlite(error))?,
        };
        let page = self.page(&connection, question)?;
        // One that has failed is not kept.
        self.free().push(connection);
        Ok(page)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opened for writing all the same: a reader of a write-ahead log takes part in its locking.
    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn page(&self, connection: &Connection, question: &Question) -> Result<Page, TableError> {
        let failed = |error| self.of_sqlite(error);
        let mut page = Page::default();
        if !self.exists(connection).map_err(failed)? {
            return Ok(page);
        }
        let mut statement = connection
            .prepare_cached(&self.statement(question))
            .map_err(failed)?;
        let values = question.filters.values().flatten().cloned();
        let bounds = [question.limit + 1, question.offset];
        let bounds = bounds.map(|bound| Sql::Integer(bound.cast_signed()));
        let mut rows = statement
            .query(params_from_iter(values.chain(bounds)))
            .map_err(failed)?;
        let mut bytes = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let count = page.records.len() as u64;
            if count == question.limit || bytes >= MOST_BYTES {
                page.next_offset = Some(question.offset + count);
                break;
            }
            page.records.push(self.record(row, &mut bytes)?);
        }
        Ok(page)
    }

    /// Asks the database itself: what a connection remembers of its tables may be older than the first commit.
    fn exists(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let known = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
        connection.prepare_cached(known)?.exists([&self.name])
    }

    /// Values of filters come first, then the limit and the offset. A filter whose column leads the primary key finds its rows by it.
    fn statement(&self, question: &Question) -> String {
        let quoted = |name: &str| format!("\"{name}\"");
        let columns: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
        let filters = question.filters.iter().map(|(name, values)| {
            let places = vec!["?"; values.len()].join(", ");
            format!("{} IN ({places})", quoted(name))
        });
        let filters: Vec<String> = filters.collect();
        let condition = match filters.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", filters.join(" AND ")),
        };
        let (columns, table) = (columns.join(", "), quoted(&self.name));
        format!("SELECT {columns} FROM {table} {condition} ORDER BY _rowid_ LIMIT ? OFFSET ?")
    }

    /// Adds to `bytes` what the row takes.
    fn record(&self, row: &Row<'_>, bytes: &mut usize) -> Result<Json, TableError> {
        let mut record = Map::new();
        for (index, (name, kind)) in self.columns.iter().enumerate() {
            let value = row.get_ref(index).map_err(|error| self.of_sqlite(error))?;
            let json = member(*kind, value).ok_or_else(|| TableError::Damaged {
                path: self.path.clone(),
                table: self.name.clone(),
                column: name.clone(),
            })?;
            *bytes += name.len()
                + value
                    .as_bytes_or_null()
                    .ok()
                    .flatten()
                    .map_or(8, <[u8]>::len);
            record.insert(name.clone(), json);
        }
        Ok(Json::Object(record))
    }

    fn of_sqlite(&self, error: rusqlite::Error) -> TableError {
        let path = self.path.clone();
        TableError::Sqlite { path, error }
    }
}

/// What the sink was given for a column that holds this.
fn member(kind: ColumnType, value: ValueRef<'_>) -> Option<Json> {
    Some(match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        ValueRef::Text(text) if kind == ColumnType::Json => serde_json::from_slice(text).ok()?,
        ValueRef::Text(text) => str::from_utf8(text).ok()?.into(),
        ValueRef::Blob(bytes) => hexadecimal::text(bytes).into(),
    })
}

#[cfg(test)]
mod tests;
