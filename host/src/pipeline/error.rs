//! How a run can end badly.

use super::breaker::Exhausted;
use super::channel::Fault;
use crate::checkpoint::StoreError;
use crate::connection::kafka::KafkaError;
use crate::error::Code;
use crate::sink::SinkError;

/// A run that did not end well. What was committed stays; a new run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The checkpoint database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last checkpoint does not fit the plan.
    #[error("the last checkpoint does not fit the manifest: {0}")]
    Mismatch(String),
    /// The state of a stage is of a version that its plugin cannot load.
    #[error(
        "the stage `{stage}` remembers state of version {found}, and its plugin can load versions {oldest} to {newest}"
    )]
    StateVersion {
        /// The stage.
        stage: String,
        /// The version of an entry.
        found: u32,
        /// The oldest that the plugin can load.
        oldest: u32,
        /// The one that it writes.
        newest: u32,
    },
    /// Something failed, and trying again is of no use.
    #[error("{0}")]
    Failed(Fault),
    /// A plugin failed, and trying again was of no use.
    #[error("{fault}; the pipeline was given up after {after}")]
    GivenUp {
        /// What happened last.
        fault: Box<Fault>,
        /// What had happened by then.
        after: Exhausted,
    },
}

impl From<KafkaError> for TaskError {
    fn from(error: KafkaError) -> Self {
        Self::Failed(error.into())
    }
}

impl TaskError {
    /// Whether another process has taken the task over, and goes on with it.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        match self {
            Self::Store(error) => error.is_fenced(),
            Self::Failed(fault) => fault.is_fenced(),
            Self::GivenUp { fault, .. } => fault.is_fenced(),
            _ => false,
        }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Mismatch(_) => Code::CHECKPOINT_MISMATCH,
            Self::StateVersion { .. } => Code::STATE_VERSION,
            Self::Failed(fault) => fault.code(),
            Self::GivenUp { fault, .. } => fault.code(),
        }
    }
}

impl Fault {
    /// Whether another process has taken the task over.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        match self {
            Self::Kafka(KafkaError::Fenced { .. })
            | Self::Sink(SinkError::Kafka(KafkaError::Fenced { .. })) => true,
            Self::Store(error) | Self::Sink(SinkError::Store(error)) => error.is_fenced(),
            _ => false,
        }
    }

    /// The stable code of this fault.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Plugin(fault) => fault.failure.code(),
            Self::StateWithoutKey { .. } => Code::STATE_WITHOUT_KEY,
            Self::Source(error) => error.code(),
            Self::Sink(error) => error.code(),
            Self::Kafka(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Thread(..) | Self::Disconnected | Self::Abandoned => Code::THREAD_FAILED,
        }
    }
}
