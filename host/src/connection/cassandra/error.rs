//! Why a cluster does not do what it is asked for, and whether it is worth asking again.

use std::error::Error;

use openssl::ssl;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError,
};

use crate::error::Code;

/// A Cassandra cluster does not do what it is asked for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CassandraError {
    /// Nobody answers, or not enough nodes, or not in time.
    #[error("the nodes of `{connection}` do not answer: {reason}")]
    Unanswered {
        /// The connection.
        connection: String,
        /// What was found.
        reason: String,
    },
    /// The user is not let in.
    #[error("the nodes of `{connection}` do not let the host in: {reason}")]
    Credentials {
        /// The connection.
        connection: String,
        /// What the cluster says.
        reason: String,
    },
    /// No encrypted connection came about.
    #[error("no secure connection to the nodes of `{connection}` came about: {reason}")]
    Tls {
        /// The connection.
        connection: String,
        /// What failed.
        reason: String,
    },
    /// There is no such data centre.
    #[error("the nodes of `{connection}` are in the data centres {found}; none is in `{expected}`")]
    Datacenter {
        /// The connection.
        connection: String,
        /// The data centres that there are.
        found: String,
        /// The one of the manifest.
        expected: String,
    },
    /// The user may not do that.
    #[error("the nodes of `{connection}` do not permit that: {reason}")]
    Forbidden {
        /// The connection.
        connection: String,
        /// What the cluster says.
        reason: String,
    },
    /// The request is invalid.
    #[error("the nodes of `{connection}` refuse that: {reason}")]
    Refused {
        /// The connection.
        connection: String,
        /// What the cluster says.
        reason: String,
    },
}

impl CassandraError {
    /// Whether asking again may help although nothing is changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unanswered { .. } => Code::CASSANDRA_UNANSWERED,
            Self::Credentials { .. } => Code::CASSANDRA_CREDENTIALS,
            Self::Tls { .. } => Code::CASSANDRA_TLS,
            Self::Datacenter { .. } => Code::CASSANDRA_DATACENTER,
            Self::Forbidden { .. } => Code::CASSANDRA_FORBIDDEN,
            Self::Refused { .. } => Code::CASSANDRA_REFUSED,
        }
    }

    /// A session cannot be begun.
    pub(super) fn connecting(connection: &str, error: NewSessionError) -> Self {
        let about = About(connection);
        match &error {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) => {
                about.pool(pool)
            }
            other => about.unanswered(other),
        }
    }

    /// A request on that connection failed.
    #[must_use]
    pub fn requesting(connection: &str, error: &ExecutionError) -> Self {
        let about = About(connection);
        match error {
            ExecutionError::BadQuery(error) => about.refused(error.to_string()),
            ExecutionError::PrepareError(error) => Self::preparing(connection, error),
            ExecutionError::LastAttemptError(error) => about.attempt(error),
            other => about.unanswered(other),
        }
    }

    /// A statement for that connection cannot be prepared.
    #[must_use]
    pub fn preparing(connection: &str, error: &PrepareError) -> Self {
        let about = About(connection);
        match error {
            PrepareError::AllAttemptsFailed { first_attempt } => about.attempt(first_attempt),
            other => about.unanswered(other),
        }
    }

    /// What the cluster says of itself cannot be had.
    #[must_use]
    pub fn looking(connection: &str, error: &MetadataError) -> Self {
        About(connection).unanswered(error)
    }
}

/// Makes errors of a connection.
struct About<'a>(&'a str);

impl About<'_> {
    fn unanswered(&self, error: &dyn Error) -> CassandraError {
        CassandraError::Unanswered {
            connection: self.0.to_owned(),
            reason: error.to_string(),
        }
    }

    fn refused(&self, reason: String) -> CassandraError {
        CassandraError::Refused {
            connection: self.0.to_owned(),
            reason,
        }
    }

    fn credentials(&self, reason: &str) -> CassandraError {
        CassandraError::Credentials {
            connection: self.0.to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn pool(&self, error: &ConnectionPoolError) -> CassandraError {
        let ConnectionPoolError::Broken {
            last_connection_error,
        } = error
        else {
            return self.unanswered(error);
        };
        match last_connection_error {
            ConnectionError::IoError(io) => match io.get_ref().and_then(handshake) {
                Some(reason) => CassandraError::Tls {
                    connection: self.0.to_owned(),
                    reason,
                },
                None => self.unanswered(io),
            },
            ConnectionError::ConnectionSetupRequestError(setup) => match setup.get_error() {
                ConnectionSetupRequestErrorKind::MissingAuthentication => {
                    self.credentials("they ask for a user and a password")
                }
                ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError, said)
                    if !is_unable(said) =>
                {
                    self.credentials(said)
                }
                other => self.unanswered(other),
            },
            other => self.unanswered(other),
        }
    }

    fn attempt(&self, error: &RequestAttemptError) -> CassandraError {
        match error {
            RequestAttemptError::SerializationError(_)
            | RequestAttemptError::CqlRequestSerialization(_) => self.refused(error.to_string()),
            RequestAttemptError::DbError(kind, said) => self.said(kind, said, error),
            other => self.unanswered(other),
        }
    }

    fn said(&self, kind: &DbError, said: &str, error: &RequestAttemptError) -> CassandraError {
        match kind {
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::ConfigError
            | DbError::AlreadyExists { .. }
            | DbError::FunctionFailure { .. }
            | DbError::ProtocolError => self.refused(said.to_owned()),
            DbError::Unauthorized => CassandraError::Forbidden {
                connection: self.0.to_owned(),
                reason: said.to_owned(),
            },
            _ => self.unanswered(error),
        }
    }
}

/// A node that cannot read the table of users (too few replicas of it are up) says so by the same error as one that knows the user and not the password.
fn is_unable(said: &str) -> bool {
    said.starts_with("Unable to perform")
}

/// What failed in a handshake; none where the connection broke off meanwhile, as it does when a node goes down.
fn handshake(error: &(dyn Error + Send + Sync + 'static)) -> Option<String> {
    let error = error.downcast_ref::<ssl::Error>()?;
    error.ssl_error().map(ToString::to_string)
}
