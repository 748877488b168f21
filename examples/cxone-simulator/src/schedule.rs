//! Report exports by schedule: `POST /api/v2/reporting/schedules` makes a schedule whose first execution begins at once, and
//! `GET /api/v2/reporting/schedules/{id}/executions` tells how far it has come.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::callback::Callback;
use crate::effect::Answer;
use crate::fault::Consequences;
use crate::intercept::Arrival;
use crate::options::Options;
use crate::platform::SharedPlatform;
use crate::progress::{Progress, Standing};
use crate::random::Random;
use crate::refusal::Refusal;
use crate::validation::{Fields, parameter};

const PATH: &str = "/api/v2/reporting/schedules";

/// Until it is seen in the queue: a schedule has no execution at first.
const STEPS_TO_QUEUE: u32 = 1;
/// In the queue, and running.
const STEPS_OF_EXECUTION: u32 = 2;

/// The schedules that were made.
#[derive(Debug, Default)]
pub(crate) struct Schedules(Mutex<HashMap<String, Schedule>>);

#[derive(Debug)]
struct Schedule {
    id: String,
    execution_id: String,
    request: Value,
    row_count: u64,
    consequences: Consequences,
    progress: Progress,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
}

pub(crate) fn routes() -> Router<SharedPlatform> {
    Router::new().route(PATH, post(create)).route(
        "/api/v2/reporting/schedules/{id}/executions",
        get(executions),
    )
}

async fn create(
    State(platform): State<SharedPlatform>,
    Extension(arrival): Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    // The schedule reads the report it is for.
    let scopes = ["reporting:schedules:write", "reporting:reports:read"];
    platform.tokens.check(&headers, &scopes)?;
    let request = checked(&headers, &body)?;
    platform.effects.once(&arrival, |before| {
        let consequences = platform.consequences(&arrival);
        let random = platform.random("schedule", &arrival, before);
        let schedule = Schedule::new(request, random, consequences, &platform.options);
        let answer = json!({ "id": schedule.id, "status": "active" });
        platform.schedules.add(schedule);
        Ok(Answer::new(StatusCode::CREATED, answer))
    })
}

/// The rules of the document's first step, all of them at once.
fn checked(headers: &HeaderMap, body: &Bytes) -> Result<Value, Refusal> {
    let mut fields = Fields::of(headers, body)?;
    let report = fields.text("reportId");
    fields.text("name");
    fields.one_of("frequency", &["daily", "weekly", "monthly"]);
    fields.text_that("time", "must be HH:mm, from 00:00 to 23:59", is_time_of_day);
    fields.one_of("outputFormat", &["csv", "xlsx", "json"]);
    fields.one_of("compression", &["none", "gzip"]);
    fields.one_of("deliveryMethod", &["webhook"]);
    fields.text_that("deliveryUrl", "must be an https URL", is_https);
    fields.one_of("partitionBy", &["date"]);
    let dated = report.is_empty() || report.starts_with("report_");
    if fields.boolean("incremental") && !dated {
        let rule = "is possible only for a reportId that begins with report_";
        fields.problem("incremental", rule);
    }
    fields.finish()?;
    Ok(fields.into_value())
}

fn is_time_of_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 5 && bytes[2] == b':';
    shape
        && text.split(':').zip(["23", "59"]).all(|(number, most)| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && number <= most
        })
}

fn is_https(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

async fn executions(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Refusal> {
    let scopes = ["reporting:schedules:read"];
    platform.tokens.check(&headers, &scopes)?;
    parameter(&query.unwrap_or_default(), "limit", 1..=100, 25)?;
    let (items, callback) = platform.schedules.look(&id, &platform.options)?;
    if let Some((callback, consequences)) = callback {
        platform.callbacks.send(&platform, callback, &consequences);
    }
    Ok(Json(json!({ "items": items })))
}

impl Schedules {
    fn add(&self, schedule: Schedule) {
        let mut schedules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schedules.insert(schedule.id.clone(), schedule);
    }

    /// The executions of a schedule, and its delivery if one of them has just ended well.
    fn look(&self, id: &str, options: &Options) -> Result<Look, Refusal> {
        let mut schedules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(schedule) = schedules.get_mut(id) else {
            return Err(Refusal::not_found(format!("there is no schedule {id}")));
        };
        Ok(schedule.look(options))
    }
}

/// The items of a list, and what is to be delivered.
type Look = (Vec<Value>, Option<(Callback, Consequences)>);

impl Schedule {
    fn new(
        request: Value,
        mut random: Random,
        consequences: Consequences,
        options: &Options,
    ) -> Self {
        let report = request["reportId"].as_str().unwrap_or_default();
        // At most 2 % are missing.
        let missing = Random::new(options.seed, "missing rows", report, 0)
            .below(options.report_rows / 50 + 1);
        Self {
            id: random.identifier("schedule"),
            execution_id: random.identifier("execution"),
            row_count: options.report_rows - missing,
            request,
            consequences,
            progress: Progress::begin(),
            started: None,
            completed: None,
        }
    }

    fn look(&mut self, options: &Options) -> Look {
        let done = self.progress.look(options.pace);
        let Some(done) = done.checked_sub(STEPS_TO_QUEUE) else {
            return (Vec::new(), None);
        };
        let outcome = self.consequences.outcome;
        let standing = Standing::after(done, STEPS_OF_EXECUTION, outcome);
        let now = Timestamp::now();
        let ended = matches!(standing, Standing::Completed | Standing::Failed);
        if standing != Standing::Queued {
            self.started.get_or_insert(now);
        }
        let just_ended = ended
            && self
                .completed
                .replace(self.completed.unwrap_or(now))
                .is_none();
        let execution = self.execution(standing);
        let delivery = just_ended && standing == Standing::Completed;
        let callback = delivery.then(|| (self.delivery(&execution), self.consequences.clone()));
        (vec![execution], callback)
    }

    fn execution(&self, standing: Standing) -> Value {
        let mut execution = json!({
            "id": self.execution_id,
            "scheduleId": self.id,
            "reportId": self.request["reportId"],
            "status": standing.name(),
            "outputFormat": self.request["outputFormat"],
            "startedAt": self.started.map(|time| time.to_string()),
            "completedAt": self.completed.map(|time| time.to_string()),
        });
        match standing {
            Standing::Completed => execution["rowCount"] = self.row_count.into(),
            Standing::Failed => execution["error"] = "the data warehouse gave up".into(),
            Standing::Queued | Standing::Running => {}
        }
        execution
    }

    /// What the platform itself tells the schedule's `deliveryUrl`.
    fn delivery(&self, execution: &Value) -> Callback {
        Callback {
            id: self.execution_id.clone(),
            url: self.request["deliveryUrl"]
                .as_str()
                .unwrap_or_default()
                .into(),
            body: execution.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_of_each_and_is_below_24_hours() {
        for right in ["00:00", "02:00", "19:30", "23:59"] {
            assert!(is_time_of_day(right), "{right}");
        }
        for wrong in [
            "24:00", "23:60", "2:00", "0200", "02:00:00", "ab:cd", "02-00", " 2:00", "3é:0",
        ] {
            assert!(!is_time_of_day(wrong), "{wrong}");
        }
    }
}
