//! Epochs of a database: how they begin, end, and are settled or undone.

use rusqlite::{Connection, params};
use xxhash_rust::xxh3::xxh3_64;

use super::prepared::Unusable;
use super::{Sqlite, dead_letters, outbox, prepared, state};
use crate::checkpoint::backend::Backend;
use crate::checkpoint::state::Written;
use crate::checkpoint::{Checkpoint, Finality, StoreError};
use crate::pipeline::epoch::tenths_since_2020;
use crate::plugin::Changes;

/// How many checkpoints are remembered for `jackfield checkpoint list`; state is kept for the last one alone.
const HISTORY: u64 = 100;

impl Sqlite {
    /// The connection inside the transaction of the epoch that is under way.
    pub(in crate::checkpoint) fn transaction(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.is_autocommit() {
            self.connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| StoreError::of_sqlite(&self.path, error))?;
        }
        Ok(&self.connection)
    }

    fn complete(&self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|error| self.unusable(error))
    }

    pub(super) fn begin_claim(&mut self) -> Result<(u64, u64), StoreError> {
        self.undo()?;
        self.transaction()?;
        let claimed = self.write_claim();
        match claimed {
            Ok((epoch, origin)) => {
                self.complete()?;
                self.claimed = Some(epoch);
                Ok((epoch, origin))
            }
            Err(error) => {
                self.undo()?;
                Err(self.unusable(error))
            }
        }
    }

    fn write_claim(&self) -> rusqlite::Result<(u64, u64)> {
        // The epoch after the last checkpoint was under way without a claim: it is spent too.
        let (claimed, committed): (Option<i64>, Option<i64>) = self.connection.query_row(
            "SELECT (SELECT max(claimed) FROM jackfield_epochs), (SELECT max(epoch) FROM jackfield_checkpoints)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let next = claimed.map_or(1, |claimed| claimed + 1);
        let epoch = next.max(committed.map_or(1, |committed| committed + 2));
        let changed = self
            .connection
            .execute("UPDATE jackfield_epochs SET claimed = ?1", [epoch])?;
        if changed == 0 {
            let origin = tenths_since_2020().cast_signed();
            self.connection.execute(
                "INSERT INTO jackfield_epochs (claimed, origin) VALUES (?1, ?2)",
                [epoch, origin],
            )?;
        }
        let origin: i64 =
            self.connection
                .query_row("SELECT origin FROM jackfield_epochs", [], |row| row.get(0))?;
        Ok((epoch.cast_unsigned(), origin.cast_unsigned()))
    }

    /// The lock keeps others away where the operating system is asked for it on one machine; a folder on a network may not know of it.
    fn check_claim(&self, epoch: u64) -> Result<(), StoreError> {
        let found: Option<i64> = self
            .connection
            .query_row("SELECT max(claimed) FROM jackfield_epochs", [], |row| {
                row.get(0)
            })
            .map_err(|error| self.unusable(error))?;
        if self.claimed.is_some() && found.map(i64::cast_unsigned) == self.claimed {
            return Ok(());
        }
        Err(StoreError::Fenced {
            place: self.place(),
            epoch,
            by: "another process".to_owned(),
        })
    }

    pub(super) fn end_epoch(
        &mut self,
        checkpoint: &Checkpoint,
        changes: &[(String, u32, Changes)],
        finality: Finality,
    ) -> Result<(), StoreError> {
        self.transaction()?;
        self.check_claim(checkpoint.epoch)?;
        write(
            &self.connection,
            checkpoint,
            changes,
            &self.removed,
            finality,
        )
        .map_err(|error| self.unusable(error))?;
        self.complete()?;
        self.removed.clear();
        self.settled = None;
        self.undecided = (finality == Finality::Undecided).then_some(checkpoint.epoch);
        Ok(())
    }

    pub(super) fn settle_undecided(&mut self, counts: bool) -> Result<(), StoreError> {
        let Some(epoch) = self.undecided else {
            return Ok(());
        };
        self.transaction()?;
        settle(&self.connection, epoch, counts).map_err(|unusable| match unusable {
            Unusable::Sqlite(error) => self.unusable(error),
            Unusable::Damaged(found) => self.damaged(found),
        })?;
        self.undecided = None;
        self.settled = Some((epoch, counts));
        Ok(())
    }

    pub(super) fn undo(&mut self) -> Result<(), StoreError> {
        self.removed.clear();
        if !self.connection.is_autocommit() {
            self.connection
                .execute_batch("ROLLBACK")
                .map_err(|error| self.unusable(error))?;
        }
        if let Some((epoch, _)) = self.settled.take() {
            self.undecided = Some(epoch);
        }
        Ok(())
    }
}

fn write(
    connection: &Connection,
    checkpoint: &Checkpoint,
    changes: &[(String, u32, Changes)],
    removed: &[i64],
    finality: Finality,
) -> rusqlite::Result<()> {
    let epoch = checkpoint.epoch;
    dead_letters::remove(connection, removed, epoch)?;
    let written = match finality {
        Finality::Undecided => prepared::write(connection, epoch, changes)?,
        Finality::Certain => {
            dead_letters::settle(connection, epoch, true)?;
            outbox::settle(connection, epoch, true)?;
            let mut written = Written::default();
            for (stage, version, changes) in changes {
                written += state::write(connection, stage, *version, changes)?;
            }
            written
        }
    };
    let body = serde_json::to_string(checkpoint)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let checksum = xxh3_64(body.as_bytes()).cast_signed();
    connection.execute(
        "INSERT INTO jackfield_checkpoints (epoch, undecided, body, entries_changed, state_bytes_changed, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            epoch.cast_signed(),
            finality == Finality::Undecided,
            body,
            written.entries.cast_signed(),
            written.bytes.cast_signed(),
            checksum
        ],
    )?;
    // By count and not by number: epochs have gaps, and the last checkpoint that counts must stay.
    connection
        .execute(
            "DELETE FROM jackfield_checkpoints WHERE epoch <=
             (SELECT epoch FROM jackfield_checkpoints ORDER BY epoch DESC LIMIT 1 OFFSET ?1)",
            [HISTORY.cast_signed()],
        )
        .map(drop)
}

fn settle(connection: &Connection, epoch: u64, counts: bool) -> Result<(), Unusable> {
    let number = epoch.cast_signed();
    if counts {
        prepared::apply(connection, epoch)?;
        connection.execute(
            "UPDATE jackfield_checkpoints SET undecided = 0 WHERE epoch = ?1",
            [number],
        )?;
    } else {
        connection.execute(
            "DELETE FROM jackfield_checkpoints WHERE epoch = ?1",
            [number],
        )?;
    }
    prepared::remove(connection, epoch)?;
    outbox::settle(connection, epoch, counts)?;
    Ok(dead_letters::settle(connection, epoch, counts)?)
}
