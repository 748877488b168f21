//! Jobs: work that takes long and survives whatever happens to the host.
//!
//! A job is straight-line code in a sandbox that asks for *steps*: requests, sleeps, callbacks. Each step's answer is decided once and kept in a journal; after a crash,
//! and after every long wait, the code is run again from the beginning (or its last savepoint), is answered from the journal, and goes on where that ends. A job that waits
//! is rows in a database and nothing else.
//!
//! What happens to a job is decided by a pure machine (`machine`), kept by a store (`store`), and done by an engine (`engine`) that drives instances on a bounded number of
//! threads. Requests leave through a [`Transport`]; records that a job emits are an outbox of the store, which the pipeline reads as a source. Triggers and commands
//! hold a [`Jobs`].

pub mod call;
mod emitted;
pub mod journal;
pub mod machine;
pub mod transport;
pub mod view;

use std::time::Duration;

pub use call::{Method, Received, Request, RequestFailure, RequestFailureKind, Response, Time};
pub use emitted::Emitted;
pub use journal::{Failure, Outcome};
pub use machine::Reception;
pub use transport::{AfterCrash, Transport};
pub use view::{State, View};

use crate::error::Code;

/// The jobs of a pipeline that this process runs. Cloning shares them.
///
/// All methods but [`outcome`](Self::outcome) block: for a commit to disk, and `submit` for a call of the plugin too. Within an asynchronous runtime they belong
/// into `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Jobs {}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its identifier: to be shown to whoever submitted it, and not to be guessed by others.
    pub id: String,
    /// Whether there was a job with this idempotency key already: this is that one.
    pub repeated: bool,
}

/// Something that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where in the input, as in `schedule.columns[2]`; empty for the input as a whole.
    pub field: String,
    /// For machines, in kebab case.
    pub code: String,
    /// For people.
    pub message: String,
    /// What was found there, in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What may stand there, if that is one of a few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// Why no job was made.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The plugin refuses the input: everything that is wrong with it.
    #[error("the input is refused: {} problems", .0.len())]
    Invalid(Vec<Problem>),
    /// The pipeline has no such job.
    #[error("there is no job `{0}`")]
    UnknownJob(String),
    /// There was a job with this idempotency key, and another input.
    #[error("the idempotency key was used before, for another input: it is that of the job {id}")]
    OtherInput {
        /// That job.
        id: String,
    },
    /// As many are unfinished as may be.
    #[error("{unfinished} jobs of `{job}` are not finished, as many as there may be")]
    Busy {
        /// The job of the manifest.
        job: String,
        /// How many.
        unfinished: u64,
    },
    /// It cannot be done here and now.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// What has become of the jobs cannot be said or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JobError {
    /// The host is stopping: it takes nothing more.
    #[error("the host is stopping")]
    Stopping,
    /// There is no such job (any more).
    #[error("there is no job {0}")]
    Unknown(String),
    /// It cannot be retried: it is under way, or has succeeded.
    #[error("the job {id} cannot be retried: it is {state}")]
    NotRetryable {
        /// The job.
        id: String,
        /// Where it stands.
        state: String,
    },
}

impl JobError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::NOT_FOUND
    }
}

impl Jobs {
    /// Makes a job of an input, durably. With an idempotency key it is the job that was made with this key before, if it is kept still.
    ///
    /// # Errors
    /// [`SubmitError`] where none was made.
    pub fn submit(
        &self,
        _job: &str,
        _input: &[u8],
        _idempotency_key: Option<&str>,
    ) -> Result<Submission, SubmitError> {
        Err(JobError::Stopping.into())
    }

    /// Waits until a job has ended, for as long as is said. What it gives is where it stands then.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub async fn outcome(&self, _id: &str, _within: Duration) -> Result<View, JobError> {
        Err(JobError::Stopping)
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn view(&self, _id: &str) -> Result<View, JobError> {
        Err(JobError::Stopping)
    }

    /// Ends a job, wherever it stands; nothing happens to one that is over.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn cancel(&self, _id: &str) -> Result<View, JobError> {
        Err(JobError::Stopping)
    }

    /// Lets a job go on that failed, was cancelled, or is in doubt about a request.
    ///
    /// # Errors
    /// [`JobError::NotRetryable`] where it did not, [`JobError::Unknown`] where there is no such job.
    pub fn retry(&self, _id: &str) -> Result<View, JobError> {
        Err(JobError::Stopping)
    }

    /// Hands a callback to the job that expects it; it is durable when this returns. `delivery` is what tells one callback from the next: the sender's
    /// identifier, or a digest where there is none.
    ///
    /// # Errors
    /// [`JobError`] where it cannot be kept: the sender is to try again.
    pub fn call_back(
        &self,
        _trigger: &str,
        _correlation: &str,
        _delivery: &str,
        _payload: &[u8],
    ) -> Result<Reception, JobError> {
        Err(JobError::Stopping)
    }
}
