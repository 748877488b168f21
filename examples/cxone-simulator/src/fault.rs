//! Answers that go wrong on purpose, so that a client's handling of them can be tested over a real connection.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use serde::{Deserialize, Serialize};

use crate::platform::{Platform, refusal};

/// One way to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Fault {
    /// Refuses with this status, and with a `Retry-After` header (seconds or an HTTP date) if one is given.
    Status {
        /// The status to answer; one that HTTP does not allow becomes 500.
        status: u16,
        /// The text of the `Retry-After` header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// Answers with this body as JSON, whether it is JSON or not.
    Answer {
        /// The status to answer; one that HTTP does not allow becomes 500.
        status: u16,
        /// The body, sent as it is.
        body: String,
    },
    /// Waits before it goes on as usual; with a long delay, a server that hangs.
    Delay {
        /// How long to wait, in milliseconds.
        milliseconds: u64,
    },
    /// Sends the head of an answer and a part of its body, then cuts the connection.
    Cut,
}

impl Fault {
    /// A bare refusal with this status.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        let retry_after = None;
        Self::Status {
            status,
            retry_after,
        }
    }

    /// An answer with this body.
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::Answer { status, body }
    }

    /// The answer that goes wrong, or `None` when the request is to be answered as usual after all.
    pub(crate) async fn respond(self, platform: &Platform) -> Option<Response> {
        match self {
            Self::Status {
                status,
                retry_after,
            } => {
                let mut response = refusal(status_code(status), "planned_fault", "as planned");
                if let Some(value) = retry_after.and_then(|v| HeaderValue::from_str(&v).ok()) {
                    response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                Some(response)
            }
            Self::Answer { status, body } => {
                let json = [(header::CONTENT_TYPE, "application/json")];
                Some((status_code(status), json, body).into_response())
            }
            Self::Delay { milliseconds } => {
                let delay = Duration::from_millis(milliseconds);
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = platform.stopped() => {}
                }
                None
            }
            Self::Cut => Some(Response::new(Body::new(CutBody::default()))),
        }
    }
}

/// A fault and the requests that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// Requests whose path begins with this are meant.
    pub path: String,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

const fn once() -> u32 {
    1
}

/// The faults to come, oldest first.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Mutex<VecDeque<PlannedFault>>);

impl FaultPlan {
    pub fn add(&self, planned: PlannedFault) {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.push_back(planned);
    }

    /// Uses up the oldest fault that is meant for this path.
    pub fn take(&self, path: &str) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.retain(|planned| planned.times > 0);
        let planned = plan
            .iter_mut()
            .find(|planned| path.starts_with(&planned.path))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    /// What is still to come.
    pub fn outstanding(&self) -> Vec<PlannedFault> {
        let plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plan.iter()
            .filter(|planned| planned.times > 0)
            .cloned()
            .collect()
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A body that breaks off, upon which the server closes the connection.
#[derive(Debug, Default)]
struct CutBody {
    polls: u32,
}

impl http_body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.polls += 1;
        match self.polls {
            1 => {
                let beginning = Bytes::from_static(b"{\"access_token\":");
                Poll::Ready(Some(Ok(Frame::data(beginning))))
            }
            2 => {
                // A body that pauses makes the server send what it holds so far.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
