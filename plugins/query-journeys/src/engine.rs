//! The analytics engine (*Step 1*): a query is posted, its result polled for, and read page by page.

use std::collections::BTreeSet;
use std::time::Duration;

use jackfield_sdk::{Failure, RequestFailureKind, Response, Workflow};
use serde::Deserialize;
use serde_json::json;

use crate::{PLATFORM, Query, Row, resolve};

const ANALYTICS: &str = "/api/v2/reporting/analytics";
/// Polls for one page, before the engine is given up.
const MOST_POLLS: u32 = 15;
/// Pages of one result: each is a step of the job.
const MOST_PAGES: usize = 5_000;

pub(crate) struct Engine {
    pub poll_interval: Duration,
    pub maximum_rows: usize,
}

/// A whole result.
pub(crate) struct Fetched {
    pub query_id: String,
    pub rows: Vec<Row>,
    /// How many rows there are by the engine's own count.
    pub total_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Page {
    query_id: Option<String>,
    status: Option<String>,
    data: Option<Vec<Row>>,
    next_page_token: Option<String>,
    total_count: Option<u64>,
}

/// What one poll saw.
enum Look {
    Ready(Page),
    /// The engine is at work.
    NotYet,
    /// No answer, or none that can be read: the next may be one.
    Unclear(Failure),
}

impl Engine {
    pub(crate) fn run(
        &self,
        query: &Query,
        workflow: &mut Workflow<'_>,
    ) -> Result<Fetched, Failure> {
        let location = submit(query, workflow)?;
        workflow.progress("the engine is at work");
        workflow.sleep(self.poll_interval);
        let mut page = self.fetch(&location, None, workflow)?;
        let query_id = page.query_id.take().unwrap_or_default();
        let total_count = page.total_count;
        let mut rows = page.data.take().unwrap_or_default();
        let mut tokens = BTreeSet::new();
        self.check_size(rows.len(), total_count)?;
        while let Some(token) = page.next_page_token.filter(|token| !token.is_empty()) {
            page = self.fetch(&location, Some(&token), workflow)?;
            rows.append(&mut page.data.take().unwrap_or_default());
            self.check_size(rows.len(), total_count)?;
            check_pages(token, &mut tokens, page.next_page_token.as_deref())?;
            workflow.progress(format!("{} rows of {} pages", rows.len(), tokens.len() + 1));
        }
        Ok(Fetched {
            query_id,
            rows,
            total_count,
        })
    }

    /// Polls for a page until it is there, 15 times at most, every 3 s. The first poll is made at once: before it comes the time that a new
    /// query takes, and between pages none.
    fn fetch(
        &self,
        location: &str,
        token: Option<&str>,
        workflow: &mut Workflow<'_>,
    ) -> Result<Page, Failure> {
        let mut poll = 1;
        loop {
            let failure = match look(location, token, workflow)? {
                Look::Ready(page) => return Ok(page),
                Look::NotYet => {
                    let message = format!("the engine gave no result in {MOST_POLLS} polls");
                    Failure::new("query-timeout", message).status(504)
                }
                Look::Unclear(failure) => failure,
            };
            if poll == MOST_POLLS {
                return Err(failure.details(&json!({"polls": poll, "location": location})));
            }
            poll += 1;
            workflow.sleep(self.poll_interval);
        }
    }

    fn check_size(&self, rows: usize, total_count: Option<u64>) -> Result<(), Failure> {
        let rows = total_count.unwrap_or_default().max(rows as u64);
        if rows <= self.maximum_rows as u64 {
            return Ok(());
        }
        let message = format!(
            "the result has {rows} rows or more, and may have {}: group by less, or ask for a shorter time",
            self.maximum_rows
        );
        Err(Failure::new("result-too-large", message).status(422))
    }
}

/// Posts a query: 202, and where its result will be.
fn submit(query: &Query, workflow: &mut Workflow<'_>) -> Result<String, Failure> {
    let answer = workflow
        .connection(PLATFORM)
        .post(ANALYTICS)
        .header("accept", "application/json")
        .json(query)
        .send()?;
    if answer.status == 400 {
        return Err(Failure {
            code: "query-refused".to_owned(),
            ..answer.unexpected().status(400)
        });
    }
    let answer = answer.expect_status(202)?;
    let location = answer.header("location").unwrap_or_default();
    resolve(ANALYTICS, location).ok_or_else(|| {
        let message = format!("the engine does not say where the result will be: `{location}`");
        Failure::new("malformed-location", message).status(502)
    })
}

/// # Errors
/// Where further polls would come to the same.
fn look(location: &str, token: Option<&str>, workflow: &mut Workflow<'_>) -> Result<Look, Failure> {
    let mut call = workflow
        .connection(PLATFORM)
        .get(location)
        .header("accept", "application/json");
    if let Some(token) = token {
        call = call.query("nextPageToken", token);
    }
    match call.send() {
        Ok(response) if response.status == 200 => read(&response),
        Ok(response) if response.status == 202 => Ok(Look::NotYet),
        Ok(response) if is_lasting(response.status) => Err(response.unexpected()),
        Ok(response) => Ok(Look::Unclear(response.unexpected())),
        Err(failure) => match failure.kind {
            RequestFailureKind::Unreachable
            | RequestFailureKind::Timeout
            | RequestFailureKind::Interrupted => Ok(Look::Unclear(failure.into())),
            _ => Err(failure.into()),
        },
    }
}

/// Whether an answer of this status would be no other in 3 s. A query that was just made may not be there yet.
fn is_lasting(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 404 | 408 | 409 | 423 | 425 | 429)
}

fn read(response: &Response) -> Result<Look, Failure> {
    let page: Page = match response.json() {
        Ok(page) => page,
        Err(failure) => return Ok(Look::Unclear(failure)),
    };
    match page.status.as_deref() {
        Some("queued" | "pending" | "running") => Ok(Look::NotYet),
        Some(status @ ("failed" | "cancelled")) => {
            let query = page.query_id.as_deref().unwrap_or_default();
            let message = format!("the engine says that the query {query} is {status}");
            Err(Failure::new("query-failed", message).status(502))
        }
        _ => Ok(Look::Ready(page)),
    }
}

/// Whether a page that was come to by a token leads on to one that was not read yet: an engine that sends in circles would never end.
fn check_pages(
    token: String,
    tokens: &mut BTreeSet<String>,
    next: Option<&str>,
) -> Result<(), Failure> {
    tokens.insert(token);
    if let Some(next) = next
        && tokens.contains(next)
    {
        let message = format!("the page token `{next}` came twice: the pages have no end");
        return Err(Failure::new("repeated-page", message).status(502));
    }
    if tokens.len() >= MOST_PAGES {
        let message = format!("the result has more than {MOST_PAGES} pages: raise the limit");
        return Err(Failure::new("too-many-pages", message).status(422));
    }
    Ok(())
}
