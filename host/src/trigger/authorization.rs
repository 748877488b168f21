//! Callers that have to show who they are.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use super::problem::Problem;

/// Refuses a caller that does not show the token, if there is one to be shown.
pub(super) fn require(headers: &HeaderMap, token: Option<&SecretString>) -> Result<(), Problem> {
    let Some(token) = token else {
        return Ok(());
    };
    let shown = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, shown)| shown.trim());
    match shown {
        Some(shown) if is_same(shown, token.expose_secret()) => Ok(()),
        Some(_) => Err(Problem::unauthorized(
            "the bearer token is not the right one",
        )),
        None => Err(Problem::unauthorized("a bearer token is needed")),
    }
}

/// How long a comparison of digests takes says nothing about what they are digests of.
fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}
