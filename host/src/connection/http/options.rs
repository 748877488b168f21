//! What a connection is made of, as the manifest says it.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::SecretString;

use crate::config::{ClientAuthentication, PathPattern};

/// The most that is read of an answer, and sent of a request, in bytes, unless the manifest says otherwise.
const MAXIMUM_BODY: usize = 16 * 1024 * 1024;

/// A service, what it takes to be let in, and what may be asked of it.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// The name that messages use.
    pub name: String,
    /// Where the service is: http or https, without credentials, query or fragment.
    pub base_url: String,
    /// How the service knows the host.
    pub authentication: Authentication,
    /// What plugins may ask for.
    pub permissions: Permissions,
    /// The longest that it may take until there is a connection.
    pub connect_timeout: Duration,
    /// The longest that one try may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// What to do when a try fails for a reason that may pass.
    pub retry: RetryOptions,
    /// How fast requests are made at most; as fast as they come if there is none.
    pub rate_limit: Option<RateLimitOptions>,
    /// When a service that fails is left alone; never if there is none.
    pub circuit_breaker: Option<CircuitBreakerOptions>,
    /// The largest body of a request, in bytes.
    pub maximum_request: usize,
    /// The largest body of an answer, in bytes.
    pub maximum_response: usize,
    /// A file in PEM with the certificates of those who vouch for the service; those of the system if there is none.
    pub authorities: Option<PathBuf>,
    /// Whether the name of the service may lead to an address that is not public (RFC 1918 and the like).
    pub private_addresses: bool,
}

impl ConnectionOptions {
    /// A service that asks for no credentials, with the defaults of the manifest.
    #[must_use]
    pub fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            authentication: Authentication::None,
            permissions: Permissions::default(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            retry: RetryOptions::default(),
            rate_limit: None,
            circuit_breaker: None,
            maximum_request: MAXIMUM_BODY,
            maximum_response: MAXIMUM_BODY,
            authorities: None,
            private_addresses: false,
        }
    }
}

/// How a service knows the host.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Not at all.
    None,
    /// By a bearer token that never changes.
    Bearer(SecretString),
    /// By headers that never change, such as an API key.
    Headers(Vec<(HeaderName, SecretString)>),
    /// By a token that is asked for with OAuth client credentials.
    OAuth(OAuthOptions),
}

/// The client credentials grant of RFC 6749 section 4.4.
#[derive(Clone, Debug)]
pub struct OAuthOptions {
    /// Where, below the base URL, tokens are asked for.
    pub token_path: String,
    /// The client's identifier.
    pub client_id: SecretString,
    /// The client's secret.
    pub client_secret: SecretString,
    /// Scopes to ask for, separated by blanks; `None` leaves it to the service.
    pub scope: Option<String>,
    /// Where the credentials stand in the request.
    pub client_authentication: ClientAuthentication,
}

/// What plugins may ask for. The host itself, which fetches tokens and makes checks, is not bound by it.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// The methods; any if there is none.
    pub methods: Vec<Method>,
    /// The paths below the base URL; any if there is none.
    pub paths: Vec<PathPattern>,
    /// Headers beside those that any request may have.
    pub headers: Vec<HeaderName>,
}

/// How often and how soon a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOptions {
    /// Tries in all, the first included.
    pub tries: NonZeroU32,
    /// The longest wait after the first try. It doubles after each further one; how much of it is waited is left to chance,
    /// so that clients which failed together do not come back together.
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

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitOptions {
    /// Requests a second, on average.
    pub requests_per_second: NonZeroU32,
    /// Requests that may be made at once after a pause.
    pub burst: NonZeroU32,
}

/// When a service that fails is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreakerOptions {
    /// Failures in a row after which no further request is made.
    pub failures: NonZeroU32,
    /// How long none is made; then one is, and decides.
    pub open_for: Duration,
}
