//! What goes wrong on purpose, so that a client's handling of it can be tested over a real connection: planned for certain
//! requests ([`PlannedFault`]), or by chance but repeatable by a seed ([`FaultRates`]).
//!
//! Some faults meet the request itself. Others meet the work that it starts, and show later: in a poll, in the records of
//! an export, in a callback.

mod chance;
mod consequence;
mod damage;
mod plan;

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::platform::Platform;
use crate::refusal::Refusal;

pub(crate) use chance::FaultChance;
pub use chance::FaultRates;
pub(crate) use consequence::{Consequences, Outcome, Rejected};
pub use consequence::{Drift, DriftChange};
pub(crate) use plan::FaultPlan;
pub use plan::PlannedFault;

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
    /// Does what was asked for, sends the head of the answer and half of its body, then cuts the connection.
    Cut,
    /// Does what was asked for, and answers with half of the body as if it were the whole.
    Malformed,
    /// Does what was asked for, and answers 502 as a proxy does that lost the answer.
    AnswerLost,
    /// The work that the request starts fails in the end.
    Fail,
    /// The work that the request starts never ends.
    Stall,
    /// The export's records change their shape.
    Drift(Drift),
    /// The sync finds fault with so many records that are right, until they are sent again.
    RejectRecords {
        /// How many, from the first one on.
        count: u64,
    },
    /// The callback is made twice.
    DuplicateCallback,
    /// The callback waits until another one has overtaken it.
    LateCallback,
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

    /// Whether it meets the work that a request starts, rather than the request.
    const fn is_later(&self) -> bool {
        match self {
            Self::Status { .. }
            | Self::Answer { .. }
            | Self::Delay { .. }
            | Self::Cut
            | Self::Malformed
            | Self::AnswerLost => false,
            Self::Fail
            | Self::Stall
            | Self::Drift(_)
            | Self::RejectRecords { .. }
            | Self::DuplicateCallback
            | Self::LateCallback => true,
        }
    }

    /// Answers a request that meets this fault.
    pub(crate) async fn meet(self, platform: &Platform, request: Request, next: Next) -> Response {
        match self {
            Self::Status {
                status,
                retry_after,
            } => planned_refusal(status, retry_after),
            Self::Answer { status, body } => {
                let json = [(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                )];
                (status_code(status), json, body).into_response()
            }
            Self::Delay { milliseconds } => {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(milliseconds)) => {}
                    () = platform.stopped() => {}
                }
                next.run(request).await
            }
            Self::Cut => damage::cut(next.run(request).await).await,
            Self::Malformed => damage::malform(next.run(request).await).await,
            Self::AnswerLost => {
                next.run(request).await;
                planned_refusal(502, None)
            }
            _ => next.run(request).await,
        }
    }
}

fn planned_refusal(status: u16, retry_after: Option<String>) -> Response {
    let refusal = Refusal::new(status_code(status), "planned_fault", "as planned");
    match retry_after {
        Some(text) => refusal.retry_after(text),
        None => refusal,
    }
    .into_response()
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
