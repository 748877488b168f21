//! The tables of a Cassandra node, what a reader of committed records sees in a topic, and the queue that stands in the
//! pipeline's own folder.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::observed::{Observation, enriched_row};
use super::{
    ALERTS, ENRICHED, LATE, REJECTED, Row, Table, VOLUMES, alert_row, late_row, malformed_row,
    volume_row,
};
use crate::harness::Pipeline;
use crate::services::{CassandraClient, KafkaClient, Message};

/// What the data-actions pipeline writes where it stands between Kafka and Cassandra.
#[derive(Clone, Debug)]
pub struct ServedObservation<'a> {
    /// The broker.
    pub kafka: &'a KafkaClient,
    /// The node.
    pub cassandra: &'a CassandraClient,
    /// The keyspace of its tables.
    pub keyspace: String,
    /// The topic of enriched interactions.
    pub enriched: String,
    /// Where its dead letters are.
    pub queue: Queue,
}

/// Where dead letters are.
#[derive(Clone, Debug)]
pub enum Queue {
    /// In the database of that folder.
    Database(PathBuf),
    /// With each of these tasks of a pipeline.
    Tasks(Pipeline, Vec<String>),
}

impl Queue {
    fn table(&self) -> io::Result<Table> {
        let (pipeline, tasks) = match self {
            Self::Database(folder) => {
                let table = Observation::of(folder).rejected_table();
                return table.map_err(io::Error::other);
            }
            Self::Tasks(pipeline, tasks) => (pipeline, tasks),
        };
        let mut rows = Vec::new();
        for task in tasks {
            let arguments = ["--task", task, "--format", "json", "--limit", "10000000"];
            let listed = pipeline.run_command(&["dlq", "list"], &arguments)?;
            if !listed.status.success() {
                return Err(io::Error::other(listed.stderr));
            }
            for line in listed.stdout.lines() {
                rows.push(letter_row(&serde_json::from_str(line)?));
            }
        }
        Ok(Table {
            name: REJECTED,
            rows,
        })
    }
}

fn letter_row(letter: &Value) -> Row {
    let stage = text(letter, "stage").unwrap_or_default();
    match text(letter, "code").unwrap_or_default() {
        LATE => late_row(
            stage,
            &content(letter, "key"),
            number(letter, "timestamp").unwrap_or_default(),
        ),
        code => malformed_row(stage, code, &content(letter, "record")),
    }
}

/// Bytes that are text, or else stand in hexadecimal digits.
fn content(letter: &Value, name: &str) -> Vec<u8> {
    if let Some(text) = text(letter, name) {
        return text.into();
    }
    let digits = text(letter, &format!("{name}_hex")).unwrap_or_default();
    digits
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

impl ServedObservation<'_> {
    /// Every row.
    ///
    /// # Errors
    /// When something cannot be read or is not what it should be.
    pub fn tables(&self) -> io::Result<Vec<Table>> {
        let rejected = self.queue.table()?;
        Ok(vec![
            self.rows(VOLUMES, |row| {
                Some(volume_row(
                    text(row, "channel")?,
                    number(row, "window_end")?,
                    number(row, "volume")?,
                ))
            })?,
            self.rows(ALERTS, |row| {
                Some(alert_row(
                    text(row, "customer_id")?,
                    text(row, "channel")?,
                    number(row, "timestamp")?,
                    number(row, "failure_count")?,
                    text(row, "alert_type")?,
                ))
            })?,
            self.enriched_table()?,
            rejected,
        ])
    }

    fn rows(&self, name: &'static str, read: impl Fn(&Value) -> Option<Row>) -> io::Result<Table> {
        let rows = self.cassandra.rows(&format!("{}.{name}", self.keyspace))?;
        let read = |row: &Value| {
            read(row).unwrap_or_else(|| Row {
                identity: format!("not a row as agreed: {row}"),
                content: String::new(),
                sequence: None,
            })
        };
        Ok(Table {
            name,
            rows: rows.iter().map(read).collect(),
        })
    }

    fn enriched_table(&self) -> io::Result<Table> {
        let messages = self.kafka.read_committed(&self.enriched)?;
        let row = |message: &Message| enriched_row(&format!("{}\n", message.text()));
        Ok(Table {
            name: ENRICHED,
            rows: messages.iter().map(row).collect(),
        })
    }
}

fn text<'a>(row: &'a Value, column: &str) -> Option<&'a str> {
    row.get(column)?.as_str()
}

fn number(row: &Value, column: &str) -> Option<i64> {
    row.get(column)?.as_i64()
}
