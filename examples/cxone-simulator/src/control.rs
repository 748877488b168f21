//! The simulator's own paths, for tests that run it as a process: what was asked of it, and what shall go wrong next. They
//! are neither recorded nor limited nor protected.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::fault::PlannedFault;
use crate::platform::SharedPlatform;
use crate::request_log::RecordedRequest;

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new()
        .route("/__requests", get(requests))
        .route("/__faults", post(plan).get(outstanding))
        .route("/__tokens/revoke", post(revoke))
}

async fn requests(State(platform): State<SharedPlatform>) -> Json<Vec<RecordedRequest>> {
    Json(platform.requests.all())
}

async fn plan(
    State(platform): State<SharedPlatform>,
    Json(planned): Json<PlannedFault>,
) -> StatusCode {
    platform.faults.add(planned);
    StatusCode::NO_CONTENT
}

async fn outstanding(State(platform): State<SharedPlatform>) -> Json<Vec<PlannedFault>> {
    Json(platform.faults.outstanding())
}

async fn revoke(State(platform): State<SharedPlatform>) -> StatusCode {
    platform.tokens.revoke_all();
    StatusCode::NO_CONTENT
}
