//! Why a check did not pass.

use crate::connection::http::{ConnectionError, Reason};
use crate::error::Code;

/// A check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pre-flight check of {subject}: {failure}")]
pub struct PreflightError {
    /// What was checked.
    pub subject: String,
    /// What was found.
    pub failure: PreflightFailure,
}

impl PreflightError {
    /// The code, with what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        self.failure.code()
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightFailure {
    /// The service gave no answer that the check could be made on.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The check refers to a connection that there is not.
    #[error("there is no connection `{0}`")]
    UnknownConnection(String),
    /// The identifier cannot be that of a data action.
    #[error("`{0}` is not the identifier of a data action")]
    InvalidAction(String),
    /// 403.
    #[error(
        "connection `{connection}`: answered 403 Forbidden: the client lacks the scope `data_actions:read` or belongs to another organisation{}",
        Reason(.reason.as_deref())
    )]
    Forbidden {
        /// The name of the connection.
        connection: String,
        /// The reason that the service gave.
        reason: Option<String>,
    },
    /// 404.
    #[error("connection `{connection}`: answered 404 Not Found: there is no such data action{}", Reason(.reason.as_deref()))]
    NotFound {
        /// The name of the connection.
        connection: String,
        /// The reason that the service gave.
        reason: Option<String>,
    },
    /// The answer is not the description of a data action.
    #[error("the answer is not the description of a data action ({0})")]
    Malformed(String),
    /// The answer describes another data action.
    #[error("the answer describes the data action `{0}`")]
    OtherAction(String),
}

impl PreflightFailure {
    /// The code, with what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Connection(error) => error.code(),
            Self::UnknownConnection(_) | Self::InvalidAction(_) => Code::PREFLIGHT_OPTIONS,
            Self::Forbidden { .. } => Code::PREFLIGHT_FORBIDDEN,
            Self::NotFound { .. } => Code::PREFLIGHT_NOT_FOUND,
            Self::Malformed(_) => Code::PREFLIGHT_MALFORMED,
            Self::OtherAction(_) => Code::PREFLIGHT_OTHER_ACTION,
        }
    }
}
