//! What triggers need of jobs.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use crate::job::journal::Callback;
use crate::job::{Emitted, JobError, Jobs, Reception, Submission, SubmitError, View};

/// Jobs as triggers see them: something that inputs are handed to, and that can be asked what became of them.
///
/// [`Jobs`] is one; tests have another.
pub trait JobService: Send + Sync + 'static {
    /// As [`Jobs::submit`].
    fn submit(
        &self,
        job: String,
        input: Bytes,
        idempotency_key: Option<String>,
    ) -> BoxFuture<'_, Result<Submission, SubmitError>>;

    /// As [`Jobs::outcome`].
    fn outcome(&self, id: String, within: Duration) -> BoxFuture<'_, Result<View, JobError>>;

    /// As [`Jobs::view`].
    fn view(&self, id: String) -> BoxFuture<'_, Result<View, JobError>>;

    /// As [`Jobs::cancel`].
    fn cancel(&self, id: String) -> BoxFuture<'_, Result<View, JobError>>;

    /// As [`Jobs::call_back`].
    fn call_back(&self, callback: Callback) -> BoxFuture<'_, Result<Reception, JobError>>;

    /// As [`Jobs::emitted`].
    fn emitted(
        &self,
        id: String,
        port: String,
        from: u64,
        maximum: usize,
    ) -> BoxFuture<'_, Result<Vec<Emitted>, JobError>>;

    /// As [`Jobs::acknowledge`].
    fn acknowledge(
        &self,
        id: String,
        port: String,
        below: u64,
    ) -> BoxFuture<'_, Result<(), JobError>>;

    /// The JSON Schema of a job's input, if its plugin describes one.
    fn input_schema(&self, job: &str) -> Option<Json>;
}

impl JobService for Jobs {
    fn submit(
        &self,
        job: String,
        input: Bytes,
        idempotency_key: Option<String>,
    ) -> BoxFuture<'_, Result<Submission, SubmitError>> {
        let jobs = self.clone();
        Box::pin(async move {
            let submit = move || jobs.submit(&job, &input, idempotency_key.as_deref());
            blocking(submit, || JobError::Stopping.into()).await
        })
    }

    fn outcome(&self, id: String, within: Duration) -> BoxFuture<'_, Result<View, JobError>> {
        Box::pin(async move { Self::outcome(self, &id, within).await })
    }

    fn view(&self, id: String) -> BoxFuture<'_, Result<View, JobError>> {
        let jobs = self.clone();
        Box::pin(blocking(move || jobs.view(&id), || JobError::Stopping))
    }

    fn cancel(&self, id: String) -> BoxFuture<'_, Result<View, JobError>> {
        let jobs = self.clone();
        Box::pin(blocking(move || jobs.cancel(&id), || JobError::Stopping))
    }

    fn call_back(&self, callback: Callback) -> BoxFuture<'_, Result<Reception, JobError>> {
        let jobs = self.clone();
        let call_back = move || {
            let Callback {
                trigger,
                correlation,
                delivery,
                payload,
            } = callback;
            jobs.call_back(&trigger, &correlation, &delivery, &payload)
        };
        Box::pin(blocking(call_back, || JobError::Stopping))
    }

    fn emitted(
        &self,
        id: String,
        port: String,
        from: u64,
        maximum: usize,
    ) -> BoxFuture<'_, Result<Vec<Emitted>, JobError>> {
        Box::pin(async move { Self::emitted(self, &id, &port, from, maximum).await })
    }

    fn acknowledge(
        &self,
        id: String,
        port: String,
        below: u64,
    ) -> BoxFuture<'_, Result<(), JobError>> {
        let jobs = self.clone();
        let acknowledge = move || jobs.acknowledge(&id, &port, below);
        Box::pin(blocking(acknowledge, || JobError::Stopping))
    }

    fn input_schema(&self, job: &str) -> Option<Json> {
        Self::input_schema(self, job)
    }
}

/// Does what waits for a disk on a thread that may wait. One that breaks off does so as the runtime ends.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
    stopped: impl FnOnce() -> E,
) -> Result<T, E> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(stopped()))
}
