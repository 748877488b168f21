//! What a job emits, for one client that waits for it, in the place of a sink: in order, from any offset that it has not
//! acknowledged yet.

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
    #[expect(
        clippy::unused_async,
        reason = "it waits for the store, which is still to come"
    )]
    pub async fn emitted(
        &self,
        _id: &str,
        _port: &str,
        _from: u64,
        _maximum: usize,
    ) -> Result<Vec<Emitted>, JobError> {
        Err(JobError::Stopping)
    }

    /// Everything that a job has emitted to a port below an offset has arrived: it need not be kept.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn acknowledge(&self, _id: &str, _port: &str, _below: u64) -> Result<(), JobError> {
        Err(JobError::Stopping)
    }

    /// The JSON Schema of a job's input, if its plugin describes one.
    #[must_use]
    pub fn input_schema(&self, _job: &str) -> Option<serde_json::Value> {
        None
    }
}
