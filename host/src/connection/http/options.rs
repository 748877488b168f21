//! What a connection is made of, as the manifest says it.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

/// A service that is reached with OAuth client credentials.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// The name that messages use.
    pub name: String,
    /// Where the service is: http or https, without credentials, query or fragment.
    pub base_url: String,
    /// Where, below the base URL, tokens are asked for.
    pub token_path: String,
    /// The client's identifier.
    pub client_id: SecretString,
    /// The client's secret.
    pub client_secret: SecretString,
    /// Scopes to ask for, separated by blanks; `None` leaves it to the service.
    pub scope: Option<String>,
    /// The longest that one try may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// What to do when a try fails for a reason that may pass.
    pub retry: RetryOptions,
}

/// How often and how soon a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOptions {
    /// Tries in all, the first included.
    pub tries: NonZeroU32,
    /// The wait after the first try. It doubles after each further one, and as much again is added at random at most, so
    /// that clients which failed together do not come back together.
    pub first_wait: Duration,
    /// The longest wait. A service that asks for more by `Retry-After` is not asked again: to come earlier than it said
    /// would be refused, to wait that long would look like hanging.
    pub maximum_wait: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            tries: const { NonZeroU32::new(3).unwrap() },
            first_wait: Duration::from_secs(1),
            maximum_wait: Duration::from_secs(30),
        }
    }
}
