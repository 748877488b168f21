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
pub mod engine;
pub mod journal;
pub mod machine;
mod report;
pub mod store;
pub mod transport;
pub mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use call::{Method, Received, Request, RequestFailure, RequestFailureKind, Response, Time};
pub use emitted::Emitted;
pub use engine::{Definition, Engine, Migrated};
pub use journal::{Failure, Outcome};
pub use machine::Reception;
pub use report::{FailureReport, Report};
pub use store::{Filter, JobStore, JobStoreError, Outbox, Step};
pub use transport::{AfterCrash, Transport};
pub use view::{State, View};

use crate::error::Code;
use crate::plugin;
use journal::Callback;

/// The jobs of a pipeline that this process runs. Cloning shares them.
///
/// All methods but [`outcome`](Self::outcome) block: for a commit to disk, and `submit` for a call of the plugin too. Within an asynchronous runtime they belong
/// into `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Jobs {
    engine: Arc<Engine>,
}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its identifier: to be shown to whoever submitted it, and not to be guessed by others.
    pub id: String,
    /// Whether there was a job with this idempotency key already: this is that one.
    pub repeated: bool,
}

/// Something that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// Why no job was made.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The plugin refuses the input: everything that is wrong with it.
    #[error("the input is refused for {} reasons", .0.len())]
    Invalid(Vec<Problem>),
    /// The pipeline has no such job.
    #[error("the pipeline has no job `{0}`")]
    UnknownJob(String),
    /// There was a job with this idempotency key, and another input.
    #[error("the idempotency key was used before, for another input, by the job {id}")]
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
    /// The plugin failed as it looked at the input.
    #[error("the plugin {failure}")]
    Plugin {
        /// What it did.
        failure: Box<plugin::Failure>,
    },
    /// It cannot be done here and now.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// What has become of jobs cannot be said or written.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The host is stopping: it takes nothing more.
    #[error("the host is stopping")]
    Stopping,
    /// There is no such job (any more).
    #[error("there is no job {0}")]
    Unknown(String),
    /// It is of a job that the manifest does not have.
    #[error("the manifest has no job `{0}` any more")]
    Undefined(String),
    /// The version of its definition that it goes on under is not here.
    #[error(
        "the job {id} of `{job}` goes on under version {version:.12}, which the host has not got"
    )]
    VersionAbsent {
        /// The job.
        id: String,
        /// The job of the manifest.
        job: String,
        /// Its version.
        version: String,
    },
    /// It cannot be retried: it is under way, or has succeeded.
    #[error("the job {id} is {state}: only one that failed, was cancelled or asks can be retried")]
    NotRetryable {
        /// The job.
        id: String,
        /// Where it stands.
        state: String,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] JobStoreError),
    /// The machine lacks something.
    #[error("{0}")]
    Host(String),
}

impl SubmitError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::JOB_INPUT,
            Self::UnknownJob(_) => Code::NOT_FOUND,
            Self::OtherInput { .. } => Code::JOB_KEY,
            Self::Busy { .. } => Code::JOB_BUSY,
            Self::Plugin { failure } => failure.code(),
            Self::Job(error) => error.code(),
        }
    }
}

impl JobError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Stopping => Code::JOBS_STOPPING,
            Self::Unknown(_) | Self::Undefined(_) => Code::NOT_FOUND,
            Self::VersionAbsent { .. } => Code::JOB_VERSION,
            Self::NotRetryable { .. } => Code::JOB_NOT_RETRYABLE,
            Self::Store(error) => error.code(),
            Self::Host(_) => Code::THREAD_FAILED,
        }
    }
}

impl Jobs {
    /// The jobs that an engine drives.
    #[must_use]
    pub fn of(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Makes a job of an input, durably. With an idempotency key it is the job that was made with this key before, if it is kept still.
    ///
    /// # Errors
    /// [`SubmitError`] where none was made.
    pub fn submit(
        &self,
        job: &str,
        input: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<Submission, SubmitError> {
        self.engine.submit(job, input, idempotency_key)
    }

    /// Waits until a job has ended, for as long as is said. What it gives is where the job stands then.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub async fn outcome(&self, id: &str, within: Duration) -> Result<View, JobError> {
        // Before the look: it may end in between.
        let ended = self.engine.ended(id);
        let view = self.look(id).await?;
        if view.state.is_over() || within.is_zero() {
            return Ok(view);
        }
        // Whether it was told, is told no more, or the time is over: where it stands is what counts.
        let _ = tokio::time::timeout(within, ended).await;
        self.look(id).await
    }

    async fn look(&self, id: &str) -> Result<View, JobError> {
        let (engine, id) = (Arc::clone(&self.engine), id.to_owned());
        let view = tokio::task::spawn_blocking(move || engine.view(&id)).await;
        view.unwrap_or(Err(JobError::Stopping))
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn view(&self, id: &str) -> Result<View, JobError> {
        self.engine.view(id)
    }

    /// The jobs that fit, the newest first.
    ///
    /// # Errors
    /// [`JobError::Store`] where they cannot be read.
    pub fn list(&self, filter: &Filter) -> Result<Vec<View>, JobError> {
        self.engine.list(filter)
    }

    /// The steps that a job's journal holds.
    ///
    /// # Errors
    /// [`JobError::Store`] where they cannot be read.
    pub fn steps(&self, id: &str) -> Result<Vec<Step>, JobError> {
        self.engine.steps(id)
    }

    /// Ends a job, wherever it stands; nothing happens to one that is over.
    ///
    /// # Errors
    /// [`JobError::Unknown`] where there is no such job.
    pub fn cancel(&self, id: &str) -> Result<View, JobError> {
        self.engine.cancel(id)
    }

    /// Lets a job go on that failed, was cancelled, or asks whether a request may be sent again. The last request that came to nothing
    /// or was answered by an error is made again, and what came after it is forgotten.
    ///
    /// # Errors
    /// [`JobError::NotRetryable`] where it did not, [`JobError::Unknown`] where there is no such job.
    pub fn retry(&self, id: &str) -> Result<View, JobError> {
        self.engine.retry(id)
    }

    /// Makes these definitions the ones that new jobs begin with.
    ///
    /// # Errors
    /// As for [`Engine::adopt`].
    pub fn adopt(&self, definitions: Vec<Definition>) -> Result<(), JobError> {
        self.engine.adopt(definitions)
    }

    /// By job of the manifest: the versions that unfinished jobs go on under.
    ///
    /// # Errors
    /// As for [`Engine::versions_in_use`].
    pub fn versions_in_use(&self) -> Result<BTreeMap<String, BTreeSet<String>>, JobError> {
        self.engine.versions_in_use()
    }

    /// Lets unfinished jobs go on under the current version of their definition: all of them, or the one with an identifier.
    ///
    /// # Errors
    /// Those of [`Engine::migrate`], and [`JobError::Unknown`] where no job has the identifier.
    pub fn migrate(&self, id: Option<&str>) -> Result<Migrated, JobError> {
        self.engine.migrate_any(id)
    }

    /// Hands a callback to the job that expects it; it is durable when this returns. `delivery` is what tells one callback from the next: the sender's
    /// identifier, or a digest where there is none.
    ///
    /// # Errors
    /// [`JobError`] where it cannot be kept: the sender is to try again.
    pub fn call_back(
        &self,
        trigger: &str,
        correlation: &str,
        delivery: &str,
        payload: &[u8],
    ) -> Result<Reception, JobError> {
        self.engine.call_back(Callback {
            trigger: trigger.to_owned(),
            correlation: correlation.to_owned(),
            delivery: delivery.to_owned(),
            payload: payload.to_vec(),
        })
    }
}
