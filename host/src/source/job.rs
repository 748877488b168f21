//! What jobs have emitted to a port, as a source: rows of the jobs' own database, in the order of their commits, until a checkpoint is behind them.
//!
//! A job's step and the rows that it emits are one transaction there; the position up to which rows were read is part of the pipeline's checkpoint here. So
//! a record of a job is in the results once, whichever of the two is interrupted.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};

use super::{Opening, Partition, Read, ReadBatch, SourceError, Wake};
use crate::checkpoint::PartitionCheckpoint;
use crate::job::{JobStoreError, Outbox};
use crate::record::Batch;

/// Records of a batch at most.
const MOST: usize = 1024;

/// The one partition of a port.
const NAME: &str = "outbox";

/// A port of a job; or none, of which nothing comes.
struct Emitted {
    source_name: String,
    outbox: Option<Outbox>,
    /// Behind which row to go on.
    row: i64,
    /// Records that were read since it was opened.
    read: u64,
    /// What is told of with the next checkpoint that is committed.
    given: AtomicI64,
}

#[derive(Serialize, Deserialize)]
struct Position {
    /// The database that rows are counted in.
    store: String,
    row: i64,
}

pub(super) fn open(
    job: &str,
    port: Option<&str>,
    opening: Opening<'_>,
) -> Result<Vec<Box<dyn Partition>>, SourceError> {
    let outbox = opening
        .services
        .jobs()
        .zip(port)
        .map(|(store, port)| store.outbox(job, port));
    let row = match &outbox {
        Some(outbox) => restored(outbox, opening)?,
        None => 0,
    };
    Ok(vec![Box::new(Emitted {
        source_name: opening.name.to_owned(),
        outbox,
        row,
        read: 0,
        given: row.into(),
    })])
}

fn restored(outbox: &Outbox, opening: Opening<'_>) -> Result<i64, SourceError> {
    let known = |restored: &BTreeMap<String, PartitionCheckpoint>| {
        restored.get(NAME).map(|known| known.position.clone())
    };
    let Some(position) = opening.restored.and_then(known) else {
        return Ok(0);
    };
    let other = |found: String| SourceError::OtherJobs {
        source_name: opening.name.to_owned(),
        found,
    };
    let position = Position::deserialize(&position)
        .map_err(|error| other(format!("its position: {error}")))?;
    match position.store == outbox.identity() {
        true => Ok(position.row),
        false => Err(other(
            "it was made anew, and its rows are other records".to_owned(),
        )),
    }
}

impl Emitted {
    fn failed(&self, error: JobStoreError) -> SourceError {
        SourceError::Jobs {
            source_name: self.source_name.clone(),
            error: Box::new(error),
        }
    }
}

impl Partition for Emitted {
    fn name(&self) -> &str {
        NAME
    }

    /// There is no end: jobs may be started for as long as the host runs.
    fn read(&mut self, most: usize) -> Result<Read, SourceError> {
        let Some(outbox) = &self.outbox else {
            return Ok(Read::Nothing);
        };
        let rows = outbox.read(self.row, most.min(MOST));
        let rows = rows.map_err(|error| self.failed(error))?;
        let Some(last) = rows.last() else {
            return Ok(Read::Nothing);
        };
        self.row = last.position;
        self.read += rows.len() as u64;
        let mut batch = Batch::default();
        for row in &rows {
            batch.push(&row.record, None, row.at);
        }
        Ok(Read::Records(ReadBatch {
            output: 0,
            batch,
            refused: Vec::new(),
        }))
    }

    fn position(&self) -> serde_json::Value {
        self.given.store(self.row, Relaxed);
        let store = self.outbox.as_ref().map(Outbox::identity);
        serde_json::json!(Position {
            store: store.unwrap_or_default().to_owned(),
            row: self.row,
        })
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.read, None)
    }

    fn committed(&mut self) {
        if let Some(outbox) = &self.outbox {
            outbox.forget(self.given.load(Relaxed));
        }
    }

    fn wake_with(&mut self, wake: Wake) {
        if let Some(outbox) = &self.outbox {
            outbox.wake_with(wake);
        }
    }
}
