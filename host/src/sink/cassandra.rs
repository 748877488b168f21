//! Tables of Cassandra. Rows are upserted with write timestamps by which a later epoch always wins.
//!
//! Nothing is undone on recovery: what was written since the last checkpoint is written again, the same rows under greater timestamps. An upsert names all columns,
//! so that a row is always one record's: a field that is `null` empties its cell, and a record that lacks a field does not fit.
//!
//! Write timestamps are far above the time of day, which other writers have: a row of this sink can only be changed or deleted by hand `USING TIMESTAMP` with a
//! greater one, which `SELECT writetime(COLUMN)` tells.
//!
//! Rows of one partition are gathered and sent as one batch; a checkpoint waits until the cluster has acknowledged them all. The first look at the cluster is
//! taken by the sink's own thread, which may wait for it as long as it must without anybody being kept from stopping the pipeline.

mod cell;
mod error;
mod fields;
mod gathered;
mod row;
mod table;
mod timestamps;
mod writer;

use std::sync::Arc;
use std::time::Instant;

pub use error::TableError;
use gathered::Gathered;
use row::Layout;
use timestamps::Timestamps;
use writer::Writer;

use super::patience::Patience;
use super::{Misfit, Opening, Sink, SinkError};
use crate::config;
use crate::connection::Services;
use crate::connection::cassandra::{CassandraError, Cluster};
use crate::pipeline::epoch::MAXIMUM_SEQUENCE;
use crate::record::Batch;

/// A table.
pub(super) struct CassandraSink {
    options: config::CassandraSink,
    cluster: Arc<Cluster>,
    patience: Arc<Patience>,
    timestamps: Timestamps,
    gathered: Gathered,
    opened: Option<(Arc<Layout>, Writer)>,
    /// The last field, so that the runtime lives for as long as what works on it.
    services: Services,
}

impl CassandraSink {
    pub(super) fn open(
        options: &config::CassandraSink,
        opening: Opening<'_>,
    ) -> Result<Self, SinkError> {
        let cluster = opening
            .services
            .cassandra(&options.connection)
            .ok_or_else(|| {
                // The manifest's checks leave no way here.
                CassandraError::Refused {
                    connection: options.connection.value.clone(),
                    reason: "there is no such connection".to_owned(),
                }
            })?;
        Ok(Self {
            options: options.clone(),
            cluster: Arc::clone(cluster),
            patience: Arc::new(Patience::new(opening.name, opening.waits, opening.halt)),
            timestamps: Timestamps::new(opening.epoch),
            gathered: Gathered::new(options.maximum_batch_rows.into(), options.flush_interval),
            opened: None,
            services: opening.services.clone(),
        })
    }

    fn opened(&mut self) -> Result<&mut (Arc<Layout>, Writer), SinkError> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => {
                let runtime = self.services.runtime();
                let open = Writer::open(
                    runtime.clone(),
                    &self.cluster,
                    &self.options,
                    &self.patience,
                );
                let writer = runtime.block_on(open)?;
                (writer.layout(), writer)
            }
        };
        Ok(self.opened.insert(opened))
    }

    fn timestamp(&mut self) -> Result<i64, SinkError> {
        let timestamp = self
            .timestamps
            .next()
            .ok_or_else(|| TableError::Timestamps {
                table: table::name(&self.options),
                most: MAXIMUM_SEQUENCE,
            })?;
        Ok(timestamp)
    }
}

impl Sink for CassandraSink {
    fn write(&mut self, _from: usize, batch: &Batch) -> Result<Vec<Misfit>, SinkError> {
        let layout = Arc::clone(&self.opened()?.0);
        let mut misfits = Vec::new();
        for (index, record) in batch.values.iter().enumerate() {
            let timestamp = self.timestamp()?;
            match layout.row(record, timestamp) {
                Ok((partition, row)) => {
                    if let Some(rows) = self.gathered.push(partition, row) {
                        self.opened()?.1.send(rows)?;
                    }
                    if self.gathered.is_full() {
                        self.flush()?;
                    }
                }
                Err(message) => misfits.push(Misfit { index, message }),
            }
        }
        Ok(misfits)
    }

    /// Before the cluster has been looked at that is due at once.
    fn flush_at(&self) -> Option<Instant> {
        match self.opened {
            Some(_) => self.gathered.due(),
            None => Some(Instant::now()),
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let gathered = self.gathered.take();
        let (_, writer) = self.opened()?;
        for rows in gathered {
            writer.send(rows)?;
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<serde_json::Value, SinkError> {
        self.flush()?;
        self.opened()?.1.settle()?;
        Ok(serde_json::Value::Null)
    }
}
