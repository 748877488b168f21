//! A request starts a job, and gets what comes of it.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::secret::Secret;
use crate::config::size::ByteSize;
use crate::config::tree::{Node, Value};
use crate::config::url::UrlPath;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
pub(super) const MIB: u64 = 1024 * 1024;
pub(super) const MOST_BYTES: u64 = 1024 * MIB;

/// The options of `type = "http"`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpTrigger {
    /// The job that is started.
    pub job: Located<String>,
    /// The method; POST by default.
    pub method: Method,
    /// The path.
    pub path: Located<UrlPath>,
    /// Whether the answer waits for the job.
    pub answer: AnswerMode,
    /// How long it waits at most, before it is 202; 30 s by default.
    pub wait: Duration,
    /// The largest body, in bytes; 1 MiB by default.
    pub maximum_body_bytes: u64,
    /// Requests that are worked on at a time; 64 by default.
    pub concurrency: u32,
    /// After what time one that finds no room may come again; 1 s by default.
    pub retry_after: Duration,
    /// What callers have to show, if anything.
    pub bearer_token: Option<Secret>,
    /// What a job's failure is answered with, by its code.
    pub failures: Vec<(Located<String>, FailureStatus)>,
}

/// Whether an answer waits for the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerMode {
    /// It does, for a while.
    #[default]
    Sync,
    /// It does not: it is 202.
    Async,
}

/// What a job's failure is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureStatus {
    /// The status, 400 to 599.
    pub status: StatusCode,
    /// After what time the caller may come again, if it is told.
    pub retry_after: Option<Duration>,
}

impl Read for AnswerMode {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("sync", Self::Sync), ("async", Self::Async)])
    }
}

impl HttpTrigger {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let job = table.required("job");
        let method = match table.optional_node("method") {
            None => Some(Method::POST),
            Some(node) => table.context().choice(
                node,
                &[
                    ("GET", Method::GET),
                    ("POST", Method::POST),
                    ("PUT", Method::PUT),
                    ("PATCH", Method::PATCH),
                ],
            ),
        };
        let path = table.required("path");
        let answer = table.optional("answer");
        let wait = table.optional_within("wait", Duration::from_millis(1)..=HOUR);
        let concurrency = table.optional_within("concurrency", 1..=10_000);
        let retry_after = table.optional_within("retry-after", Duration::from_secs(1)..=DAY);
        let bearer_token = Secret::read_optional(table, "bearer-token");
        let failures = table.optional_entries(
            "failures",
            "failures = { query-timeout = 504 }",
            |code, node, context| Some((code.clone(), FailureStatus::read(node, context)?)),
        );
        Some(Self {
            job: job?,
            method: method?,
            path: path?,
            answer: answer.map_or_else(AnswerMode::default, |found| found.value),
            wait: wait.map_or(Duration::from_secs(30), |found| found.value),
            maximum_body_bytes: maximum_body_bytes(table),
            concurrency: concurrency.map_or(64, |found| found.value),
            retry_after: retry_after.map_or(Duration::from_secs(1), |found| found.value),
            bearer_token,
            failures: failures?,
        })
    }
}

/// How much of a request's body is taken, in bytes; 1 MiB by default.
pub(super) fn maximum_body_bytes(table: &TableReader<'_>) -> u64 {
    let found = table.optional_within("maximum-body-bytes", ByteSize(1)..=ByteSize(MOST_BYTES));
    found.map_or(MIB, |found| found.value.0)
}

/// A status alone, or `{ status = 503, retry-after = "30s" }`.
impl Read for FailureStatus {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        if matches!(node.value, Value::Table(_)) {
            let table = TableReader::new(node, context)?;
            let status = table.required::<StatusCode>("status");
            let retry_after = table.optional_within("retry-after", Duration::from_secs(1)..=DAY);
            table.finish();
            return Some(Self {
                status: status?.value,
                retry_after: retry_after.map(|found| found.value),
            });
        }
        Some(Self {
            status: StatusCode::read(node, context)?,
            retry_after: None,
        })
    }
}

/// The status of an error.
impl Read for StatusCode {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let number = u16::read(node, context)?;
        let status = Self::from_u16(number).ok();
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        if status.is_none() {
            context.report(
                Diagnostic::new(
                    &code::OUT_OF_RANGE,
                    node.place.clone(),
                    format!("`{}` is not the status of a failure", node.place.key()),
                )
                .found(node.describe())
                .expected("from `400` to `599`"),
            );
        }
        status
    }
}
