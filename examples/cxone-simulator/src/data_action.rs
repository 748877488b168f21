//! `GET /api/v2/data-actions/{id}`: whether a data action exists, and what its records look like.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::platform::SharedPlatform;
use crate::refusal::Refusal;

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new().route("/api/v2/data-actions/{id}", get(read))
}

async fn read(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    platform.tokens.check(&headers, &["data_actions:read"])?;
    if platform.options.data_actions.contains(&id) {
        Ok(Json(data_action(&id)))
    } else {
        let description = format!("there is no data action {id}");
        Err(Refusal::not_found(description))
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
