//! Services that the host talks to on a pipeline's behalf. A plugin never sees a credential: it, or a check before the start,
//! names a connection of the manifest, and everything that makes a request dependable happens here, once: the token is
//! fetched, kept and renewed, the time and the size of an answer are bounded, what may pass is tried again.
//!
//! `exchange` is one request, `retry` decides on another, `token` keeps the token, and [`Connection`] puts them together.

mod error;
mod exchange;
mod options;
mod retry;
mod token;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use secrecy::ExposeSecret;
use tokio::time::Instant;

pub(crate) use error::Reason;
pub use error::{ConnectionError, ConnectionFailure};
pub use exchange::Answer;
pub use options::{ConnectionOptions, RetryOptions};

use exchange::{exchange, reason_of};
use retry::with_retries;
use token::{Token, TokenCache};

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
    token_url: Url,
    client: Client,
    tokens: TokenCache,
}

impl Connection {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectionFailure::Options`] if the options do not describe a service, [`ConnectionFailure::Tls`] if the
    /// system's certificates cannot be read.
    pub fn open(options: ConnectionOptions) -> Result<Self, ConnectionError> {
        install_crypto_provider();
        let refused = |failure| ConnectionError {
            connection: options.name.clone(),
            request: "setting up".into(),
            tries: 0,
            failure,
        };
        let base_url = base_url(&options.base_url).map_err(refused)?;
        let token_url = token_url(&base_url, &options.token_path).map_err(refused)?;
        let mut client = Client::builder()
            .user_agent(concat!("jackfield/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(options.timeout);
        if is_local(&base_url) {
            // A proxy would look for the service on its own machine.
            client = client.no_proxy();
        } else if base_url.scheme() == "http" {
            let connection = &options.name;
            tracing::warn!(connection, %base_url, "credentials are sent unencrypted: use https");
        }
        let client = client
            .build()
            .map_err(|error| refused(ConnectionFailure::Tls(reason_of(&error))))?;
        Ok(Self {
            base_url,
            token_url,
            client,
            tokens: TokenCache::default(),
            options,
        })
    }

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

    /// Reads a resource with the connection's token. When the service refuses the token, which may happen before its
    /// time, one new token is asked for and the request made once more.
    ///
    /// The answer has any status but 401, 429 and 500 and above; what it means is for the caller to say.
    ///
    /// # Errors
    /// Every way not to get such an answer, after the tries that the options allow.
    pub async fn get(&self, url: &Url) -> Result<Answer, ConnectionError> {
        let token = self.token().await?;
        let answer = self.get_with(url, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.tokens.discard(&token).await;
        let token = self.token().await?;
        let answer = self.get_with(url, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.tokens.discard(&token).await;
        let reason = answer.reason;
        let failure = ConnectionFailure::TokenRefused { reason };
        Err(self.error(&Method::GET, url, (failure, 1)))
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

    async fn get_with(&self, url: &Url, token: &Token) -> Result<Answer, ConnectionError> {
        let bearer = token.value.expose_secret();
        let request = || self.client.get(url.clone()).bearer_auth(bearer);
        self.exchange(&Method::GET, url, bearer, request).await
    }

    async fn token(&self) -> Result<Arc<Token>, ConnectionError> {
        self.tokens.get(|| self.request_token()).await
    }

    /// The client credentials grant of RFC 6749 section 4.4. Identifier and secret are put into the header as they are
    /// (RFC 7617), not form-encoded first as section 2.3.1 has it: that is what services of this kind expect.
    async fn request_token(&self) -> Result<Token, ConnectionError> {
        let options = &self.options;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(options.scope.as_deref().map(|scope| ("scope", scope)));
        let id = options.client_id.expose_secret();
        let secret = options.client_secret.expose_secret();
        let url = &self.token_url;
        let request = || {
            let post = self.client.post(url.clone());
            post.basic_auth(id, Some(secret)).form(&form)
        };
        let sent = Instant::now();
        let answer = self.exchange(&Method::POST, url, secret, request).await?;
        read_token(answer, sent).map_err(|failure| self.error(&Method::POST, url, (failure, 1)))
    }

    async fn exchange(
        &self,
        method: &Method,
        url: &Url,
        secret: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Answer, ConnectionError> {
        let ConnectionOptions {
            name,
            retry,
            timeout,
            ..
        } = &self.options;
        let waiting = |failure: &ConnectionFailure, wait: Duration| {
            tracing::warn!(connection = name, %method, %url, %failure, ?wait, "will try again");
        };
        let secrets = [secret];
        with_retries(retry, waiting, || exchange(request(), *timeout, &secrets))
            .await
            .map_err(|failure| self.error(method, url, failure))
    }

    fn error(
        &self,
        method: &Method,
        url: &Url,
        (failure, tries): (ConnectionFailure, u32),
    ) -> ConnectionError {
        ConnectionError {
            connection: self.options.name.clone(),
            request: format!("{method} {url}"),
            tries,
            failure,
        }
    }
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

/// The URL, never quoted in the refusal: it may hold credentials, which is one reason to refuse it.
fn base_url(text: &str) -> Result<Url, ConnectionFailure> {
    let refused =
        |reason: String| ConnectionFailure::Options(format!("`base-url` cannot be used: {reason}"));
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(format!(
            "found scheme `{}`, expected http or https",
            url.scheme()
        )));
    }
    if !bare {
        let reason = "expected neither credentials nor query nor fragment";
        return Err(refused(reason.into()));
    }
    Ok(url)
}

fn token_url(base_url: &Url, path: &str) -> Result<Url, ConnectionFailure> {
    if !path.starts_with('/') || path.contains(['?', '#']) {
        let found = format!("`token-path` is `{path}`, expected a path such as `/oauth/token`");
        return Err(ConnectionFailure::Options(found));
    }
    let mut url = base_url.clone();
    url.set_path(&format!("{}{path}", base_url.path().trim_end_matches('/')));
    Ok(url)
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests;
