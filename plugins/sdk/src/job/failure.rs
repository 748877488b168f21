//! Why a job, or a request of it, came to nothing.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Why a job came to nothing: what [`Job::run`](super::Job::run) gives instead of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For machines, in kebab case.
    pub code: String,
    /// For people.
    pub message: String,
    /// More of it, in JSON.
    pub details: Option<String>,
    /// What an HTTP trigger answers with, 400 to 599.
    pub status: Option<u16>,
    /// After what time another try may do better.
    pub retry_after: Option<Duration>,
}

/// Why there is no response to a request, after the tries that the connection allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFailure {
    /// What happened.
    pub kind: RequestFailureKind,
    /// For people.
    pub message: String,
    /// After what time another try may do better, if the service or the circuit breaker said so.
    pub retry_after: Option<Duration>,
}

/// The ways not to get a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFailureKind {
    /// The connection does not exist, is not granted, or does not allow such a request. Nothing was sent.
    Refused,
    /// The service cannot be reached, or its certificate is not trusted.
    Unreachable,
    /// No answer came in time. The request may have had its effect.
    Timeout,
    /// The answer broke off, or is no HTTP. The request may have had its effect.
    Interrupted,
    /// The answer is larger than the connection allows.
    TooLarge,
    /// The service does not accept the host's credentials.
    Unauthorized,
    /// The connection's circuit breaker is open. Nothing was sent.
    CircuitOpen,
}

impl Failure {
    /// A failure with a code in kebab case and a message for people.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            details: None,
            status: None,
            retry_after: None,
        }
    }

    /// With more of it, as JSON.
    pub fn details(mut self, details: &(impl Serialize + ?Sized)) -> Self {
        self.details = serde_json::to_string(details).ok();
        self
    }

    /// With the status that an HTTP trigger answers with, 400 to 599.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With the time after which another try may do better.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }
}

impl RequestFailureKind {
    /// Its name in codes of failures.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "request-refused",
            Self::Unreachable => "service-unreachable",
            Self::Timeout => "service-timeout",
            Self::Interrupted => "response-interrupted",
            Self::TooLarge => "response-too-large",
            Self::Unauthorized => "service-unauthorized",
            Self::CircuitOpen => "circuit-open",
        }
    }

    /// What an HTTP trigger answers with when a job fails for this: 504 for a time-out, 503 for an open breaker, 500 for a request that may not be sent, else 502.
    pub fn status(self) -> u16 {
        match self {
            Self::Refused => 500,
            Self::Timeout => 504,
            Self::CircuitOpen => 503,
            _ => 502,
        }
    }
}

impl From<RequestFailure> for Failure {
    fn from(failure: RequestFailure) -> Self {
        Self {
            code: failure.kind.code().to_owned(),
            message: failure.message,
            details: None,
            status: Some(failure.kind.status()),
            retry_after: failure.retry_after,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.message)
    }
}

impl std::error::Error for Failure {}
impl std::error::Error for RequestFailure {}
