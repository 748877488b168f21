//! What comes with a request, up to a bound of bytes and time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;

use super::problem::Problem;

/// The whole body.
pub(super) async fn read(body: Incoming, maximum: u64, within: Duration) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {maximum} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    if body.size_hint().lower() > maximum {
        return Err(too_large());
    }
    let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
    let collected = Limited::new(body, maximum).collect();
    match tokio::time::timeout(within, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => {
            let detail = "the body broke off";
            Err(Problem::new(StatusCode::BAD_REQUEST, "broken-body", detail))
        }
        Err(_) => {
            let detail = format!("the body did not come within {within:?}");
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "slow-body",
                detail,
            ))
        }
    }
}

/// Refuses a body that says that it is something else than JSON.
pub(super) fn require_json_type(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    let essence = said.map(|said| said.split(';').next().unwrap_or_default().trim());
    let is_json = essence.is_none_or(|essence| {
        essence.eq_ignore_ascii_case("application/json")
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    if is_json {
        return Ok(());
    }
    let detail = "the body has to be `application/json`";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail);
    Err(problem.header(
        hyper::header::ACCEPT,
        hyper::header::HeaderValue::from_static("application/json"),
    ))
}

/// Refuses what is not JSON, without quoting it.
pub(super) fn require_json(bytes: &[u8]) -> Result<(), Problem> {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Ok(()),
        Err(error) => {
            let detail = format!(
                "the body is not JSON: line {} column {}",
                error.line(),
                error.column()
            );
            Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed-json",
                detail,
            ))
        }
    }
}
