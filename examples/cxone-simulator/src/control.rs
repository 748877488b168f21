//! The simulator's own paths, for tests that run it as a process: what was asked of it, what came of it, and what shall go
//! wrong next. They are neither recorded nor limited nor protected.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::callback::CallbackAttempt;
use crate::effect::Effect;
use crate::fault::{FaultRates, PlannedFault};
use crate::platform::SharedPlatform;
use crate::receiver::StoredObject;
use crate::refusal::Refusal;
use crate::request_log::RecordedRequest;

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new()
        .route("/__requests", get(requests).delete(forget_requests))
        .route("/__effects", get(effects))
        .route("/__callbacks", get(callbacks))
        .route("/__objects", get(objects))
        .route("/__extensions/{id}/records", get(records))
        .route("/__faults", post(plan).get(outstanding).delete(no_faults))
        .route("/__faults/rates", get(rates).put(set_rates))
        .route("/__tokens/revoke", post(revoke))
}

async fn requests(State(platform): State<SharedPlatform>) -> Json<Vec<RecordedRequest>> {
    Json(platform.requests.all())
}

async fn forget_requests(State(platform): State<SharedPlatform>) -> StatusCode {
    platform.requests.clear();
    StatusCode::NO_CONTENT
}

/// The effects, and their sums, by which a run that doubled something is seen at a glance.
#[derive(Debug, Serialize)]
struct EffectSummary {
    /// Different things that were brought about.
    distinct: usize,
    /// How often anything was brought about.
    performed: u32,
    /// `performed` without `distinct`.
    doubled: u32,
    repeated: u32,
    conflicting: u32,
    effects: Vec<Effect>,
}

async fn effects(State(platform): State<SharedPlatform>) -> Json<EffectSummary> {
    let effects = platform.effects.all();
    let performed: u32 = effects.iter().map(|effect| effect.performed).sum();
    Json(EffectSummary {
        distinct: effects.len(),
        performed,
        doubled: effects.iter().map(|effect| effect.performed - 1).sum(),
        repeated: effects.iter().map(|effect| effect.repeated).sum(),
        conflicting: effects.iter().map(|effect| effect.conflicting).sum(),
        effects,
    })
}

async fn callbacks(State(platform): State<SharedPlatform>) -> Json<Vec<CallbackAttempt>> {
    Json(platform.callbacks.attempts())
}

async fn objects(State(platform): State<SharedPlatform>) -> Json<Vec<StoredObject>> {
    Json(platform.objects.list())
}

async fn records(
    State(platform): State<SharedPlatform>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Map<String, Value>>>, Refusal> {
    let records = platform.data_extensions.records(&id);
    let missing = || Refusal::not_found(format!("there is no data extension {id}"));
    records.map(Json).ok_or_else(missing)
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

async fn no_faults(State(platform): State<SharedPlatform>) -> StatusCode {
    platform.faults.clear();
    platform.chance.set(None);
    StatusCode::NO_CONTENT
}

async fn rates(State(platform): State<SharedPlatform>) -> Json<Option<FaultRates>> {
    Json(platform.chance.rates())
}

async fn set_rates(
    State(platform): State<SharedPlatform>,
    Json(rates): Json<FaultRates>,
) -> Result<StatusCode, Refusal> {
    let wrong = |reason| Refusal::bad_request("invalid_rates", reason);
    rates.check().map_err(wrong)?;
    platform.chance.set(Some(rates));
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke(State(platform): State<SharedPlatform>) -> StatusCode {
    platform.tokens.revoke_all();
    StatusCode::NO_CONTENT
}
