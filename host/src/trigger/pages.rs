//! A service asks for the rows of a table. It gets what is committed, as JSON, in the order in which the rows came first, so
//! that pages that are asked for one after the other neither repeat nor miss a row while the pipeline writes on: what is new comes behind
//! them, and a row that changes keeps its place.
//!
//! Rows are read beside the pipeline, by connections that cannot write, on threads where waiting harms nobody. `question` is what a
//! request asks for, `table` what is there.

mod question;
mod table;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::authorization;
use super::http::busy;
use super::problem::{Answer, Problem, respond};
use crate::config::{Column, ColumnType, Manifest, PagesTrigger, SinkKind, SqliteSink};
use crate::error::Code;
use crate::hexadecimal;
use question::Question;
pub(super) use question::{DEFAULT_LIMIT, MOST_ROWS};
use table::{Page, Table};

/// Pages that are read at a time. More would only wait for the same disk.
const READERS: usize = 4;
/// After which a page may be asked for again that could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An endpoint that serves a table.
pub(super) struct PagesEndpoint {
    table: Arc<Table>,
    filters: Vec<(String, ColumnType)>,
    token: Option<SecretString>,
    turns: Arc<Semaphore>,
}

impl PagesEndpoint {
    /// None if the manifest has no such table, which its checks have refused.
    pub fn new(
        options: &PagesTrigger,
        manifest: &Manifest,
        token: Option<SecretString>,
    ) -> Option<Self> {
        let database = manifest.checkpoint.path().map(|path| &path.value);
        let sink = sink(options, manifest)?;
        let filters = filters(options, sink);
        let table = Table::new(database?.clone(), sink);
        Some(Self {
            table: Arc::new(table),
            filters: filters
                .map(|column| (column.name.to_string(), column.kind.value))
                .collect(),
            token,
            turns: Arc::new(Semaphore::new(READERS)),
        })
    }

    pub async fn answer(
        &self,
        request: Request<Incoming>,
        within: Duration,
    ) -> Result<Answer, Problem> {
        authorization::require(request.headers(), self.token.as_ref())?;
        let question = Question::of(request.uri(), &self.filters);
        let question = question.map_err(|problems| Problem::invalid(&problems))?;
        let turn = tokio::time::timeout(within, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Err(busy(Some(RETRY_AFTER)));
        };
        let table = Arc::clone(&self.table);
        let read = tokio::task::spawn_blocking(move || {
            let page = table.read(&question).map_err(|error| unread(&error));
            // Held to the end of the reading, also where the caller has gone.
            drop(turn);
            page.and_then(body)
        });
        let body = read.await.unwrap_or_else(|error| Err(unread(&error)))?;
        Ok(respond(StatusCode::OK, "application/json", body))
    }
}

/// The sink whose table is served.
pub(super) fn sink<'m>(options: &PagesTrigger, manifest: &'m Manifest) -> Option<&'m SqliteSink> {
    let mut sinks = manifest.sinks.iter();
    let sink = sinks.find(|sink| **sink.name == *options.sink.value)?;
    match &sink.kind {
        SinkKind::Sqlite(table) => Some(table),
        _ => None,
    }
}

/// The columns that may be asked for by what they hold.
pub(super) fn filters<'m>(
    options: &'m PagesTrigger,
    sink: &'m SqliteSink,
) -> impl Iterator<Item = &'m Column> {
    let column = |filter: &str| {
        let mut columns = sink.columns.iter();
        columns.find(|column| **column.name == *filter)
    };
    let filters = options.filters.iter();
    filters.filter_map(move |filter| column(filter))
}

/// The hash is of what the records mean, not of how they are written: canonical JSON (RFC 8785) has one text for each.
fn body(page: Page) -> Result<Bytes, Problem> {
    let canonical = serde_json_canonicalizer::to_vec(&page.records);
    let canonical = canonical.map_err(|error| unread(&error))?;
    let sha256 = hexadecimal::text(&Sha256::digest(canonical));
    let page = json!({ "records": page.records, "sha256": sha256, "nextOffset": page.next_offset });
    Ok(page.to_string().into())
}

/// The rows cannot be read: why is in the log.
fn unread(error: &dyn std::error::Error) -> Problem {
    let code = Code::TRIGGER_TABLE.id;
    tracing::error!(%error, code, "a page could not be read");
    let detail = "the page cannot be read at the moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(RETRY_AFTER)
}
