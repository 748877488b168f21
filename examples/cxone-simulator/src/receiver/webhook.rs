//! Receivers of webhooks: those of the business intelligence platform that the documents name, and any under `/webhook/`.
//! What comes twice with the same idempotency key is taken once.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::json;

use crate::effect::Answer;
use crate::intercept::Arrival;
use crate::platform::SharedPlatform;
use crate::refusal::Refusal;
use crate::validation::Fields;

const PATHS: [&str; 3] = [
    "/api/v1/refresh/cxone-export",
    "/api/v1/callbacks/cxone",
    "/webhook/{*name}",
];

pub(super) fn routes() -> Router<SharedPlatform> {
    PATHS.into_iter().fold(Router::new(), |router, path| {
        router.route(path, post(receive))
    })
}

async fn receive(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    Fields::of(&headers, &body)?;
    platform.effects.once(&arrival, |_| {
        Ok(Answer::new(StatusCode::OK, json!({ "received": true })))
    })
}
