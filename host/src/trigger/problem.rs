//! Answers that say no, in a form that programs can read: problem details (RFC 9457).

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value as Json};

use crate::job::{JobError, Problem as InputProblem, SubmitError};

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// Why a request is not answered as it was meant.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Map<String, Json>,
}

impl Problem {
    /// A problem of a kind that `code` names; `detail` is for people, and holds nothing that is not the caller's business.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let mut members = Map::new();
        // Without a page that describes it, the type is this one, and the title that of the status.
        members.insert("type".into(), "about:blank".into());
        let title = status.canonical_reason().unwrap_or("Failure");
        members.insert("title".into(), title.into());
        members.insert("status".into(), status.as_u16().into());
        members.insert("code".into(), code.into());
        members.insert("detail".into(), detail.into().into());
        Self {
            status,
            headers: Vec::new(),
            members,
        }
    }

    /// Everything that is wrong with an input.
    pub fn invalid(problems: &[InputProblem]) -> Self {
        let count = match problems.len() {
            1 => "there is 1 problem with the input".to_owned(),
            count => format!("there are {count} problems with the input"),
        };
        let problems: Vec<Json> = problems.iter().map(input_problem).collect();
        Self::new(StatusCode::BAD_REQUEST, "invalid-input", count).with("problems", problems.into())
    }

    /// Jobs cannot be asked: why is in the log.
    pub fn of_jobs(error: &JobError) -> Self {
        if let JobError::Unknown(_) = error {
            let detail = "there is no such job, or what came of it is not kept any longer";
            return Self::new(StatusCode::NOT_FOUND, "unknown-job", detail);
        }
        tracing::error!(%error, "a request could not be answered");
        let detail = "the request cannot be worked on at the moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .retry_after(Duration::from_secs(5))
    }

    /// The host or a plugin has failed: how is in the log.
    pub fn broken(error: &SubmitError) -> Self {
        tracing::error!(%error, code = %error.code(), "a job could not be made of a request");
        let detail = "no job could be made of the request";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", detail)
    }

    /// The caller has not shown who it is.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// The path knows other methods.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let detail = format!("this path is asked by {allowed}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail);
        match HeaderValue::from_str(allowed) {
            Ok(allowed) => problem.header(ALLOW, allowed),
            Err(_) => problem,
        }
    }

    /// Adds a member.
    pub fn with(mut self, member: &str, value: Json) -> Self {
        self.members.insert(member.into(), value);
        self
    }

    /// Says when to come again, in whole seconds, never too early.
    pub fn retry_after(self, wait: Duration) -> Self {
        self.header(RETRY_AFTER, seconds(wait))
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The problem in JSON.
    pub fn json(self) -> Json {
        Json::Object(self.members)
    }

    pub fn into_answer(self) -> Answer {
        let body = Json::Object(self.members).to_string();
        let mut answer = respond(self.status, "application/problem+json", body.into());
        answer.headers_mut().extend(self.headers);
        answer
    }
}

fn input_problem(problem: &InputProblem) -> Json {
    let mut json = serde_json::to_value(problem).unwrap_or_default();
    if let Some(value) = &problem.value {
        // It is JSON already, unless the plugin says so wrongly.
        json["value"] = serde_json::from_str(value).unwrap_or_else(|_| value.as_str().into());
    }
    json
}

/// A whole number of seconds for `Retry-After`, rounded up.
pub(super) fn seconds(wait: Duration) -> HeaderValue {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

pub(super) fn respond(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

pub(super) fn respond_json(status: StatusCode, body: &Json) -> Answer {
    respond(status, "application/json", body.to_string().into())
}
