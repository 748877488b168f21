//! A table in the database of the checkpoints: rows and checkpoint are one transaction.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::{Misfit, Sink, SinkError};
use crate::checkpoint::{Store, StoreError};
use crate::config::{self, ColumnType};
use crate::hexadecimal;
use crate::record::Batch;

/// A table.
pub(super) struct SqliteSink {
    store: Arc<Mutex<Store>>,
    columns: Vec<(String, ColumnType)>,
    insert: String,
}

impl SqliteSink {
    pub(super) fn open(
        options: &config::SqliteSink,
        store: &Arc<Mutex<Store>>,
    ) -> Result<Self, SinkError> {
        let table = options.table.value.to_string();
        let columns: Vec<(String, ColumnType)> = options
            .columns
            .iter()
            .map(|column| (column.name.value.to_string(), column.kind.value))
            .collect();
        let keys: Vec<String> = options
            .primary_key
            .iter()
            .map(|key| key.value.clone())
            .collect();
        let mut store_guard = store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut database = store_guard.database()?;
        match database.columns_of(&table)? {
            None => {
                let path = database.path().to_owned();
                let create = create_statement(&table, &columns, &keys);
                database
                    .transaction()?
                    .execute_batch(&create)
                    .map_err(|error| StoreError::Sqlite { path, error })?;
            }
            Some(found) => {
                let expected: Vec<_> = columns.iter().map(|(name, _)| name.clone()).collect();
                if found != expected {
                    let (found, expected) = (found.join(", "), expected.join(", "));
                    return Err(SinkError::Table {
                        table,
                        found,
                        expected,
                    });
                }
            }
        }
        let insert = insert_statement(&table, &columns, &keys);
        Ok(Self {
            store: Arc::clone(store),
            columns,
            insert,
        })
    }
}

/// An identifier between double quotes, as SQL wants it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn create_statement(table: &str, columns: &[(String, ColumnType)], keys: &[String]) -> String {
    let kind = |kind| match kind {
        ColumnType::Text | ColumnType::Json => "TEXT",
        // Not `INTEGER`: a primary key of that type would be the number of its row, and rows are in the order of their numbers.
        ColumnType::Integer => "INT",
        ColumnType::Real => "REAL",
        ColumnType::Blob => "BLOB",
    };
    let mut parts = list(
        columns
            .iter()
            .map(|(name, of)| format!("{} {}", quoted(name), kind(*of))),
    );
    if !keys.is_empty() {
        parts = format!(
            "{parts}, PRIMARY KEY ({})",
            list(keys.iter().map(|key| quoted(key)))
        );
    }
    format!("CREATE TABLE {} ({parts})", quoted(table))
}

/// A row of a key that is there takes the place of the older one, number and all, by which rows are in the order in which they first came.
fn insert_statement(table: &str, columns: &[(String, ColumnType)], keys: &[String]) -> String {
    let names = list(columns.iter().map(|(name, _)| quoted(name)));
    let values = list((1..=columns.len()).map(|index| format!("?{index}")));
    let insert = format!("INSERT INTO {} ({names}) VALUES ({values})", quoted(table));
    if keys.is_empty() {
        return insert;
    }
    let rest = columns.iter().filter(|(name, _)| !keys.contains(name));
    let changes = list(rest.map(|(name, _)| format!("{0} = excluded.{0}", quoted(name))));
    let keys = list(keys.iter().map(|key| quoted(key)));
    match changes.is_empty() {
        true => format!("{insert} ON CONFLICT ({keys}) DO NOTHING"),
        false => format!("{insert} ON CONFLICT ({keys}) DO UPDATE SET {changes}"),
    }
}

impl Sink for SqliteSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let mut misfits = Vec::new();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut database = store.database()?;
        let path = database.path().to_owned();
        let failed = |error| StoreError::Sqlite {
            path: path.clone(),
            error,
        };
        let mut insert = database
            .transaction()?
            .prepare_cached(&self.insert)
            .map_err(failed)?;
        for (index, value) in batch.values.iter().enumerate() {
            match row(&self.columns, value) {
                Ok(row) => insert
                    .execute(rusqlite::params_from_iter(row))
                    .map(drop)
                    .map_err(failed)?,
                Err(message) => misfits.push(Misfit { index, message }),
            }
        }
        Ok(misfits)
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        Ok(Value::Null)
    }
}

fn row(columns: &[(String, ColumnType)], record: &[u8]) -> Result<Vec<Sql>, String> {
    let record: Value = serde_json::from_slice(record)
        .map_err(|error| format!("the record is not JSON: {error}"))?;
    let Value::Object(fields) = record else {
        return Err("the record is not a JSON object".to_owned());
    };
    columns
        .iter()
        .map(|(name, kind)| match fields.get(name) {
            Some(value) => cell(*kind, value)
                .ok_or_else(|| format!("the field `{name}` is not {}: {value}", what(*kind))),
            None => Err(format!("the field `{name}` is missing")),
        })
        .collect()
}

fn cell(kind: ColumnType, value: &Value) -> Option<Sql> {
    match (kind, value) {
        (ColumnType::Json, value) => Some(Sql::Text(value.to_string())),
        (_, Value::Null) => Some(Sql::Null),
        (ColumnType::Text, Value::String(text)) => Some(Sql::Text(text.clone())),
        (ColumnType::Integer, value) => value.as_i64().map(Sql::Integer),
        (ColumnType::Real, value) => value.as_f64().map(Sql::Real),
        (ColumnType::Blob, Value::String(text)) => hexadecimal::bytes(text).map(Sql::Blob),
        _ => None,
    }
}

fn what(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "a string",
        ColumnType::Integer => "a whole number within 64 bits",
        ColumnType::Real => "a number",
        ColumnType::Blob => "a string of hexadecimal digits",
        ColumnType::Json => "a value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<(String, ColumnType)> {
        vec![
            ("name".to_owned(), ColumnType::Text),
            ("count".to_owned(), ColumnType::Integer),
        ]
    }

    #[test]
    fn fields_become_columns_by_name() {
        let row = row(&columns(), br#"{"count": 3, "name": "voice", "more": []}"#);
        assert_eq!(
            row,
            Ok(vec![Sql::Text("voice".to_owned()), Sql::Integer(3)])
        );
    }

    #[test]
    fn a_record_that_does_not_fit_is_explained() {
        let refused = |record: &str| row(&columns(), record.as_bytes()).unwrap_err();
        assert_eq!(
            refused(r#"{"name": "voice"}"#),
            "the field `count` is missing"
        );
        assert_eq!(
            refused(r#"{"name": "voice", "count": "3"}"#),
            "the field `count` is not a whole number within 64 bits: \"3\""
        );
        assert_eq!(refused("[]"), "the record is not a JSON object");
        assert!(refused("{").starts_with("the record is not JSON"));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(
            insert_statement("a\"b", &columns(), &["name".to_owned()]),
            "INSERT INTO \"a\"\"b\" (\"name\", \"count\") VALUES (?1, ?2) ON CONFLICT (\"name\") DO UPDATE SET \"count\" = excluded.\"count\""
        );
    }

    /// What is in a table of these key columns after these rows, in the order of the rows' numbers.
    fn written(keys: &[&str], rows: &[(&str, i64)]) -> Vec<(String, i64)> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let create = create_statement("calls", &columns(), &keys);
        database.execute_batch(&create).unwrap();
        let insert = insert_statement("calls", &columns(), &keys);
        for row in rows {
            database.execute(&insert, *row).unwrap();
        }
        let mut read = database
            .prepare("SELECT name, count FROM calls ORDER BY _rowid_")
            .unwrap();
        let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_row_that_changes_keeps_its_place() {
        let rows = written(&["name"], &[("voice", 1), ("chat", 2), ("voice", 3)]);
        assert_eq!(rows, [("voice".to_owned(), 3), ("chat".to_owned(), 2)]);
    }

    #[test]
    fn rows_are_in_the_order_of_their_arrival_also_where_a_number_is_the_key() {
        let rows = written(&["count"], &[("voice", 7), ("chat", 2), ("mail", 7)]);
        assert_eq!(rows, [("mail".to_owned(), 7), ("chat".to_owned(), 2)]);
    }

    #[test]
    fn a_row_that_is_nothing_but_its_key_is_there_once() {
        let rows = written(&["count", "name"], &[("voice", 1), ("voice", 1)]);
        assert_eq!(rows, [("voice".to_owned(), 1)]);
    }
}
