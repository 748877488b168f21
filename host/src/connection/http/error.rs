//! What can go wrong between the host and a service, told apart as far as the remedies differ.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;

use crate::error::Code;

/// A request that failed for good, after the tries it was given. Holds no secret: neither credentials nor tokens, nor
/// anything of a service's answer that could repeat them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection `{connection}`: {request}: {failure}{}", Tries(*.tries))]
pub struct ConnectionError {
    /// The name of the connection.
    pub connection: String,
    /// Method and URL.
    pub request: String,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong with the last try.
    pub failure: ConnectionFailure,
}

impl ConnectionError {
    /// The code, with what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        self.failure.code()
    }
}

/// What went wrong with one try.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionFailure {
    /// The options do not describe a service.
    #[error("{0}")]
    Options(String),
    /// No connection came about.
    #[error("the service cannot be reached ({0})")]
    Unreachable(String),
    /// The try took longer than it may.
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    /// TLS failed, most often for the certificate.
    #[error("no secure connection came about ({0})")]
    Tls(String),
    /// The connection broke off before the answer was complete, or what came was not HTTP.
    #[error("the answer broke off ({0})")]
    Interrupted(String),
    /// A status of 500 and above.
    #[error("answered {status}: the service failed on its side{}", Wait(*.retry_after))]
    ServerError {
        /// The status.
        status: StatusCode,
        /// How long the service asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// 429.
    #[error("answered 429 Too Many Requests: the rate limit is used up{}", Wait(*.retry_after))]
    RateLimited {
        /// How long the service asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// The body is longer than the host takes.
    #[error("the answer is larger than {maximum} bytes")]
    TooLarge {
        /// The most that would have been taken, in bytes.
        maximum: usize,
    },
    /// The name of the service leads to an address that the connection does not allow.
    #[error("{0}; `private-addresses = true` allows it")]
    PrivateAddress(String),
    /// The service has failed again and again, and is left alone for a while.
    #[error(
        "the circuit breaker is open after failures in a row; the next request is made in {retry_after:.0?}"
    )]
    CircuitOpen {
        /// How long no request is made.
        retry_after: Duration,
    },
    /// A plugin asked for what the connection does not grant.
    #[error("{0}")]
    NotPermitted(String),
    /// The body of a request is longer than the connection allows.
    #[error("the body of the request has {size} bytes, and at most {maximum} are sent")]
    RequestTooLarge {
        /// The length of the body, in bytes.
        size: usize,
        /// The most that would have been sent, in bytes.
        maximum: usize,
    },
    /// A status that the endpoint has no use for.
    #[error("answered {status}{}, expected 200 OK", Reason(.reason.as_deref()))]
    Unexpected {
        /// The status.
        status: StatusCode,
        /// The reason that the service gave.
        reason: Option<String>,
    },
    /// 401 from the token endpoint.
    #[error("answered 401 Unauthorized: the service does not accept the client's credentials{}", Reason(.reason.as_deref()))]
    Credentials {
        /// The reason that the service gave.
        reason: Option<String>,
    },
    /// 400 or 403 from the token endpoint: the client is known, but not given what it asks for.
    #[error("answered {status}: no token is issued to the client{}", Reason(.reason.as_deref()))]
    Denied {
        /// The status.
        status: StatusCode,
        /// The reason that the service gave.
        reason: Option<String>,
    },
    /// The token endpoint's answer is not what OAuth lays down.
    #[error("the answer is not that of a token endpoint ({0})")]
    MalformedToken(String),
    /// The token endpoint's answer is JSON without a token.
    #[error("the answer holds no `access_token`")]
    MissingToken,
    /// 401 from the API, to a token that was issued a moment ago.
    #[error("answered 401 Unauthorized: the service refuses the token that it was just asked for{}", Reason(.reason.as_deref()))]
    TokenRefused {
        /// The reason that the service gave.
        reason: Option<String>,
    },
}

impl ConnectionFailure {
    /// The code, with what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Options(_) => Code::CONNECTION_OPTIONS,
            Self::Unreachable(_) => Code::CONNECTION_UNREACHABLE,
            Self::TimedOut(_) => Code::CONNECTION_TIMEOUT,
            Self::Tls(_) => Code::CONNECTION_TLS,
            Self::Interrupted(_) => Code::CONNECTION_INTERRUPTED,
            Self::ServerError { .. } => Code::CONNECTION_SERVER_ERROR,
            Self::RateLimited { .. } => Code::CONNECTION_RATE_LIMITED,
            Self::TooLarge { .. } => Code::CONNECTION_TOO_LARGE,
            Self::PrivateAddress(_) => Code::CONNECTION_PRIVATE_ADDRESS,
            Self::CircuitOpen { .. } => Code::CONNECTION_CIRCUIT_OPEN,
            Self::NotPermitted(_) => Code::CONNECTION_NOT_PERMITTED,
            Self::RequestTooLarge { .. } => Code::CONNECTION_REQUEST_TOO_LARGE,
            Self::Unexpected { .. } => Code::CONNECTION_UNEXPECTED,
            Self::Credentials { .. } => Code::TOKEN_CREDENTIALS,
            Self::Denied { .. } => Code::TOKEN_DENIED,
            Self::MalformedToken(_) => Code::TOKEN_MALFORMED,
            Self::MissingToken => Code::TOKEN_MISSING,
            Self::TokenRefused { .. } => Code::TOKEN_REFUSED,
        }
    }

    /// Whether the same request may fare better a little later. What a service or its certificate says on purpose will
    /// not change by asking again; that an answer is half of one is nobody's purpose.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::TimedOut(_)
                | Self::Interrupted(_)
                | Self::ServerError { .. }
                | Self::RateLimited { .. }
                | Self::MalformedToken(_)
        )
    }

    /// Whether the service may have done what it was asked for, although nobody knows.
    pub(super) fn may_have_arrived(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Interrupted(_))
    }

    /// Whether it speaks of a service that is not well. One that refuses on purpose, or asks for patience, is.
    pub(super) fn is_failure_of_the_service(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::TimedOut(_)
                | Self::Tls(_)
                | Self::Interrupted(_)
                | Self::ServerError { .. }
        )
    }

    /// The status of the answer, where the answer's status is what is wrong.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::ServerError { status, .. }
            | Self::Unexpected { status, .. }
            | Self::Denied { status, .. } => Some(*status),
            Self::RateLimited { .. } => Some(StatusCode::TOO_MANY_REQUESTS),
            Self::Credentials { .. } | Self::TokenRefused { .. } => Some(StatusCode::UNAUTHORIZED),
            _ => None,
        }
    }

    /// How long the service asked to be left alone, or is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CircuitOpen { retry_after } => Some(*retry_after),
            Self::ServerError { retry_after, .. } | Self::RateLimited { retry_after } => {
                *retry_after
            }
            _ => None,
        }
    }
}

struct Tries(u32);

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 | 1 => Ok(()),
            tries => write!(f, " (tried {tries} times)"),
        }
    }
}

struct Wait(Option<Duration>);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, "; it asks to wait for {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

/// The reason that a service gave, put behind a sentence.
pub(crate) struct Reason<'a>(pub Option<&'a str>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(reason) => write!(f, " (\"{reason}\")"),
            None => Ok(()),
        }
    }
}
