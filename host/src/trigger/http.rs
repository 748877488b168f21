//! A request starts a job, and gets what comes of it if that comes soon, else the URL at which it will be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, Request, StatusCode, Uri};
use secrecy::SecretString;
use serde_json::{Map, Value as Json};
use tokio::sync::{Semaphore, watch};

use super::authorization;
use super::body;
use super::job_document::{accepted, ended};
use super::problem::{Answer, Problem};
use super::service::JobService;
use super::until;
use crate::config::{AnswerMode, FailureStatus, HttpTrigger};
use crate::job::{Submission, SubmitError};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How a caller says that it does not want to wait (RFC 7240 section 4.1).
const PREFER: HeaderName = HeaderName::from_static("prefer");
const LONGEST_KEY: usize = 255;

/// An endpoint that starts jobs.
pub(super) struct HttpEndpoint {
    name: String,
    options: HttpTrigger,
    failures: BTreeMap<String, FailureStatus>,
    token: Option<SecretString>,
    room: Semaphore,
    jobs: Arc<dyn JobService>,
}

impl HttpEndpoint {
    pub fn new(
        name: String,
        options: HttpTrigger,
        token: Option<SecretString>,
        jobs: &Arc<dyn JobService>,
    ) -> Self {
        let failures = options.failures.iter();
        Self {
            name,
            failures: failures
                .map(|(code, status)| (code.value.clone(), *status))
                .collect(),
            room: Semaphore::new(options.concurrency as usize),
            options,
            token,
            jobs: Arc::clone(jobs),
        }
    }

    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    pub fn job(&self) -> &str {
        &self.options.job
    }

    /// What a failure of a job is answered with, by its code.
    pub fn failures(&self) -> &BTreeMap<String, FailureStatus> {
        &self.failures
    }

    /// `stopped` ends the wait for a job, which goes on without.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        within: Duration,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<Answer, Problem> {
        let (head, body) = request.into_parts();
        authorization::require(&head.headers, self.token.as_ref())?;
        let Ok(_room) = self.room.try_acquire() else {
            return Err(busy(Some(self.options.retry_after)));
        };
        let idempotency_key = self.idempotency_key(&head.headers)?;
        let input = self
            .input(&head.method, &head.uri, &head.headers, body, within)
            .await?;
        let job = self.options.job.value.clone();
        let submission = self.jobs.submit(job, input, idempotency_key).await;
        let submission = submission.map_err(|refusal| self.refused(&refusal))?;
        if self.options.answer == AnswerMode::Async || prefers_async(&head.headers) {
            return Ok(accepted(&submission));
        }
        tokio::select! {
            answer = self.wait(&submission) => answer,
            () = until(&mut stopped) => Ok(accepted(&submission)),
        }
    }

    /// What comes of a job, if that comes in time.
    async fn wait(&self, submission: &Submission) -> Result<Answer, Problem> {
        let outcome = self
            .jobs
            .outcome(submission.id.clone(), self.options.wait)
            .await;
        let view = outcome.map_err(|error| Problem::of_jobs(&error))?;
        Ok(match &view.outcome {
            Some(outcome) => ended(submission, outcome, &self.failures),
            None => accepted(submission),
        })
    }

    /// What the job is given: the body, or, of a request that has none by its nature, the parameters of the query.
    async fn input(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Incoming,
        within: Duration,
    ) -> Result<Bytes, Problem> {
        if *method == Method::GET {
            return Ok(query(uri).to_string().into());
        }
        body::require_json_type(headers)?;
        let input = body::read(body, self.options.maximum_body_bytes, within).await?;
        body::require_json(&input)?;
        Ok(input)
    }

    /// Keys of different triggers are different keys.
    fn idempotency_key(&self, headers: &HeaderMap) -> Result<Option<String>, Problem> {
        let key = idempotency_key(headers)?;
        Ok(key.map(|key| format!("{}/{key}", self.name)))
    }

    fn refused(&self, refusal: &SubmitError) -> Problem {
        match refusal {
            SubmitError::Invalid(problems) => Problem::invalid(problems),
            SubmitError::OtherInput { .. } => {
                let detail = "another input was sent with this `Idempotency-Key` before";
                Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "idempotency-key-reused",
                    detail,
                )
            }
            SubmitError::Busy { .. } => busy(Some(self.options.retry_after)),
            SubmitError::Job(error) => Problem::of_jobs(error),
            SubmitError::Plugin { .. } | SubmitError::UnknownJob(_) => Problem::broken(refusal),
        }
    }
}

/// The key of a request, as its caller gives it.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    require_key(key.to_str().unwrap_or_default().trim()).map(Some)
}

/// Refuses what cannot be a key.
pub(super) fn require_key(key: &str) -> Result<&str, Problem> {
    if (1..=LONGEST_KEY).contains(&key.len()) {
        return Ok(key);
    }
    let detail = format!("`Idempotency-Key` has 1 to {LONGEST_KEY} visible ASCII characters");
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed-idempotency-key",
        detail,
    ))
}

/// There is no room for another request.
pub(super) fn busy(retry_after: Option<Duration>) -> Problem {
    let detail = "as much is under way as may be";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
    match retry_after {
        Some(wait) => problem.retry_after(wait),
        None => problem,
    }
}

fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all(PREFER).iter();
    preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

/// The parameters of a query as an object of strings; of one that is there several times, the last counts.
fn query(uri: &Uri) -> Json {
    let base = "http://localhost/";
    let url = reqwest::Url::parse(&format!("{base}?{}", uri.query().unwrap_or_default()));
    let Ok(url) = url else {
        return Json::Object(Map::new());
    };
    let pairs = url.query_pairs();
    let pairs = pairs.map(|(name, value)| (name.into_owned(), Json::String(value.into_owned())));
    Json::Object(pairs.collect())
}
