//! `POST /api/v2/events/stream`: takes events in, among them those that tell how well a data extension is synchronised.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::effect::Answer;
use crate::intercept::Arrival;
use crate::platform::{Platform, SharedPlatform};
use crate::refusal::Refusal;
use crate::validation::Fields;

const EXTENSION_HEALTH: &str = "CXONE_EXTENSION_HEALTH";

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new().route("/api/v2/events/stream", post(accept))
}

async fn accept(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    platform.tokens.check(&headers, &["data:write"])?;
    let mut fields = Fields::of(&headers, &body)?;
    let kind = fields.text("eventType");
    let data = fields.value("data");
    if !data.is_object() {
        fields.problem("data", "must be an object");
    } else if kind == EXTENSION_HEALTH {
        check_health(&mut fields, &data, &platform);
    }
    fields.finish()?;
    platform.effects.once(&arrival, |before| {
        let id = platform
            .random("event", &arrival, before)
            .identifier("event");
        Ok(Answer::new(StatusCode::ACCEPTED, json!({ "eventId": id })))
    })
}

fn check_health(fields: &mut Fields, data: &Value, platform: &Platform) {
    let extension = data["extensionId"].as_str().unwrap_or_default();
    if !platform.data_extensions.has(extension) {
        fields.problem("data", "extensionId is not a data extension");
    }
    if data["syncLatencyMs"].as_u64().is_none() {
        fields.problem(
            "data",
            "syncLatencyMs must be a whole number that is not negative",
        );
    }
    let rate = data["rejectionRatePercent"].as_f64();
    if !rate.is_some_and(|rate| (0.0..=100.0).contains(&rate)) {
        fields.problem(
            "data",
            "rejectionRatePercent must be a number from 0 to 100",
        );
    }
    if !matches!(data["healthScore"].as_str(), Some("HEALTHY" | "DEGRADED")) {
        fields.problem("data", "healthScore must be HEALTHY or DEGRADED");
    }
    let reported = data["reportedAt"].as_str().unwrap_or_default();
    if reported.parse::<jiff::Timestamp>().is_err() {
        fields.problem("data", "reportedAt must be a point in time in RFC 3339");
    }
}
