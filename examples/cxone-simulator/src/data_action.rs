//! `GET /api/v2/data-actions/{id}`: whether a data action exists, and what its records look like.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::platform::{SharedPlatform, refusal};

const READ_SCOPE: &str = "data_actions:read";

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new().route("/api/v2/data-actions/{id}", get(read))
}

async fn read(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    if let Err(denial) = platform.tokens.check(&headers, READ_SCOPE) {
        return denial.response(READ_SCOPE);
    }
    if platform.options.data_actions.contains(&id) {
        Json(data_action(&id)).into_response()
    } else {
        let description = format!("there is no data action {id}");
        refusal(StatusCode::NOT_FOUND, "not_found", &description)
    }
}

fn data_action(id: &str) -> Value {
    json!({
        "id": id,
        "name": format!("Data action {id}"),
        "outputSchema": {
            "type": "object",
            "required": ["interactionId", "customerId", "channel", "status", "timestamp"],
            "properties": {
                "recordType": { "type": "string" },
                "interactionId": { "type": "string" },
                "customerId": { "type": "string" },
                "channel": { "type": "string" },
                "status": { "type": "string" },
                "timestamp": { "type": "integer" },
            },
        },
    })
}
