//! The dead-letter queue: records that a stage refused, or that a plugin failed on.

use rusqlite::{Connection, Row, params};

use crate::record::{EventTime, NO_EVENT_TIME};

/// A record on its way into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The stage, source or sink that did not take it.
    pub stage: String,
    /// The input port at which it arrived.
    pub port: String,
    /// Why, for machines.
    pub code: String,
    /// Why, for people.
    pub message: String,
    /// The record as it arrived.
    pub record: Vec<u8>,
    /// Its key, if the port is keyed.
    pub key: Option<Vec<u8>>,
    /// Its event time, [`NO_EVENT_TIME`] if it has none.
    pub timestamp: EventTime,
    /// SHA-256 of the plugin; empty where none was involved.
    pub plugin: String,
}

/// A record in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDeadLetter {
    /// By which it can be named.
    pub id: i64,
    /// The epoch in whose checkpoint it was committed.
    pub epoch: u64,
    /// When it was refused, milliseconds since the Unix epoch.
    pub rejected_at: i64,
    /// What and why.
    pub letter: DeadLetter,
}

/// Which dead letters are meant.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterFilter {
    /// Those with these ids; all if there is none.
    pub ids: Vec<i64>,
    /// Those of this stage.
    pub stage: Option<String>,
    /// Those with this code.
    pub code: Option<String>,
    /// Those of later epochs than this one.
    pub after_epoch: Option<u64>,
    /// At most so many, the oldest first.
    pub limit: Option<u64>,
}

/// What a filter lets through, by its parameters 1 to 4.
const MEANT: &str = "(json_array_length(?1) = 0 OR id IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR stage = ?2) AND (?3 IS NULL OR code = ?3) AND (?4 IS NULL OR epoch > ?4)";

impl DeadLetterFilter {
    fn ids_in_json(&self) -> String {
        serde_json::json!(self.ids).to_string()
    }

    fn epoch(&self) -> Option<i64> {
        self.after_epoch
            .map(|epoch| i64::try_from(epoch).unwrap_or(i64::MAX))
    }
}

pub(super) fn write(
    connection: &Connection,
    epoch: u64,
    rejected_at: i64,
    letters: &[DeadLetter],
) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT INTO jackfield_dead_letters (epoch, stage, port, code, message, record, key, timestamp, plugin, rejected_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for letter in letters {
        let timestamp = (letter.timestamp != NO_EVENT_TIME).then_some(letter.timestamp);
        put.execute(params![
            epoch.cast_signed(),
            letter.stage,
            letter.port,
            letter.code,
            letter.message,
            letter.record,
            letter.key,
            timestamp,
            letter.plugin,
            rejected_at
        ])?;
    }
    Ok(())
}

pub(super) fn read(
    connection: &Connection,
    filter: &DeadLetterFilter,
) -> rusqlite::Result<Vec<StoredDeadLetter>> {
    let limit = filter
        .limit
        .map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let select = format!(
        "SELECT id, epoch, rejected_at, stage, port, code, message, record, key, timestamp, plugin
         FROM jackfield_dead_letters WHERE {MEANT} ORDER BY id LIMIT ?5"
    );
    connection
        .prepare(&select)?
        .query_map(
            params![
                filter.ids_in_json(),
                filter.stage,
                filter.code,
                filter.epoch(),
                limit
            ],
            stored,
        )?
        .collect()
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredDeadLetter> {
    Ok(StoredDeadLetter {
        id: row.get(0)?,
        epoch: row.get::<_, i64>(1)?.cast_unsigned(),
        rejected_at: row.get(2)?,
        letter: DeadLetter {
            stage: row.get(3)?,
            port: row.get(4)?,
            code: row.get(5)?,
            message: row.get(6)?,
            record: row.get(7)?,
            key: row.get(8)?,
            timestamp: row.get::<_, Option<i64>>(9)?.unwrap_or(NO_EVENT_TIME),
            plugin: row.get(10)?,
        },
    })
}

/// How many there are of each (stage, code), most first.
pub(super) fn counts(
    connection: &Connection,
    filter: &DeadLetterFilter,
) -> rusqlite::Result<Vec<(String, String, u64)>> {
    let select = format!(
        "SELECT stage, code, count(*) FROM jackfield_dead_letters WHERE {MEANT}
         GROUP BY stage, code ORDER BY count(*) DESC, stage, code"
    );
    let row = |row: &Row<'_>| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get::<_, i64>(2)?.cast_unsigned(),
        ))
    };
    connection
        .prepare(&select)?
        .query_map(
            params![
                filter.ids_in_json(),
                filter.stage,
                filter.code,
                filter.epoch()
            ],
            row,
        )?
        .collect()
}

pub(super) fn remove(connection: &Connection, ids: &[i64]) -> rusqlite::Result<()> {
    let mut delete =
        connection.prepare_cached("DELETE FROM jackfield_dead_letters WHERE id = ?1")?;
    ids.iter().try_for_each(|id| delete.execute([id]).map(drop))
}
