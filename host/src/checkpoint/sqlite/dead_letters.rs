//! The dead-letter queue as a table.

use rusqlite::{Connection, Row, params};

use crate::checkpoint::{DeadLetter, DeadLetterFilter, EntrySnapshot, StoredDeadLetter};
use crate::record::NO_EVENT_TIME;

/// What a filter lets through, by its parameters 1 to 4.
const MEANT: &str = "(json_array_length(?1) = 0 OR id IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR stage = ?2) AND (?3 IS NULL OR code = ?3) AND (?4 IS NULL OR epoch > ?4)";

/// What counts: a letter of an undecided epoch is not there yet, one that was taken out in it is still there.
const COUNTS: &str = "epoch NOT IN (SELECT epoch FROM jackfield_checkpoints WHERE undecided)
    AND (removed IS NULL OR removed IN (SELECT epoch FROM jackfield_checkpoints WHERE undecided))";

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
        "INSERT INTO jackfield_dead_letters (epoch, stage, port, code, message, record, key, timestamp, plugin, rejected_at,
             backtrace, state_version, state, state_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
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
            rejected_at,
            letter.backtrace,
            letter.state.as_ref().map(|entry| entry.version),
            letter.state.as_ref().map(|entry| &entry.value),
            letter.state.as_ref().map(|entry| entry.bytes.cast_signed()),
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
        "SELECT id, epoch, rejected_at, stage, port, code, message, record, key, timestamp, plugin,
             backtrace, state_version, state, state_bytes
         FROM jackfield_dead_letters WHERE {MEANT} AND {COUNTS} ORDER BY id LIMIT ?5"
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
            backtrace: row.get(11)?,
            state: state(row)?,
        },
    })
}

fn state(row: &Row<'_>) -> rusqlite::Result<Option<EntrySnapshot>> {
    let Some(version) = row.get(12)? else {
        return Ok(None);
    };
    Ok(Some(EntrySnapshot {
        version,
        value: row.get(13)?,
        bytes: row.get::<_, i64>(14)?.cast_unsigned(),
    }))
}

/// How many there are of each (stage, code), most first.
pub(super) fn counts(
    connection: &Connection,
    filter: &DeadLetterFilter,
) -> rusqlite::Result<Vec<(String, String, u64)>> {
    let select = format!(
        "SELECT stage, code, count(*) FROM jackfield_dead_letters WHERE {MEANT} AND {COUNTS}
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

/// Takes letters out of the queue in the epoch of that number; they are gone for good when it is settled.
pub(super) fn remove(connection: &Connection, ids: &[i64], epoch: u64) -> rusqlite::Result<()> {
    let mut mark = connection
        .prepare_cached("UPDATE jackfield_dead_letters SET removed = ?2 WHERE id = ?1")?;
    ids.iter()
        .try_for_each(|id| mark.execute([*id, epoch.cast_signed()]).map(drop))
}

/// Settles what the epoch of that number did to the queue.
pub(super) fn settle(connection: &Connection, epoch: u64, counts: bool) -> rusqlite::Result<()> {
    let statements = if counts {
        &["DELETE FROM jackfield_dead_letters WHERE removed = ?1"][..]
    } else {
        &[
            "UPDATE jackfield_dead_letters SET removed = NULL WHERE removed = ?1",
            "DELETE FROM jackfield_dead_letters WHERE epoch = ?1",
        ]
    };
    statements.iter().try_for_each(|statement| {
        connection
            .prepare_cached(statement)?
            .execute([epoch.cast_signed()])
            .map(drop)
    })
}
