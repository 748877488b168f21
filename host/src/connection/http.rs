//! Services that the host talks to on a pipeline's behalf. A plugin never sees a credential: it, or a check before the start,
//! names a connection of the manifest, and everything that makes a request dependable happens here, once: the token is
//! fetched, kept and renewed, the time and the size of an answer are bounded, what may pass is tried again.
//!
//! `request` is what may be asked for, `address` where it may lead, `exchange` is one try, `retry` decides on another, `pace` and
//! `breaker` on when there is one, `token` keeps the token, `redaction` takes secrets out of what comes back, and
//! [`Connection`] puts them together.
//!
//! No redirect is followed: it is an answer like any other, and takes no credentials elsewhere. No answer is decompressed: none
//! is asked for in that form, so that the bound of its size is the bound of what is held.

mod address;
mod breaker;
mod error;
mod exchange;
mod manifest;
mod opening;
mod options;
mod pace;
mod redaction;
mod request;
mod retry;
mod token;
mod transport;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

pub(crate) use error::Reason;
pub use error::{ConnectionError, ConnectionFailure};
pub use exchange::Answer;
pub use options::{
    Authentication, CircuitBreakerOptions, ConnectionOptions, OAuthOptions, Permissions,
    RateLimitOptions, RetryOptions,
};
pub use request::Request;
pub use transport::HttpTransport;
pub(crate) use transport::open;

use breaker::Breaker;
use exchange::{Bounds, Missed, exchange};
use pace::Pace;
use redaction::Redaction;
use retry::with_retries;
use token::{Token, TokenCache};

use crate::config::ClientAuthentication;

/// Chooses the implementation of the cryptography that TLS needs, for the whole process. Calling it again does nothing.
pub fn install_crypto_provider() {
    // An error means that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The connections of a manifest by name.
#[derive(Debug, Default)]
pub struct Connections(BTreeMap<String, Connection>);

impl Connections {
    /// Prepares all connections; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectionFailure::Options`] for the first whose options do not describe a service.
    pub fn open(
        options: impl IntoIterator<Item = ConnectionOptions>,
    ) -> Result<Self, ConnectionError> {
        let named = options.into_iter().map(|options| {
            let name = options.name.clone();
            Connection::open(options).map(|connection| (name, connection))
        });
        Ok(Self(named.collect::<Result<_, _>>()?))
    }

    /// The connection of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Connection> {
        self.0.get(name)
    }
}

/// A service, and what it takes to be let in. Requests may be made from several tasks at once.
#[derive(Debug)]
pub struct Connection {
    options: ConnectionOptions,
    base_url: Url,
    /// Where tokens are asked for, if they are.
    token_url: Option<Url>,
    client: Client,
    tokens: TokenCache,
    pace: Option<Pace>,
    breaker: Option<Breaker>,
}

/// A request that failed for good, with the answer of the service if it gave one that says so.
type Lost = (ConnectionError, Option<Box<Answer>>);

/// A request that is made until it is answered, each time the same.
struct Call<'a> {
    method: &'a Method,
    url: &'a Url,
    is_repeatable: bool,
    /// All of it but the credentials.
    build: &'a (dyn Fn() -> RequestBuilder + Send + Sync),
}

impl Connection {
    /// The name that the manifest gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// The URL of a path below the base URL, its segments escaped as needed.
    #[must_use]
    pub fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Makes a request for a plugin, with the connection's credentials, as often as the options allow. When the service
    /// refuses the token, which may happen before its time, one new token is asked for and the request made once more.
    ///
    /// A try that nobody knows the outcome of (a time-out, an answer that broke off) is repeated only where the method is
    /// idempotent or the request has a key.
    ///
    /// The answer has any status, 429 and 5xx after all tries; what it means is for the caller to say.
    ///
    /// # Errors
    /// [`ConnectionFailure::NotPermitted`] or [`ConnectionFailure::RequestTooLarge`] for a request that is not made, else every
    /// way not to get an answer.
    pub async fn send(&self, request: &Request) -> Result<Answer, ConnectionError> {
        self.send_within(request, &self.options.permissions).await
    }

    /// Makes a request for the manifest itself, as [`send`](Self::send) does for plugins: what these may ask for does not count, and what is the host's alone
    /// stays so.
    ///
    /// # Errors
    /// As there.
    pub async fn deliver(&self, request: &Request) -> Result<Answer, ConnectionError> {
        let headers = request.headers.iter();
        let permissions = Permissions {
            headers: headers.filter_map(|(name, _)| name.parse().ok()).collect(),
            ..Permissions::default()
        };
        self.send_within(request, &permissions).await
    }

    /// The largest body of a request that is made, bytes.
    #[must_use]
    pub fn maximum_request(&self) -> usize {
        self.options.maximum_request
    }

    async fn send_within(
        &self,
        request: &Request,
        permissions: &Permissions,
    ) -> Result<Answer, ConnectionError> {
        let options = &self.options;
        let refused = |failure| ConnectionError {
            connection: options.name.clone(),
            request: format!("a {} request", request.method),
            tries: 0,
            failure,
        };
        let token_url = self.token_url.as_ref();
        let url = request::url(request, &self.base_url, token_url, permissions).map_err(refused)?;
        let headers = request::headers(request, permissions).map_err(refused)?;
        let (size, maximum) = (request.body.len(), options.maximum_request);
        if size > maximum {
            return Err(refused(ConnectionFailure::RequestTooLarge {
                size,
                maximum,
            }));
        }
        let build = || {
            let built = self.client.request(request.method.clone(), url.clone());
            let built = built.headers(headers.clone());
            match request.body.is_empty() {
                true => built,
                false => built.body(request.body.clone()),
            }
        };
        let call = Call {
            method: &request.method,
            url: &url,
            is_repeatable: request.is_repeatable(),
            build: &build,
        };
        match self.authenticated(&call).await {
            Ok(answer) => Ok(answer),
            Err((_, Some(answer))) => Ok(*answer),
            Err((error, None)) => Err(error),
        }
    }

    /// Reads a resource, for the host itself: what plugins may ask for does not count.
    ///
    /// # Errors
    /// Every way not to get an answer, and 429 and 5xx after all tries.
    pub async fn get(&self, url: &Url) -> Result<Answer, ConnectionError> {
        self.authenticated(&Call {
            method: &Method::GET,
            url,
            is_repeatable: true,
            build: &|| self.client.get(url.clone()),
        })
        .await
        .map_err(|(error, _)| error)
    }

    /// The error for an answer that the caller has no use for.
    #[must_use]
    pub fn unexpected(&self, url: &Url, answer: &Answer) -> ConnectionError {
        let failure = ConnectionFailure::Unexpected {
            status: answer.status,
            reason: answer.reason.clone(),
        };
        self.error(&Method::GET, url, (failure, 1))
    }

    async fn authenticated(&self, call: &Call<'_>) -> Result<Answer, Lost> {
        match &self.options.authentication {
            Authentication::None => self.tried(call, |request| request, Ok, &[]).await,
            Authentication::Bearer(token) => {
                let bearer = token.expose_secret();
                self.tried(call, |request| request.bearer_auth(bearer), Ok, &[token])
                    .await
            }
            Authentication::Headers(headers) => {
                let secrets: Vec<&SecretString> = headers.iter().map(|(_, value)| value).collect();
                let add = |request: RequestBuilder| {
                    headers.iter().fold(request, |request, (name, value)| {
                        match secret_header(value) {
                            Some(value) => request.header(name, value),
                            // A connection with such a value is never opened.
                            None => request,
                        }
                    })
                };
                self.tried(call, add, Ok, &secrets).await
            }
            Authentication::OAuth(oauth) => self.with_token(oauth, call).await,
        }
    }

    async fn with_token(&self, oauth: &OAuthOptions, call: &Call<'_>) -> Result<Answer, Lost> {
        let mut refusal = None;
        for _ in 0..2 {
            let token = self.tokens.get(|| self.request_token(oauth)).await;
            let token = token.map_err(|error| (error, None))?;
            let bearer = token.value.expose_secret();
            let secrets = [&token.value, &oauth.client_secret];
            let answer = self
                .tried(call, |request| request.bearer_auth(bearer), Ok, &secrets)
                .await?;
            if answer.status != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            self.tokens.discard(&token).await;
            refusal = answer.reason;
        }
        let failure = ConnectionFailure::TokenRefused { reason: refusal };
        Err((self.error(call.method, call.url, (failure, 1)), None))
    }

    /// The client credentials grant of RFC 6749 section 4.4. By HTTP Basic, identifier and secret are put into the header as
    /// they are (RFC 7617), not form-encoded first as section 2.3.1 has it: that is what services of this kind expect.
    async fn request_token(&self, oauth: &OAuthOptions) -> Result<Token, ConnectionError> {
        let Some(url) = &self.token_url else {
            // A connection with OAuth is never opened without one.
            return Err(self.error(
                &Method::POST,
                &self.base_url,
                (ConnectionFailure::MissingToken, 0),
            ));
        };
        let id = oauth.client_id.expose_secret();
        let secret = oauth.client_secret.expose_secret();
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
        let in_form = oauth.client_authentication == ClientAuthentication::Form;
        if in_form {
            form.extend([("client_id", id), ("client_secret", secret)]);
        }
        let build = || {
            let post = self.client.post(url.clone()).form(&form);
            if in_form {
                post
            } else {
                post.basic_auth(id, Some(secret))
            }
        };
        let call = Call {
            method: &Method::POST,
            url,
            is_repeatable: true,
            build: &build,
        };
        let sent = Instant::now();
        self.tried(
            &call,
            |request| request,
            |answer| read_token(answer, sent),
            &[&oauth.client_secret],
        )
        .await
        .map_err(|(error, _)| error)
    }

    /// Makes a request until it is answered with something that `read` accepts, or has failed for good.
    async fn tried<T>(
        &self,
        call: &Call<'_>,
        authenticate: impl Fn(RequestBuilder) -> RequestBuilder,
        read: impl Fn(Answer) -> Result<T, ConnectionFailure>,
        secrets: &[&SecretString],
    ) -> Result<T, Lost> {
        let ConnectionOptions { name, retry, .. } = &self.options;
        let Call { method, url, .. } = call;
        let waiting = |failure: &ConnectionFailure, wait: Duration| {
            let path = url.path();
            tracing::warn!(connection = name, %method, path, %failure, ?wait, "will try again");
        };
        let redaction = Redaction::of(secrets.iter().map(|secret| secret.expose_secret()));
        let is_worth_another = |failure: &ConnectionFailure| {
            failure.may_pass() && (call.is_repeatable || !failure.may_have_arrived())
        };
        let attempt = async || {
            let request = authenticate((call.build)());
            let answer = self.attempt(request, &redaction).await?;
            read(answer).map_err(Missed::from)
        };
        with_retries(retry, is_worth_another, waiting, attempt)
            .await
            .map_err(|(Missed { failure, answer }, tries)| {
                (self.error(method, url, (failure, tries)), answer)
            })
    }

    /// One try, when the breaker and the pace give leave.
    async fn attempt(
        &self,
        request: RequestBuilder,
        redaction: &Redaction<'_>,
    ) -> Result<Answer, Missed> {
        let permit = match &self.breaker {
            Some(breaker) => Some(breaker.permit().map_err(circuit_open)?),
            None => None,
        };
        if let Some(pace) = &self.pace {
            pace.token().await;
        }
        let bounds = Bounds {
            connect_timeout: self.options.connect_timeout,
            timeout: self.options.timeout,
            maximum: self.options.maximum_response,
        };
        let outcome = exchange(request, bounds, redaction).await;
        match (&outcome, permit) {
            (Err(missed), Some(permit)) if missed.failure.is_failure_of_the_service() => {
                permit.failed()
            }
            (_, Some(permit)) => permit.succeeded(),
            (_, None) => {}
        }
        outcome
    }

    fn error(
        &self,
        method: &Method,
        url: &Url,
        (failure, tries): (ConnectionFailure, u32),
    ) -> ConnectionError {
        // A query may hold what is nobody's business.
        let mut shown = url.clone();
        shown.set_query(None);
        ConnectionError {
            connection: self.options.name.clone(),
            request: format!("{method} {shown}"),
            tries,
            failure,
        }
    }
}

/// A value that neither logs nor tables of compressed headers keep.
fn secret_header(value: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn circuit_open(retry_after: Duration) -> Missed {
    ConnectionFailure::CircuitOpen { retry_after }.into()
}

fn read_token(answer: Answer, sent: Instant) -> Result<Token, ConnectionFailure> {
    if answer.status == StatusCode::OK {
        return Token::read(&answer, sent);
    }
    let Answer { status, reason, .. } = answer;
    match status {
        StatusCode::UNAUTHORIZED => Err(ConnectionFailure::Credentials { reason }),
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
            Err(ConnectionFailure::Denied { status, reason })
        }
        _ => Err(ConnectionFailure::Unexpected { status, reason }),
    }
}

#[cfg(test)]
mod tests;
