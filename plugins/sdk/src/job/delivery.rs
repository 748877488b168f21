//! What is told to somebody without whom the work goes on.

use serde::Serialize;

use super::{RequestFailure, Response};

/// What came of telling a service something that it need not know: a job says so, and does not fail by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// It was taken: the service answered 2xx.
    Delivered,
    /// It was not, for this reason.
    Failed(String),
}

impl From<Result<Response, RequestFailure>> for Delivery {
    fn from(answer: Result<Response, RequestFailure>) -> Self {
        match answer {
            Ok(answer) if answer.is_success() => Self::Delivered,
            Ok(answer) => Self::Failed(format!("answered {}", answer.status)),
            Err(failure) => Self::Failed(failure.to_string()),
        }
    }
}
