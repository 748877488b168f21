//! What a job emits, for one client that waits for it, in the place of a sink: in order, from any offset that it has not
//! acknowledged yet.

use std::sync::Arc;

use bytes::Bytes;

use super::{JobError, Jobs};

/// A record that a job has emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Its number among those of the job and port, from 0 on.
    pub offset: u64,
    /// The record.
    pub record: Bytes,
}

impl Jobs {
    /// What a job has emitted to a port, from an offset on, `maximum` records at most. Waits until there is something; nothing
    /// means that the job has ended, and there is no more.
    ///
    /// A job that emits to such a port stands still while as many of its records as may be are not acknowledged: that is how
    /// a slow client holds it.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub async fn emitted(
        &self,
        id: &str,
        port: &str,
        from: u64,
        maximum: usize,
    ) -> Result<Vec<Emitted>, JobError> {
        let news = self.engine.store().news();
        loop {
            // Before the look: something may be written in between.
            let changed = news.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let (engine, id, port) = (Arc::clone(&self.engine), id.to_owned(), port.to_owned());
            let look = move || {
                // In this order: what a job emitted is there before it is over.
                let is_over = engine.view(&id)?.state.is_over();
                let records = engine.store().streamed(&id, &port, from, maximum)?;
                Ok::<_, JobError>((records, is_over))
            };
            let looked = tokio::task::spawn_blocking(look).await;
            let (records, is_over) = looked.unwrap_or(Err(JobError::Stopping))?;
            if !records.is_empty() || is_over {
                return Ok(records);
            }
            if self.engine.is_stopping() {
                return Err(JobError::Stopping);
            }
            changed.await;
        }
    }

    /// Everything that a job has emitted to a port below an offset has arrived: it need not be kept.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn acknowledge(&self, id: &str, port: &str, below: u64) -> Result<(), JobError> {
        self.engine.acknowledge(id, port, below)
    }

    /// The JSON Schema of a job's input, if its plugin describes one: the contract has no place for it yet.
    #[must_use]
    pub fn input_schema(&self, _job: &str) -> Option<serde_json::Value> {
        None
    }
}
