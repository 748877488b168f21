//! The host's tables, and whether a database has them.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::checkpoint::StoreError;

/// Marks the file as ours in SQLite's header ("JFLD").
const APPLICATION_ID: i32 = 0x4a46_4c44;

/// The version of the tables below.
const FORMAT: i32 = 4;

/// The version before, which is brought up to date when the pipeline is run. It knew nothing of what a plugin met when it failed on a record.
const FORMER: i32 = 3;

const FROM_FORMER: &str = "
ALTER TABLE jackfield_dead_letters ADD COLUMN backtrace TEXT;
ALTER TABLE jackfield_dead_letters ADD COLUMN state_version INTEGER;
ALTER TABLE jackfield_dead_letters ADD COLUMN state BLOB;
ALTER TABLE jackfield_dead_letters ADD COLUMN state_bytes INTEGER;
";

const TABLES: &str = "
CREATE TABLE jackfield_pipeline (name TEXT NOT NULL);
CREATE TABLE jackfield_epochs (claimed INTEGER NOT NULL, origin INTEGER NOT NULL);
CREATE TABLE jackfield_checkpoints (
    epoch INTEGER PRIMARY KEY,
    undecided INTEGER NOT NULL,
    body TEXT NOT NULL,
    entries_changed INTEGER NOT NULL,
    state_bytes_changed INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE jackfield_state (
    stage TEXT NOT NULL,
    key_group INTEGER NOT NULL,
    key BLOB NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (stage, key_group, key)
) WITHOUT ROWID;
CREATE TABLE jackfield_prepared (
    epoch INTEGER NOT NULL,
    part INTEGER NOT NULL,
    stage TEXT NOT NULL,
    changes BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (epoch, part)
) WITHOUT ROWID;
CREATE TABLE jackfield_dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch INTEGER NOT NULL,
    stage TEXT NOT NULL,
    port TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    record BLOB NOT NULL,
    key BLOB,
    timestamp INTEGER,
    plugin TEXT NOT NULL,
    rejected_at INTEGER NOT NULL,
    removed INTEGER,
    backtrace TEXT,
    state_version INTEGER,
    state BLOB,
    state_bytes INTEGER
);
CREATE TABLE jackfield_owed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    record BLOB NOT NULL,
    key BLOB,
    timestamp INTEGER,
    removed INTEGER
);
CREATE INDEX jackfield_owed_by_sink ON jackfield_owed (sink, id);
CREATE INDEX jackfield_owed_by_epoch ON jackfield_owed (epoch);
CREATE INDEX jackfield_owed_by_removal ON jackfield_owed (removed) WHERE removed IS NOT NULL;
CREATE INDEX jackfield_dead_letters_by_code ON jackfield_dead_letters (stage, code);
CREATE INDEX jackfield_dead_letters_by_epoch ON jackfield_dead_letters (epoch);
CREATE INDEX jackfield_dead_letters_by_removal ON jackfield_dead_letters (removed) WHERE removed IS NOT NULL;
";

/// Makes the tables in an empty database, if the caller may write; checks them in one that is not. `owner` is the pipeline, with its task if it has several.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    owner: &str,
    may_write: bool,
) -> Result<(), StoreError> {
    let unusable = |error| StoreError::of_sqlite(path, error);
    let id: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(unusable)?;
    let version: i32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(unusable)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(unusable)?;
    if id == 0 && tables == 0 && !may_write {
        return Err(StoreError::Missing {
            place: path.display().to_string(),
        });
    }
    if id == 0 && tables == 0 {
        return create(connection, owner).map_err(unusable);
    }
    let foreign = |found: String| StoreError::Foreign {
        place: path.display().to_string(),
        found,
    };
    if id != APPLICATION_ID {
        return Err(foreign("it is a database of another program".to_owned()));
    }
    if version == FORMER && !may_write {
        return Err(foreign(format!(
            "it has format {version}, which becomes {FORMAT} when this host runs the pipeline for the first time"
        )));
    }
    if version != FORMAT && version != FORMER {
        return Err(foreign(format!(
            "it has format {version}, this host reads and writes format {FORMAT}"
        )));
    }
    let found: Option<String> = connection
        .query_row("SELECT name FROM jackfield_pipeline", [], |row| row.get(0))
        .optional()
        .map_err(unusable)?;
    match found {
        Some(found) if found == owner && version == FORMER => {
            bring_up_to_date(connection).map_err(unusable)
        }
        Some(found) if found == owner => Ok(()),
        Some(found) => Err(foreign(format!(
            "it belongs to the pipeline `{found}`, not to `{owner}`"
        ))),
        None => Err(foreign("it names no pipeline".to_owned())),
    }
}

fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(FROM_FORMER)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

fn create(connection: &mut Connection, owner: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO jackfield_pipeline (name) VALUES (?1)", [owner])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
