//! What all areas of the platform share: its options, its state, and the shape of its refusals.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;

use crate::fault::FaultPlan;
use crate::options::Options;
use crate::rate_limit::RateLimit;
use crate::request_log::RequestLog;
use crate::token::IssuedTokens;

/// The state behind the endpoints.
#[derive(Debug)]
pub(crate) struct Platform {
    pub options: Options,
    pub tokens: IssuedTokens,
    pub faults: FaultPlan,
    pub requests: RequestLog,
    pub rate_limit: Option<RateLimit>,
    stopped: watch::Receiver<bool>,
}

/// The state as handlers receive it.
pub(crate) type SharedPlatform = Arc<Platform>;

impl Platform {
    pub fn new(options: Options, stopped: watch::Receiver<bool>) -> Self {
        Self {
            tokens: IssuedTokens::new(options.token_lifetime),
            faults: FaultPlan::default(),
            requests: RequestLog::default(),
            rate_limit: options.rate_limit.map(RateLimit::new),
            options,
            stopped,
        }
    }

    /// Ends when the simulator is told to stop.
    pub async fn stopped(&self) {
        until_stopped(self.stopped.clone()).await;
    }
}

/// Ends when `true` is sent or the sender is gone: both mean that the simulator stops.
pub(crate) async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A refusal in the form of RFC 6749 section 5.2, which the platform uses on all its endpoints.
pub(crate) fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (status, Json(body)).into_response()
}

/// The answer to a path that the platform does not have.
pub(crate) async fn not_found() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this path",
    )
}
