//! `POST /oauth/token`: access tokens by the client credentials grant of RFC 6749 section 4.4, the client authenticated by
//! HTTP Basic.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::platform::{SharedPlatform, refusal};

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new().route("/oauth/token", post(issue))
}

#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
}

async fn issue(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    let options = &platform.options;
    let known = (options.client_id.clone(), options.client_secret.clone());
    if basic_credentials(&headers) != Some(known) {
        return invalid_client();
    }
    match request.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "only the grant type client_credentials is supported";
            return refusal(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                description,
            );
        }
        None => {
            let description = "grant_type is missing";
            return refusal(StatusCode::BAD_REQUEST, "invalid_request", description);
        }
    }
    let scopes = granted_scopes(&options.scopes, request.scope.as_deref());
    let scope = scopes.join(" ");
    let body = json!({
        "access_token": platform.tokens.issue(scopes),
        "token_type": "Bearer",
        "expires_in": options.token_lifetime.as_secs(),
        "scope": scope,
    });
    // RFC 6749 section 5.1: what holds a token must not be stored.
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Those of the requested scopes that the client may have; all that it may have when it asks for none in particular. A
/// client that asks for more gets a token that does less (RFC 6749 section 3.3), and learns it at the first 403.
fn granted_scopes(allowed: &[String], requested: Option<&str>) -> Vec<String> {
    let Some(requested) = requested else {
        return allowed.to_vec();
    };
    let requested: Vec<&str> = requested.split_ascii_whitespace().collect();
    let granted = allowed
        .iter()
        .filter(|scope| requested.contains(&scope.as_str()));
    granted.cloned().collect()
}

/// Identifier and secret as RFC 7617 lays them down: encoded as they are, without the form encoding of RFC 6749 section
/// 2.3.1, which the platform does not ask for.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = authorization(headers)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.into(), secret.into()))
}

/// The `Authorization` header as its scheme and what follows.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.split_once(' ')
}

fn invalid_client() -> Response {
    let description = "client authentication failed";
    let mut response = refusal(StatusCode::UNAUTHORIZED, "invalid_client", description);
    let challenge = HeaderValue::from_static(r#"Basic realm="cxone-simulator""#);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// The tokens that are accepted, and what each may do.
#[derive(Debug)]
pub(crate) struct IssuedTokens {
    lifetime: Duration,
    random: RandomState,
    issued: AtomicU64,
    tokens: Mutex<HashMap<String, Grant>>,
}

#[derive(Debug, Clone)]
struct Grant {
    scopes: Vec<String>,
    expires: Instant,
}

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// No bearer token, or one that was never issued, is withdrawn or has expired.
    Unauthorized,
    /// The token does not carry the scope.
    Forbidden,
}

impl IssuedTokens {
    pub fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            random: RandomState::new(),
            issued: AtomicU64::new(0),
            tokens: Mutex::default(),
        }
    }

    fn issue(&self, scopes: Vec<String>) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        tokens.retain(|_, grant| grant.expires > now);
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let token = format!("cxs-{:016x}", self.random.hash_one(number));
        let expires = now + self.lifetime;
        tokens.insert(token.clone(), Grant { scopes, expires });
        token
    }

    /// Whether the request carries a token that is good for `scope`.
    pub fn check(&self, headers: &HeaderMap, scope: &str) -> Result<(), Denial> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = authorization(headers)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .and_then(|(_, token)| tokens.get(token))
            .filter(|grant| grant.expires > Instant::now())
            .ok_or(Denial::Unauthorized)?;
        if grant.scopes.iter().any(|granted| granted == scope) {
            Ok(())
        } else {
            Err(Denial::Forbidden)
        }
    }

    pub fn revoke_all(&self) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.clear();
    }
}

impl Denial {
    /// The refusal of RFC 6750 section 3.1.
    pub fn response(self, scope: &str) -> Response {
        let (status, error, description) = match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "the access token is missing, unknown or expired".to_owned(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                format!("the access token does not carry the scope {scope}"),
            ),
        };
        let mut response = refusal(status, error, &description);
        if let Ok(challenge) = HeaderValue::from_str(&format!(r#"Bearer error="{error}""#)) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
