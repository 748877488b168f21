//! One request and its answer, with nothing left open: the time is bounded, the body is bounded, redirects are not followed
//! (they would carry credentials elsewhere), and every way to fail has its own name.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::address::PrivateAddress;
use super::error::ConnectionFailure;
use super::redaction::Redaction;

/// No reason that a service gives is shown longer than this, in characters.
const MAXIMUM_REASON: usize = 200;

/// An answer of a service.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
    /// Why the service refused, where it did and said so: one line, without secrets.
    pub reason: Option<String>,
}

/// What one try may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The longest that it may take to connect; the client was built with it.
    pub connect_timeout: Duration,
    /// The longest that it may take in all; the client was built with it.
    pub timeout: Duration,
    /// The largest body of an answer, in bytes.
    pub maximum: usize,
}

/// A try that came to nothing.
#[derive(Debug)]
pub(super) struct Missed {
    pub failure: ConnectionFailure,
    /// What the service answered, where it answered that it failed or has had enough.
    pub answer: Option<Box<Answer>>,
}

impl From<ConnectionFailure> for Missed {
    fn from(failure: ConnectionFailure) -> Self {
        let answer = None;
        Self { failure, answer }
    }
}

/// Sends a request once. Secrets that the service repeats are taken out of the answer.
pub(super) async fn exchange(
    request: RequestBuilder,
    bounds: Bounds,
    redaction: &Redaction<'_>,
) -> Result<Answer, Missed> {
    let response = request
        .send()
        .await
        .map_err(|error| transport_failure(&error, bounds))?;
    let status = response.status();
    let retry_after = retry_after(response.headers(), Timestamp::now());
    let failure = failure_of(status, retry_after);
    let mut headers = response.headers().clone();
    let body = match (bounded_body(response, bounds).await, &failure) {
        (Ok(body), _) => body,
        // That the service failed says more than that it could not say so to the end.
        (Err(_), Some(failure)) => return Err(failure.clone().into()),
        (Err(broken), None) => return Err(broken.into()),
    };
    redaction.headers(&mut headers);
    let body = redaction.bytes(body);
    let reason = if status.is_success() {
        None
    } else {
        reason(&body)
    };
    let answer = Answer {
        status,
        headers,
        body,
        reason,
    };
    match failure {
        None => Ok(answer),
        Some(failure) => Err(Missed {
            failure,
            answer: Some(Box::new(answer)),
        }),
    }
}

fn failure_of(status: StatusCode, retry_after: Option<Duration>) -> Option<ConnectionFailure> {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Some(ConnectionFailure::RateLimited { retry_after });
    }
    status
        .is_server_error()
        .then_some(ConnectionFailure::ServerError {
            status,
            retry_after,
        })
}

async fn bounded_body(
    mut response: Response,
    bounds: Bounds,
) -> Result<Vec<u8>, ConnectionFailure> {
    let maximum = bounds.maximum;
    let is_announced_too_large = response
        .content_length()
        .is_some_and(|length| length > maximum as u64);
    if is_announced_too_large {
        return Err(ConnectionFailure::TooLarge { maximum });
    }
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| transport_failure(&error, bounds))? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > maximum {
            return Err(ConnectionFailure::TooLarge { maximum });
        }
        body.extend_from_slice(&chunk);
    }
}

fn transport_failure(error: &reqwest::Error, bounds: Bounds) -> ConnectionFailure {
    let refused = causes(error).find_map(|cause| cause.downcast_ref::<PrivateAddress>());
    if let Some(refused) = refused {
        return ConnectionFailure::PrivateAddress(refused.to_string());
    }
    if error.is_timeout() && error.is_connect() {
        let reason = format!("no connection within {:?}", bounds.connect_timeout);
        return ConnectionFailure::Unreachable(reason);
    }
    if error.is_timeout() {
        return ConnectionFailure::TimedOut(bounds.timeout);
    }
    let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(tls) = tls {
        return ConnectionFailure::Tls(tls.to_string());
    }
    let reason = reason_of(error);
    if error.is_connect() {
        ConnectionFailure::Unreachable(reason)
    } else {
        ConnectionFailure::Interrupted(reason)
    }
}

/// The innermost cause, which says what happened; the others say which library noticed, and the outermost quotes the URL.
pub(super) fn reason_of(error: &reqwest::Error) -> String {
    let innermost = causes(error).skip(1).last();
    innermost.map_or_else(|| "for an unknown reason".to_owned(), ToString::to_string)
}

type Cause<'a> = &'a (dyn Error + 'static);

fn causes(error: &reqwest::Error) -> impl Iterator<Item = Cause<'_>> {
    successors(Some(error as Cause), |cause| next_cause(*cause))
}

/// What is behind an error. An `io::Error` passes over what it wraps when asked for its `source`.
fn next_cause<'a>(error: Cause<'a>) -> Option<Cause<'a>> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// RFC 9110 section 10.2.3: a number of seconds or a date. What is neither counts as not said.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    // A date in the past asks for no wait.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

impl Answer {
    /// How long the service asks to be left alone, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, Timestamp::now())
    }

    /// The body as JSON. What is wrong with it is told without quoting it: it may hold a token, or be very long.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = match error.classify() {
                Category::Data => "JSON, but not of the expected fields and types",
                Category::Eof => "JSON that ends too early",
                Category::Io | Category::Syntax => "not JSON",
            };
            format!("{what}: line {} column {}", error.line(), error.column())
        })
    }
}

/// The reason in a body that is JSON and says one where OAuth (RFC 6749 section 5.2) or common usage would. It is made fit
/// for one line of a terminal or a log.
fn reason(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error_description: Option<String>,
        message: Option<String>,
        error: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let reason = refusal
        .error_description
        .or(refusal.message)
        .or(refusal.error)?;
    let printable = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
    Some(printable.take(MAXIMUM_REASON).collect())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn wait_for(value: &'static str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        assert_eq!(wait_for("120"), Some(Duration::from_secs(120)));
    }

    #[test]
    fn retry_after_is_a_date() {
        let wait = wait_for("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait, Some(Duration::from_secs(30)));
    }

    #[test]
    fn retry_after_in_the_past_asks_for_no_wait() {
        let wait = wait_for("Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(wait, Some(Duration::ZERO));
    }

    #[test]
    fn retry_after_that_is_neither_counts_as_not_said() {
        assert_eq!(wait_for("soon"), None);
    }

    #[test]
    fn a_reason_is_one_line() {
        let body = br#"{"error": "two\nlines\u001b[31m"}"#;
        assert_eq!(reason(body).as_deref(), Some("two lines [31m"));
    }

    #[test]
    fn a_body_that_is_not_json_gives_no_reason() {
        assert_eq!(reason(b"<html>"), None);
    }
}
