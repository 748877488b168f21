//! The tokens that are accepted, and what each may do.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use tokio::time::Instant;

use super::authorization;
use crate::refusal::Refusal;

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

impl IssuedTokens {
    pub fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            random: RandomState::new(),
            issued: AtomicU64::new(0),
            tokens: Mutex::default(),
        }
    }

    pub(super) fn issue(&self, scopes: Vec<String>) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        tokens.retain(|_, grant| grant.expires > now);
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let token = format!("cxs-{:016x}", self.random.hash_one(number));
        let expires = now + self.lifetime;
        tokens.insert(token.clone(), Grant { scopes, expires });
        token
    }

    /// Whether the request carries a token that is good for all of these scopes.
    ///
    /// # Errors
    /// 401 without a bearer token, or with one that was never issued, is withdrawn or has expired; 403 for a token that
    /// lacks a scope. Both as RFC 6750 section 3.1 has them.
    pub fn check(&self, headers: &HeaderMap, scopes: &[&str]) -> Result<(), Refusal> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = authorization(headers)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .and_then(|(_, token)| tokens.get(token))
            .filter(|grant| grant.expires > Instant::now());
        let Some(grant) = grant else {
            let description = "the access token is missing, unknown or expired";
            return Err(denial(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                description.into(),
            ));
        };
        let lacking = |scope: &&&str| !grant.scopes.iter().any(|granted| granted == **scope);
        match scopes.iter().find(lacking) {
            None => Ok(()),
            Some(scope) => Err(denial(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                format!("the access token does not carry the scope {scope}"),
            )),
        }
    }

    pub fn revoke_all(&self) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.clear();
    }
}

fn denial(status: StatusCode, error: &'static str, description: String) -> Refusal {
    let challenge = format!(r#"Bearer error="{error}""#);
    Refusal::new(status, error, description).with_header(header::WWW_AUTHENTICATE, challenge)
}
