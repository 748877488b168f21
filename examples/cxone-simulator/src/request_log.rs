//! What was asked of the simulator, so that a test can see which requests a client really made.

use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use serde::Serialize;

/// A request as it arrived, and how it was answered. Credentials are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// The scheme of the `Authorization` header (`Basic`, `Bearer`) without the credentials.
    pub authorization: Option<String>,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The status of the answer; `None` while it is not answered.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Vec<RecordedRequest>>);

impl RequestLog {
    /// Keeps a request and returns its place in the log.
    pub fn arrived(&self, request: RecordedRequest) -> usize {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        requests.len() - 1
    }

    pub fn answered(&self, place: usize, status: StatusCode) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = requests.get_mut(place) {
            request.status = Some(status.as_u16());
        }
    }

    pub fn all(&self) -> Vec<RecordedRequest> {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.clone()
    }
}
