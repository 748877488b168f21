//! The tables, the file and the queue that a run wrote.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::{
    ALERTS, ENRICHED, LATE, REJECTED, Row, Table, VOLUMES, alert_row, late_row, malformed_row,
    volume_row,
};

/// A folder that the data-actions pipeline writes to.
#[derive(Clone, Debug)]
pub struct Observation {
    folder: PathBuf,
}

/// A folder that cannot be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file of enriched interactions.
    File(PathBuf, io::Error),
    /// The database.
    Database(PathBuf, rusqlite::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(formatter, "{}: {error}", path.display()),
            Self::Database(path, error) => write!(formatter, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for ReadError {}

impl Observation {
    /// Of what stands in `folder`.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.folder.join("data-actions.db")
    }

    /// The file of enriched interactions.
    pub fn enriched(&self) -> PathBuf {
        self.folder.join("enriched.jsonl")
    }

    /// Every row. What a run that was killed had not committed yet may be among the enriched interactions.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be.
    pub fn tables(&self) -> Result<Vec<Table>, ReadError> {
        Ok(vec![
            self.table(VOLUMES, "SELECT channel, window_end, volume FROM interaction_volumes ORDER BY 1, 2", |row| {
                Ok(volume_row(&row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))
            })?,
            self.table(
                ALERTS,
                "SELECT customer_id, channel, timestamp, failure_count, alert_type FROM pattern_alerts ORDER BY 1, 3, 2",
                |row| {
                    let (customer, channel, kind): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
                    Ok(alert_row(&customer, &channel, row.get(2)?, row.get(3)?, &kind))
                },
            )?,
            self.enriched_table()?,
            self.rejected_table()?,
        ])
    }

    pub(super) fn rejected_table(&self) -> Result<Table, ReadError> {
        self.table(
            REJECTED,
            "SELECT stage, code, record, key, timestamp FROM jackfield_dead_letters ORDER BY rowid",
            |row| {
                let (stage, code): (String, String) = (row.get(0)?, row.get(1)?);
                match code.as_str() {
                    LATE => Ok(late_row(&stage, bytes(row.get_ref(3)?), row.get(4)?)),
                    _ => Ok(malformed_row(&stage, &code, bytes(row.get_ref(2)?))),
                }
            },
        )
    }

    /// Opens the database to read it.
    ///
    /// # Errors
    /// When it is missing or is not a database.
    pub fn open_database(&self) -> Result<Connection, ReadError> {
        let path = self.database();
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| ReadError::Database(path, error))
    }

    fn table(
        &self,
        name: &'static str,
        query: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<Row>,
    ) -> Result<Table, ReadError> {
        let connection = self.open_database()?;
        let rows = || {
            connection
                .prepare(query)?
                .query_map([], read)?
                .collect::<rusqlite::Result<_>>()
        };
        Ok(Table {
            name,
            rows: rows().map_err(|error| ReadError::Database(self.database(), error))?,
        })
    }

    fn enriched_table(&self) -> Result<Table, ReadError> {
        let path = self.enriched();
        let lines = read_to_string(&path).map_err(|error| ReadError::File(path, error))?;
        Ok(Table {
            name: ENRICHED,
            rows: lines.split_inclusive('\n').map(enriched_row).collect(),
        })
    }
}

/// Not UTF-8 is not an error here but a row that no model expects.
fn read_to_string(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

fn bytes(value: ValueRef<'_>) -> &[u8] {
    value.as_bytes_or_null().ok().flatten().unwrap_or_default()
}

pub(super) fn enriched_row(line: &str) -> Row {
    let Some(fields) = line
        .strip_suffix('\n')
        .and_then(|line| serde_json::from_str::<Value>(line).ok())
    else {
        return Row {
            identity: format!("not a line of JSON: {line}"),
            content: String::new(),
            sequence: None,
        };
    };
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Row {
        identity: text("interactionId"),
        content: fields.to_string(),
        sequence: Some(text("customerId")),
    }
}
