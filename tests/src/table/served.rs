//! The tables of a Cassandra node, what a reader of committed records sees in a topic, and the queue that stands in the
//! pipeline's own folder.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::observed::{Observation, enriched_row};
use super::{ALERTS, ENRICHED, Row, Table, VOLUMES, alert_row, volume_row};
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
    /// The folder of its checkpoints.
    pub folder: PathBuf,
}

impl ServedObservation<'_> {
    /// Every row.
    ///
    /// # Errors
    /// When something cannot be read or is not what it should be.
    pub fn tables(&self) -> io::Result<Vec<Table>> {
        let rejected = Observation::of(&self.folder)
            .rejected_table()
            .map_err(io::Error::other)?;
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
