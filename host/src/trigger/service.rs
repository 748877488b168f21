//! What triggers need of jobs.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value as Json;

use super::job::JobView;

/// Jobs as triggers see them: something that inputs are handed to, and that can be asked what became of them.
pub trait JobService: Send + Sync + 'static {
    /// Checks an input and makes a job of it, which is durable when this returns.
    fn submit(&self, submission: Submission) -> BoxFuture<'_, Result<Submitted, SubmitError>>;

    /// Waits until a job has ended; at once if there is no such job.
    fn ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), Unavailable>>;

    /// How a job fares; `None` if there is no such job, or no longer.
    fn view<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<JobView>, Unavailable>>;

    /// Ends a job, if it has not ended yet.
    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), Unavailable>>;

    /// Hands a callback to the job that expects it; it is durable when this returns.
    fn call_back(&self, callback: Callback) -> BoxFuture<'_, Result<Reception, Unavailable>>;

    /// What a job has emitted to a port that has not been acknowledged, from an offset on, `maximum` records at most. Waits
    /// until there is something; nothing means that the job has ended, and there is no more.
    fn emitted<'a>(
        &'a self,
        id: &'a str,
        port: &'a str,
        from: u64,
        maximum: usize,
    ) -> BoxFuture<'a, Result<Vec<Emitted>, Unavailable>>;

    /// Everything that a job has emitted to a port below an offset has arrived: it need not be kept.
    fn acknowledge<'a>(
        &'a self,
        id: &'a str,
        port: &'a str,
        below: u64,
    ) -> BoxFuture<'a, Result<(), Unavailable>>;

    /// The JSON Schema of a job's input, if its plugin describes one.
    fn input_schema(&self, job: &str) -> Option<Json>;
}

/// An input for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The job, by its name in the manifest.
    pub job: String,
    /// The input.
    pub input: Bytes,
    /// What makes a repeated submission the same job.
    pub idempotency_key: Option<String>,
}

/// A job that there is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// By what it is asked for.
    pub id: String,
    /// Whether it was there already, by its idempotency key.
    pub repeated: bool,
}

/// Why there is no job.
#[derive(Clone, Debug, PartialEq)]
pub enum SubmitError {
    /// The input is wrong; everything that is.
    Invalid(Vec<InputProblem>),
    /// There was a job by this key, of another input.
    Conflict,
    /// There is no room for another job now.
    Busy {
        /// After what time there may be.
        retry_after: Option<Duration>,
    },
    /// It cannot be kept: the reason is for the log.
    Unavailable(String),
}

/// Something that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputProblem {
    /// Where in the input, as in `schedule.columns[2]`; empty for the input as a whole.
    pub field: String,
    /// Short, stable and for machines.
    pub code: String,
    /// For people.
    pub message: String,
    /// What was found there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// What may stand there, if that is one of a few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// Somebody outside calls a job back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The trigger that it came by.
    pub trigger: String,
    /// What tells it from the callbacks of other jobs.
    pub correlation: String,
    /// What tells it from the same callback delivered once more.
    pub delivery: String,
    /// What the job is given.
    pub payload: Bytes,
}

/// What became of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// The job will get it.
    Accepted,
    /// The job has it already.
    Repeated,
    /// No job expects it.
    Unknown,
}

/// A record that a job has emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Its number among those of the job and port, from 0 on.
    pub offset: u64,
    /// The record.
    pub record: Bytes,
}

/// Jobs cannot be asked at the moment; the reason is for the log, not for callers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("jobs cannot be reached: {0}")]
pub struct Unavailable(pub String);
