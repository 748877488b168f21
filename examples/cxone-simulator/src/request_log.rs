//! What was asked of the simulator, so that a test can see which requests a client really made.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use serde::Serialize;

/// A request as it arrived, and how it was answered. Credentials are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// When it had arrived, in RFC 3339.
    pub time: String,
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The scheme of the `Authorization` header (`Basic`, `Bearer`) without the credentials.
    pub authorization: Option<String>,
    /// The text of the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// All headers but `Authorization`, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The first 64 KiB of the body as text, `client_secret` left out; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The SHA-256 of the whole body, in lower-case hexadecimal.
    pub body_sha256: String,
    /// The status of the answer; `None` while it is not answered.
    pub status: Option<u16>,
}

/// The latest requests.
#[derive(Debug)]
pub(crate) struct RequestLog {
    kept: usize,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    requests: VecDeque<RecordedRequest>,
    /// How many requests have left at the front.
    forgotten: usize,
}

impl RequestLog {
    /// A log that keeps this many requests.
    pub fn new(kept: usize) -> Self {
        Self {
            kept,
            log: Mutex::default(),
        }
    }

    /// Keeps a request and returns its number.
    pub fn arrived(&self, request: RecordedRequest) -> usize {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.requests.push_back(request);
        if log.requests.len() > self.kept {
            log.requests.pop_front();
            log.forgotten += 1;
        }
        (log.forgotten + log.requests.len()).saturating_sub(1)
    }

    pub fn answered(&self, number: usize, status: StatusCode) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = number.checked_sub(log.forgotten) else {
            return;
        };
        if let Some(request) = log.requests.get_mut(place) {
            request.status = Some(status.as_u16());
        }
    }

    pub fn all(&self) -> Vec<RecordedRequest> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.requests.iter().cloned().collect()
    }

    /// How many there were, the forgotten ones among them.
    pub fn count(&self) -> usize {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.forgotten + log.requests.len()
    }

    pub fn clear(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.forgotten += log.requests.len();
        log.requests.clear();
    }
}
