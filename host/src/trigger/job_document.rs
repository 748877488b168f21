//! What a caller is told of a job: by the answer that waited for it, and at its own URL.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::{Value as Json, json};

use super::problem::{Answer, Problem, respond, respond_json, seconds};
use crate::config::FailureStatus;
use crate::job::{Failure, Outcome, Submission, View};

/// How soon a caller may look again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The name that other services give it too.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The path of a job.
pub(super) fn path(id: &str) -> String {
    format!("/jobs/{id}")
}

/// The answer that a job is under way.
pub(super) fn accepted(submission: &Submission) -> Answer {
    let url = path(&submission.id);
    let body = json!({ "id": submission.id, "url": url });
    let mut answer = respond_json(StatusCode::ACCEPTED, &body);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, seconds(LOOK_AGAIN));
    about(answer, submission)
}

/// The answer that a job has come to an end.
pub(super) fn ended(
    submission: &Submission,
    outcome: &Outcome,
    failures: &BTreeMap<String, FailureStatus>,
) -> Answer {
    let answer = match outcome {
        Outcome::Returned(output) => {
            respond(StatusCode::OK, "application/json", output.clone().into())
        }
        other => match problem(other, failures) {
            Some(problem) => problem
                .with("job", path(&submission.id).into())
                .into_answer(),
            None => accepted(submission),
        },
    };
    about(answer, submission)
}

fn about(mut answer: Answer, submission: &Submission) -> Answer {
    let headers = answer.headers_mut();
    if let Ok(url) = HeaderValue::from_str(&path(&submission.id)) {
        headers.insert(LOCATION, url);
    }
    if submission.repeated {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}

/// The problem that an outcome is, if it is one.
pub(super) fn problem(
    outcome: &Outcome,
    failures: &BTreeMap<String, FailureStatus>,
) -> Option<Problem> {
    match outcome {
        Outcome::Returned(_) => None,
        Outcome::Failed(failure) => Some(failed(failure, failures)),
        Outcome::Cancelled => {
            let detail = "the job was cancelled";
            Some(Problem::new(StatusCode::CONFLICT, "cancelled", detail))
        }
        Outcome::Diverged { .. } => Some(broken("diverged")),
        Outcome::Exceeded { .. } => Some(broken("limit-exceeded")),
        Outcome::Trapped { .. } => Some(broken("trapped")),
    }
}

/// Why a plugin broke off is its operator's business, not that of its callers.
fn broken(code: &str) -> Problem {
    let detail = "the job did not come to its end";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail)
}

/// What the manifest says of a failure goes before what the job says.
fn failed(failure: &Failure, failures: &BTreeMap<String, FailureStatus>) -> Problem {
    let said = failures.get(&failure.code);
    let own = failure
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let own = own.filter(|status| status.is_client_error() || status.is_server_error());
    let status = said
        .map(|said| said.status)
        .or(own)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = failure
        .retry_after
        .or_else(|| said.and_then(|said| said.retry_after));
    let mut problem = Problem::new(status, &failure.code, failure.message.clone());
    if let Some(details) = &failure.details {
        let details = serde_json::from_str(details).unwrap_or_else(|_| details.as_str().into());
        problem = problem.with("details", details);
    }
    match retry_after {
        Some(wait) => problem.retry_after(wait),
        None => problem,
    }
}

/// A job at its own URL.
pub(super) fn document(view: &View, failures: &BTreeMap<String, FailureStatus>) -> Answer {
    let mut document = json!({ "id": view.id, "job": view.job, "url": path(&view.id) });
    document["state"] = serde_json::to_value(view.state).unwrap_or_default();
    if let Some(progress) = &view.progress {
        document["progress"] = progress.as_str().into();
    }
    match &view.outcome {
        Some(Outcome::Returned(output)) => document["output"] = readable(output),
        Some(other) => {
            if let Some(problem) = problem(other, failures) {
                document["problem"] = problem.json();
            }
        }
        None => {}
    }
    let mut answer = respond_json(StatusCode::OK, &document);
    if !view.state.is_over() {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, seconds(LOOK_AGAIN));
    }
    answer
}

/// JSON as it is, other text as a string, other bytes in base64.
fn readable(output: &[u8]) -> Json {
    if let Ok(json) = serde_json::from_slice(output) {
        return json;
    }
    match std::str::from_utf8(output) {
        Ok(text) => text.into(),
        Err(_) => BASE64_STANDARD.encode(output).into(),
    }
}
