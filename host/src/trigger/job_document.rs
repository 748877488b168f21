//! What a caller is told of a job: by the answer that waited for it, and at its own URL.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::{Value as Json, json};

use super::job::{JobFailure, JobOutcome, JobState, JobView};
use super::problem::{Answer, Problem, respond, respond_json, seconds};
use super::service::Submitted;
use crate::config::FailureStatus;

/// How soon a caller may look again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The name that other services give it too.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The path of a job.
pub(super) fn path(id: &str) -> String {
    format!("/jobs/{id}")
}

/// The answer that a job is under way.
pub(super) fn accepted(submitted: &Submitted) -> Answer {
    let url = path(&submitted.id);
    let body = json!({ "id": submitted.id, "url": url });
    let mut answer = respond_json(StatusCode::ACCEPTED, &body);
    answer.headers_mut().insert(RETRY_AFTER, seconds(LOOK_AGAIN));
    about(answer, submitted)
}

/// The answer that a job has come to an end.
pub(super) fn ended(
    submitted: &Submitted,
    outcome: &JobOutcome,
    failures: &BTreeMap<String, FailureStatus>,
) -> Answer {
    let answer = match outcome {
        JobOutcome::Returned(output) => {
            respond(StatusCode::OK, "application/json", output.clone())
        }
        other => match problem(other, failures) {
            Some(problem) => problem.with("job", path(&submitted.id).into()).into_answer(),
            None => accepted(submitted),
        },
    };
    about(answer, submitted)
}

fn about(mut answer: Answer, submitted: &Submitted) -> Answer {
    let headers = answer.headers_mut();
    if let Ok(url) = HeaderValue::from_str(&path(&submitted.id)) {
        headers.insert(LOCATION, url);
    }
    if submitted.repeated {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}

/// The problem that an outcome is, if it is one.
pub(super) fn problem(
    outcome: &JobOutcome,
    failures: &BTreeMap<String, FailureStatus>,
) -> Option<Problem> {
    match outcome {
        JobOutcome::Returned(_) => None,
        JobOutcome::Failed(failure) => Some(failed(failure, failures)),
        JobOutcome::Cancelled => {
            let detail = "the job was cancelled";
            Some(Problem::new(StatusCode::CONFLICT, "cancelled", detail))
        }
        JobOutcome::Broken { code } => {
            let detail = "the job did not come to its end; the host's log says why";
            Some(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, detail))
        }
    }
}

/// What the manifest says of a failure goes before what the job says.
fn failed(failure: &JobFailure, failures: &BTreeMap<String, FailureStatus>) -> Problem {
    let said = failures.get(&failure.code);
    let own = failure.status.and_then(|status| StatusCode::from_u16(status).ok());
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
        problem = problem.with("details", details.clone());
    }
    match retry_after {
        Some(wait) => problem.retry_after(wait),
        None => problem,
    }
}

/// A job at its own URL.
pub(super) fn document(view: &JobView, failures: &BTreeMap<String, FailureStatus>) -> Answer {
    let mut document = json!({ "id": view.id, "job": view.job, "url": path(&view.id) });
    let state = match &view.state {
        JobState::Running => "running",
        JobState::Waiting => "waiting",
        JobState::Asking => "asking",
        JobState::Ended(JobOutcome::Returned(_)) => "succeeded",
        JobState::Ended(JobOutcome::Cancelled) => "cancelled",
        JobState::Ended(_) => "failed",
    };
    document["state"] = state.into();
    if let Some(progress) = &view.progress {
        document["progress"] = progress.as_str().into();
    }
    let mut is_over = false;
    if let JobState::Ended(outcome) = &view.state {
        is_over = true;
        if let JobOutcome::Returned(output) = outcome {
            document["output"] = readable(output);
        }
        if let Some(problem) = problem(outcome, failures) {
            document["problem"] = problem.json();
        }
    }
    let mut answer = respond_json(StatusCode::OK, &document);
    if !is_over {
        answer.headers_mut().insert(RETRY_AFTER, seconds(LOOK_AGAIN));
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
