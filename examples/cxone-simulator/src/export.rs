//! Exports of data actions: `POST /api/v2/data-actions/exports` begins one, `GET …/exports/{id}` tells how far it has
//! come, and `GET …/exports/{id}/records?limit=&offset=` gives its records as a JSON array, an empty one behind the last.

mod records;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use crate::effect::Answer;
use crate::fault::{Drift, Outcome};
use crate::intercept::Arrival;
use crate::options::Options;
use crate::platform::SharedPlatform;
use crate::progress::{Progress, Standing};
use crate::refusal::Refusal;
use crate::validation::{Fields, parameter};

use records::Record;

const PATH: &str = "/api/v2/data-actions/exports";
const READ_SCOPES: [&str; 1] = ["data-actions:read"];
const EXPORT_SCOPES: [&str; 1] = ["data-actions:export"];

/// The document's largest chunk, in records.
const MOST_RECORDS: u64 = 10_000;

/// The exports that were begun.
#[derive(Debug, Default)]
pub(crate) struct Exports(Mutex<HashMap<String, Export>>);

#[derive(Debug)]
struct Export {
    report: String,
    outcome: Outcome,
    drift: Option<Drift>,
    progress: Progress,
}

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new()
        .route(PATH, post(create))
        .route("/api/v2/data-actions/exports/{id}", get(status))
        .route("/api/v2/data-actions/exports/{id}/records", get(read))
}

async fn create(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    platform.tokens.check(&headers, &EXPORT_SCOPES)?;
    let mut fields = Fields::of(&headers, &body)?;
    let report = fields.text("report_id");
    fields.one_of("format", &["json"]);
    fields.finish()?;
    platform.effects.once(&arrival, |before| {
        let id = platform
            .random("export", &arrival, before)
            .identifier("export");
        let consequences = platform.consequences(&arrival);
        let drift = consequences.drift;
        let export = Export {
            outcome: consequences.outcome,
            drift: drift.map(|drift| drift.within(platform.options.export_rows)),
            ..Export::new(report)
        };
        let answer = export.description(
            &id,
            export.standing(0, &platform.options),
            &platform.options,
        );
        platform.exports.add(id, export);
        Ok(Answer::new(StatusCode::CREATED, answer))
    })
}

async fn status(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    platform.tokens.check(&headers, &READ_SCOPES)?;
    let options = &platform.options;
    let description = platform.exports.look(&id, options, |export, standing| {
        Ok(export.description(&id, standing, options))
    })?;
    Ok(Json(description))
}

async fn read(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Record>>, Refusal> {
    platform.tokens.check(&headers, &READ_SCOPES)?;
    let options = &platform.options;
    let query = query.unwrap_or_default();
    let limit = parameter(&query, "limit", 1..=MOST_RECORDS, 1_000)?;
    let offset = parameter(&query, "offset", 0..=u64::MAX, 0)?;
    let records = platform.exports.look(&id, options, |export, standing| {
        export.require_records(standing)?;
        let end = offset.saturating_add(limit).min(options.export_rows);
        let record = |place| Record::new(options.seed, &export.report, place, export.drift);
        Ok((offset..end).map(record).collect())
    })?;
    Ok(Json(records))
}

impl Exports {
    /// Those of the options, which are completed.
    pub fn existing(options: &Options) -> Self {
        let exports = options.exports.iter();
        let exports = exports.map(|id| (id.clone(), Export::new(id.clone())));
        Self(Mutex::new(exports.collect()))
    }

    fn add(&self, id: String, export: Export) {
        let mut exports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        exports.insert(id, export);
    }

    fn look<T>(
        &self,
        id: &str,
        options: &Options,
        see: impl FnOnce(&Export, Standing) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut exports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(export) = exports.get_mut(id) else {
            return Err(Refusal::not_found(format!("there is no export {id}")));
        };
        let done = export.progress.look(options.pace);
        see(export, export.standing(done, options))
    }
}

impl Export {
    fn new(report: String) -> Self {
        Self {
            report,
            outcome: Outcome::Succeeds,
            drift: None,
            progress: Progress::begin(),
        }
    }

    fn standing(&self, done: u32, options: &Options) -> Standing {
        Standing::after(done, options.export_steps, self.outcome)
    }

    fn description(&self, id: &str, standing: Standing, options: &Options) -> Value {
        let mut description = json!({
            "id": id,
            "status": standing.name(),
            "report_id": self.report,
            "format": "json",
        });
        if standing == Standing::Completed {
            description["record_count"] = options.export_rows.into();
        }
        description
    }

    fn require_records(&self, standing: Standing) -> Result<(), Refusal> {
        let (error, description) = match standing {
            Standing::Completed => return Ok(()),
            Standing::Failed => ("export_failed", "the export failed"),
            Standing::Queued | Standing::Running => {
                ("export_not_ready", "the export is not completed yet")
            }
        };
        Err(Refusal::new(StatusCode::CONFLICT, error, description))
    }
}
