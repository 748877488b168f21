//! What services answer, and what they say later.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;

/// The code of a failure by an answer that came whole as HTTP and makes no sense.
pub const MALFORMED_RESPONSE: &str = "malformed-response";

/// How much of a body a failure shows, characters.
const EXCERPT: usize = 200;

/// The longest body that becomes the details of a failure, bytes.
const MOST_DETAILS: usize = 16 * 1024;

/// The answer of a service, of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a service said by calling back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The body of its request.
    pub payload: Vec<u8>,
}

impl Response {
    /// A response without headers and body, for tests.
    pub fn of(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A response in JSON, for tests.
    ///
    /// # Panics
    /// Where the value has no JSON form.
    pub fn of_json(status: u16, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self {
                body,
                ..Self::of(status).with_header("content-type", "application/json")
            },
            Err(error) => panic!("the body of a response is no JSON: {error}"),
        }
    }

    /// With a header more, for tests.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is one of 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The response, if its status is one of 200 to 299.
    ///
    /// # Errors
    /// As of [`expect_status`](Self::expect_status), else.
    pub fn success(self) -> Result<Self, Failure> {
        match self.is_success() {
            true => Ok(self),
            false => Err(self.unexpected()),
        }
    }

    /// The response, if its status is this one.
    ///
    /// # Errors
    /// The code `rate-limited` for 429, else `unexpected-status`, with the status and the beginning of the body. A trigger answers with 503 for 429 and 503,
    /// and says after what time to come back if the service said so in seconds; with 504 for 504, and else with 502.
    pub fn expect_status(self, status: u16) -> Result<Self, Failure> {
        match self.status == status {
            true => Ok(self),
            false => Err(self.unexpected()),
        }
    }

    /// The failure that the response is where it is not what was hoped for, with its body as details if that is JSON and short: as of
    /// [`expect_status`](Self::expect_status).
    pub fn unexpected(&self) -> Failure {
        let code = match self.status {
            429 => "rate-limited",
            _ => "unexpected-status",
        };
        let answered = match self.status {
            429 | 503 => 503,
            504 => 504,
            _ => 502,
        };
        let message = format!(
            "the service answered {}: {}",
            self.status,
            excerpt(&self.body)
        );
        let mut failure = Failure::new(code, message).status(answered);
        if self.body.len() <= MOST_DETAILS {
            let body = self.json::<serde_json::Value>().ok();
            failure.details = body.map(|body| body.to_string());
        }
        if answered == 503 {
            let seconds = self
                .header("retry-after")
                .and_then(|value| value.parse().ok());
            failure.retry_after = seconds.map(Duration::from_secs);
        }
        failure
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// The code `malformed-response`, where it is none, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.body, MALFORMED_RESPONSE, "the response")
    }
}

impl Callback {
    /// The payload read as JSON.
    ///
    /// # Errors
    /// The code `malformed-callback`, where it is none, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read(&self.payload, "malformed-callback", "the callback")
    }
}

fn read<T: DeserializeOwned>(body: &[u8], code: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("{what} cannot be read: {error}: {}", excerpt(body));
        Failure::new(code, message).status(502)
    })
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(EXCERPT).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
