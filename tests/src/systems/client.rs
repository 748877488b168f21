//! Those who ask a host for work: over HTTP, with an idempotency key, and again if the host went away before it answered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::runtime::Handle;

/// Nothing that is asked for here takes longer, also where the host is killed again and again.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at a host, or at a job.
const LOOK: Duration = Duration::from_millis(10);

/// A client of a host's triggers.
#[derive(Clone, Debug)]
pub struct Client {
    runtime: Handle,
    http: reqwest::Client,
    url: String,
    given_up: Arc<AtomicBool>,
}

/// What a host answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// A header by its name; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }

    /// The body; null if it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether it is the host that cannot do it now, and not a job that failed.
    fn is_of_a_busy_host(&self) -> bool {
        self.status == 503 && self.json().get("job").is_none()
    }
}

impl Client {
    pub(super) fn new(runtime: Handle, url: String, given_up: Arc<AtomicBool>) -> io::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            // A connection to a host that was killed since is of no use.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            runtime,
            http,
            url,
            given_up,
        })
    }

    /// Where the host listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks once.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Answer> {
        let method = Method::from_bytes(method.as_bytes()).map_err(io::Error::other)?;
        let url = format!("{}{path}", self.url);
        let request = headers.iter().fold(
            self.http.request(method, url).body(body.to_owned()),
            |request, (name, value)| request.header(*name, *value),
        );
        let answered = self.runtime.block_on(async {
            let response = request.send().await?;
            Ok(Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.bytes().await?.into(),
            })
        });
        answered.map_err(|error: reqwest::Error| io::Error::other(error))
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.persist(|| self.ask("GET", path, &[], ""))
    }

    /// Sends a document, again if the host is not there yet.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, path: &str, body: &str) -> io::Result<Answer> {
        let json = [("content-type", "application/json")];
        self.persist(|| self.ask("POST", path, &json, body))
    }

    /// Has a job done: asks for it until the host has taken it, and looks until it has come to its end. Gives what the host says of it.
    ///
    /// # Errors
    /// When the host refuses it, or it does not end.
    pub fn finish(&self, path: &str, key: &str, body: &str) -> io::Result<Value> {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        let taken = self.persist(|| {
            let answer = self.ask("POST", path, &headers, body)?;
            match answer.is_of_a_busy_host() {
                true => Err(io::Error::other("the host is busy")),
                false => Ok(answer),
            }
        })?;
        let job = taken.header("location");
        if job.is_empty() {
            let message = format!("{path} refuses {body}: {} {}", taken.status, taken.json());
            return Err(io::Error::other(message));
        }
        self.persist(|| {
            let document = self.ask("GET", job, &[], "")?.json();
            match document["state"].as_str() {
                Some("done" | "failed" | "cancelled" | "asking") => Ok(document),
                _ => Err(io::Error::other(format!("{job} has not ended: {document}"))),
            }
        })
    }

    /// Tries again and again.
    ///
    /// # Errors
    /// The last one, when patience has come to its end or everything was given up.
    pub fn persist<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let began = Instant::now();
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) if self.is_given_up() || began.elapsed() > PATIENCE => {
                    return Err(error);
                }
                Err(_) => thread::sleep(LOOK),
            }
        }
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}
