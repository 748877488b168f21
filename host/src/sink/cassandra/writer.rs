//! Writes under way: as many as the manifest allows, each until it is acknowledged.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scylla::client::session::Session;
use scylla::statement::Consistency as Level;
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::error::TableError;
use super::row::{Layout, Row};
use super::table;
use crate::config::{self, Consistency};
use crate::connection::cassandra::{CassandraError, Cluster};
use crate::sink::SinkError;
use crate::sink::patience::Patience;

/// What a batch of a hundred rows counts for among the requests under way. Single rows take a node as long each as a hundred of one partition together, so that
/// many of them have to be under way at once and few batches: more only makes each wait longer.
const WEIGHT_OF_HUNDRED: usize = 16;

/// For how long a table that several processes make at once may be another than it was a moment ago.
const SETTLING: Duration = Duration::from_secs(3);

/// Writes to a table.
pub(super) struct Writer {
    runtime: Handle,
    table: Arc<TableAtWork>,
    /// By number of rows: a batch of that many.
    batches: HashMap<usize, Arc<Batch>>,
    under_way: JoinSet<Result<usize, SinkError>>,
    /// What is under way counts for so much.
    weight: usize,
    maximum_weight: usize,
}

/// What all writes have in common.
struct TableAtWork {
    connection: String,
    name: String,
    session: Arc<Session>,
    insert: PreparedStatement,
    layout: Arc<Layout>,
    patience: Arc<Patience>,
}

impl Writer {
    /// Connects and looks at the table.
    pub(super) async fn open(
        runtime: Handle,
        cluster: &Cluster,
        options: &config::CassandraSink,
        patience: &Arc<Patience>,
    ) -> Result<Self, SinkError> {
        let session = patience.insist(|| cluster.session()).await?;
        let begun = Instant::now();
        let (layout, mut insert) = loop {
            match prepare(cluster, &session, options, patience).await {
                Err(error @ (SinkError::Cassandra(_) | SinkError::CassandraTable(_)))
                    if options.creation.is_some() && begun.elapsed() < SETTLING =>
                {
                    // Another process may be making the same table: its statements and ours cross, or it is seen half made.
                    tracing::debug!(%error, "once more");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                prepared => break prepared?,
            }
        };
        insert.set_is_idempotent(true);
        insert.set_consistency(level(options.consistency));
        let table = TableAtWork {
            connection: cluster.name().to_owned(),
            name: table::name(options),
            session,
            insert,
            layout: Arc::new(layout),
            patience: Arc::clone(patience),
        };
        Ok(Self {
            runtime,
            table: Arc::new(table),
            batches: HashMap::new(),
            under_way: JoinSet::new(),
            weight: 0,
            maximum_weight: options.maximum_requests_in_flight.into(),
        })
    }

    pub(super) fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.table.layout)
    }

    /// Sends rows of one partition. Waits while too much is under way.
    pub(super) fn send(&mut self, rows: Vec<Row>) -> Result<(), SinkError> {
        while let Some(ended) = self.under_way.try_join_next() {
            self.weight -= outcome(ended)?;
        }
        let weight = weight(rows.len());
        while self.weight > 0 && self.weight + weight > self.maximum_weight {
            self.wait()?;
        }
        self.weight += weight;
        let (table, batch) = (Arc::clone(&self.table), self.batch(rows.len()));
        let write = async move {
            table.write(batch.as_deref(), &rows).await?;
            Ok(weight)
        };
        self.under_way.spawn_on(write, &self.runtime);
        Ok(())
    }

    /// Waits until everything that was sent is acknowledged.
    pub(super) fn settle(&mut self) -> Result<(), SinkError> {
        while self.weight > 0 {
            self.wait()?;
        }
        Ok(())
    }

    /// Waits until one of the writes under way has ended.
    fn wait(&mut self) -> Result<(), SinkError> {
        if let Some(ended) = self.runtime.block_on(self.under_way.join_next()) {
            self.weight -= outcome(ended)?;
        }
        Ok(())
    }

    /// What so many rows are sent as; a single one is no batch.
    fn batch(&mut self, rows: usize) -> Option<Arc<Batch>> {
        if rows == 1 {
            return None;
        }
        let insert = &self.table.insert;
        let batch = self.batches.entry(rows).or_insert_with(|| {
            let statements = vec![BatchStatement::PreparedStatement(insert.clone()); rows];
            let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
            batch.set_is_idempotent(true);
            if let Some(level) = insert.get_consistency() {
                batch.set_consistency(level);
            }
            Arc::new(batch)
        });
        Some(Arc::clone(batch))
    }
}

impl Drop for Writer {
    /// What an attempt that is over has under way ends with it, and says nothing into the next.
    fn drop(&mut self) {
        self.runtime.block_on(self.under_way.shutdown());
    }
}

impl TableAtWork {
    async fn write(&self, batch: Option<&Batch>, rows: &[Row]) -> Result<(), SinkError> {
        let Some(batch) = batch else {
            return self.write_each(rows).await;
        };
        let written = || async {
            let written = self.session.batch(batch, rows).await;
            written
                .map(drop)
                .map_err(|error| CassandraError::requesting(&self.connection, &error))
        };
        match self.patience.insist(written).await {
            // Which row it is shows when they come one by one.
            Err(SinkError::Cassandra(CassandraError::Refused { .. })) => {
                self.write_each(rows).await
            }
            other => other,
        }
    }

    async fn write_each(&self, rows: &[Row]) -> Result<(), SinkError> {
        for row in rows {
            let written = || async {
                let written = self.session.execute_unpaged(&self.insert, row).await;
                written
                    .map(drop)
                    .map_err(|error| CassandraError::requesting(&self.connection, &error))
            };
            self.patience
                .insist(written)
                .await
                .map_err(|error| match error {
                    SinkError::Cassandra(CassandraError::Refused { reason, .. }) => {
                        TableError::Refused {
                            table: self.name.clone(),
                            row: self.layout.describe(row),
                            reason,
                        }
                        .into()
                    }
                    other => other,
                })?;
        }
        Ok(())
    }
}

/// Looks at the table, makes it if it is missing and is to be, and prepares the statement that writes to it.
async fn prepare(
    cluster: &Cluster,
    session: &Session,
    options: &config::CassandraSink,
    patience: &Patience,
) -> Result<(Layout, PreparedStatement), SinkError> {
    let layout = table::open(cluster, session, options, patience).await?;
    let statement = table::insert_statement(options);
    let prepare = || async {
        let prepared = session.prepare(statement.as_str()).await;
        prepared.map_err(|error| CassandraError::preparing(cluster.name(), &error))
    };
    Ok((layout, patience.insist(prepare).await?))
}

fn weight(rows: usize) -> usize {
    1 + rows * (WEIGHT_OF_HUNDRED - 1) / 100
}

fn outcome(
    ended: Result<Result<usize, SinkError>, tokio::task::JoinError>,
) -> Result<usize, SinkError> {
    match ended {
        Ok(outcome) => outcome,
        // A panic goes on in the sink's thread, which knows what to say of it.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(SinkError::Halted),
    }
}

fn level(consistency: Consistency) -> Level {
    match consistency {
        Consistency::One => Level::One,
        Consistency::Two => Level::Two,
        Consistency::Three => Level::Three,
        Consistency::Quorum => Level::Quorum,
        Consistency::All => Level::All,
        Consistency::LocalOne => Level::LocalOne,
        Consistency::LocalQuorum => Level::LocalQuorum,
        Consistency::EachQuorum => Level::EachQuorum,
    }
}
