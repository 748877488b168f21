//! Access tokens: asked for once and used by all, until shortly before they expire.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::{ConnectionError, ConnectionFailure};
use super::exchange::Answer;

/// A token is replaced this long before it expires, so that no request travels with one that expires on its way.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_secs(60);

/// A bearer token.
#[derive(Debug)]
pub(super) struct Token {
    pub value: SecretString,
    /// When to ask for another; `None` if the service did not say how long it is good for: then until it is refused.
    refresh_at: Option<Instant>,
}

impl Token {
    /// Reads the answer of RFC 6749 section 5.1 to a request that was sent at `sent`.
    pub fn read(answer: &Answer, sent: Instant) -> Result<Self, ConnectionFailure> {
        let response: TokenResponse = answer.json().map_err(ConnectionFailure::MalformedToken)?;
        let Some(value) = response.access_token else {
            return Err(ConnectionFailure::MissingToken);
        };
        let bearer = |kind: &String| kind.eq_ignore_ascii_case("Bearer");
        if !response.token_type.as_ref().is_none_or(bearer) {
            let reason = "`token_type` is not `Bearer`".to_owned();
            return Err(ConnectionFailure::MalformedToken(reason));
        }
        let lifetime = response.expires_in.map(Duration::from_secs);
        // Too far in the future for the clock is as good as for ever.
        let refresh_at = lifetime.and_then(|lifetime| sent.checked_add(usable(lifetime)));
        Ok(Self { value, refresh_at })
    }

    fn is_fresh(&self) -> bool {
        self.refresh_at
            .is_none_or(|refresh_at| Instant::now() < refresh_at)
    }
}

/// How long a token is used. One that lives hardly longer than the margin is used for half of its life: to replace it at
/// every request would use up the service's rate limit.
fn usable(lifetime: Duration) -> Duration {
    lifetime
        .saturating_sub(REFRESH_BEFORE_EXPIRY)
        .max(lifetime / 2)
}

#[derive(Deserialize)]
struct TokenResponse {
    #[serde(default, deserialize_with = "non_empty")]
    access_token: Option<SecretString>,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    Ok(token
        .filter(|token| !token.is_empty())
        .map(SecretString::from))
}

/// A number, or a number in a string, as some services write it.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(u64),
        Text(String),
    }
    match Option::deserialize(deserializer)? {
        None => Ok(None),
        Some(Seconds::Number(seconds)) => Ok(Some(seconds)),
        Some(Seconds::Text(text)) => text.parse().map(Some).map_err(D::Error::custom),
    }
}

/// The token of a connection. However many ask at the same time, one request is made, and all get its outcome.
#[derive(Default)]
pub(super) struct TokenCache {
    latest: Mutex<Latest>,
    /// How many requests for a token have ended.
    requests: AtomicU64,
}

#[derive(Default)]
struct Latest {
    token: Option<Arc<Token>>,
    /// Why the last request failed, if it did.
    failure: Option<ConnectionError>,
}

impl TokenCache {
    /// The token, by `request` if there is none that is fresh.
    pub async fn get<R, F>(&self, request: R) -> Result<Arc<Token>, ConnectionError>
    where
        R: FnOnce() -> F,
        F: Future<Output = Result<Token, ConnectionError>>,
    {
        let seen = self.requests.load(Ordering::Acquire);
        let mut latest = self.latest.lock().await;
        if let Some(token) = latest.token.as_ref().filter(|token| token.is_fresh()) {
            return Ok(Arc::clone(token));
        }
        // Whoever waited while another's request failed would only fail again, and keep the next in line waiting.
        let failed_meanwhile = self.requests.load(Ordering::Acquire) != seen;
        if let Some(failure) = latest.failure.as_ref().filter(|_| failed_meanwhile) {
            return Err(failure.clone());
        }
        let outcome = request().await.map(Arc::new);
        self.requests.fetch_add(1, Ordering::Release);
        latest.token = outcome.as_ref().ok().cloned();
        latest.failure = outcome.as_ref().err().cloned();
        outcome
    }

    /// Forgets the token, unless it has been replaced by another already.
    pub async fn discard(&self, refused: &Arc<Token>) {
        let mut latest = self.latest.lock().await;
        latest.token.take_if(|token| Arc::ptr_eq(token, refused));
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
