//! Data extensions: tables of the platform that are filled by a sync, which pulls records from a source page by page,
//! checks them, and calls back when it is done.

mod check;
mod job;
mod pull;
mod request;
mod schema;
mod table;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Map, Value};

use crate::effect::Answer;
use crate::intercept::Arrival;
use crate::platform::SharedPlatform;
use crate::refusal::Refusal;

pub use schema::{ExtensionField, ExtensionSchema, FieldType};

use job::SyncJob;
use request::SyncRequest;
use table::Table;

const READ_SCOPES: [&str; 1] = ["data:read"];
const SYNC_SCOPES: [&str; 2] = ["data:sync", "data:write"];

/// The tables, and the syncs that fill them.
#[derive(Debug)]
pub(crate) struct DataExtensions {
    tables: HashMap<String, Arc<Table>>,
    jobs: Mutex<HashMap<String, Arc<SyncJob>>>,
}

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new()
        .route("/api/v2/data/extensions/{id}/schema", get(schema))
        .route("/api/v2/data/extensions/{id}/sync", post(sync))
        .route(
            "/api/v2/data/extensions/{id}/sync/{job}/status",
            get(status),
        )
}

async fn schema(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    platform.tokens.check(&headers, &READ_SCOPES)?;
    let table = platform.data_extensions.table(&id)?;
    let limit = platform.options.extension_storage;
    Ok(Json(table.schema.description(limit)))
}

async fn sync(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    platform.tokens.check(&headers, &SYNC_SCOPES)?;
    let table = platform.data_extensions.table(&id)?;
    let request = SyncRequest::checked(&headers, &body, &table.schema)?;
    platform.effects.once(&arrival, |before| {
        let job_id = platform.random("sync", &arrival, before).identifier("sync");
        let consequences = platform.consequences(&arrival);
        let job = Arc::new(SyncJob::new(job_id.clone(), table, request, consequences));
        let answer = job.description();
        platform.data_extensions.add(Arc::clone(&job));
        pull::start(&platform, job);
        Ok(Answer::new(StatusCode::ACCEPTED, answer))
    })
}

async fn status(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path((id, job)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    platform.tokens.check(&headers, &READ_SCOPES)?;
    platform.data_extensions.table(&id)?;
    let job = platform.data_extensions.job(&id, &job)?;
    Ok(Json(job.description()))
}

impl DataExtensions {
    pub fn new(schemas: &[ExtensionSchema]) -> Self {
        let tables = schemas.iter().map(|schema| {
            let table = Table::new(schema.clone());
            (schema.id.clone(), Arc::new(table))
        });
        Self {
            tables: tables.collect(),
            jobs: Mutex::default(),
        }
    }

    /// The records of a table, in the order of their keys; `None` where there is no such table.
    pub fn records(&self, id: &str) -> Option<Vec<Map<String, Value>>> {
        self.tables.get(id).map(|table| table.records())
    }

    pub fn has(&self, id: &str) -> bool {
        self.tables.contains_key(id)
    }

    fn table(&self, id: &str) -> Result<Arc<Table>, Refusal> {
        let table = self.tables.get(id).map(Arc::clone);
        table.ok_or_else(|| Refusal::not_found(format!("there is no data extension {id}")))
    }

    fn job(&self, extension: &str, id: &str) -> Result<Arc<SyncJob>, Refusal> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = jobs.get(id).filter(|job| job.table.schema.id == extension);
        let job = job.map(Arc::clone);
        job.ok_or_else(|| Refusal::not_found(format!("there is no sync job {id}")))
    }

    fn add(&self, job: Arc<SyncJob>) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(job.id.clone(), job);
    }
}
