//! Exports as the platform gives them: document 004, steps 1 and 3.
//!
//! Tokens, further tries, `Retry-After` and limits are the connection's. What is left to the job is what only it can know: that an export
//! is not ready yet, and that an answer which came whole does not make sense.

use std::time::Duration;

use jackfield_sdk::{
    Failure, MALFORMED_RESPONSE, RequestFailureKind, Response, Workflow, is_identifier,
};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

const EXPORTS: &str = "/api/v2/data-actions/exports";

/// Records, each as the service wrote it.
pub type Records = Vec<Box<RawValue>>;

/// The platform.
#[derive(Clone, Debug)]
pub struct Service {
    /// The connection that it is reached by.
    pub connection: String,
    /// How long is waited between looks at an export that is not ready.
    pub poll_interval: Duration,
    /// How long an export may take to be ready.
    pub ready_within: Duration,
    /// How long is waited before something is asked for again whose answer made no sense.
    pub retry_interval: Duration,
}

impl Service {
    /// Starts an export of a report; gives its identifier.
    ///
    /// # Errors
    /// What the platform says, or why nothing came.
    pub fn start(&self, report: &str, workflow: &mut Workflow<'_>) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Started {
            id: String,
        }
        let body = json!({ "report_id": report, "format": "json" });
        // One for all tries: the platform knows an export again that it has begun, though its answer made no sense.
        let key = format!("{:016x}{:016x}", workflow.random(), workflow.random());
        let id = workflow.ask_again(self.retry_interval, |workflow| {
            let connection = workflow.connection(&self.connection);
            let request = connection.post(EXPORTS).header("Idempotency-Key", &*key);
            let response = request.json(&body).send()?.success()?;
            Ok(response.json::<Started>()?.id)
        })?;
        if is_identifier(&id) {
            return Ok(id);
        }
        let message = format!("the service names an export by what is no identifier: {id:?}");
        Err(Failure::new(MALFORMED_RESPONSE, message).status(502))
    }

    /// The records of an export from an offset on, `limit` at most, as soon as it is ready; none behind the last. Fewer than asked for where
    /// more would be larger than the connection allows.
    ///
    /// # Errors
    /// `unknown-export`, `export-failed`, `export-not-ready` when it was waited for long enough, or why nothing came.
    pub fn records(
        &self,
        export: &str,
        offset: u64,
        mut limit: u64,
        workflow: &mut Workflow<'_>,
    ) -> Result<Records, Failure> {
        let mut waited = Duration::ZERO;
        loop {
            let page = workflow.ask_again(self.retry_interval, |workflow| {
                self.page(export, offset, limit, workflow)
            })?;
            match page {
                Page::Records(mut records) => {
                    // A service that gives more than it is asked for would move the ends of chunks.
                    records.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                    return Ok(records);
                }
                Page::TooLarge(failure) if limit == 1 => return Err(failure),
                Page::TooLarge(_) => limit = limit.div_ceil(2),
                Page::NotReady if waited >= self.ready_within => {
                    let message = format!(
                        "the export {export} is not ready after {} s",
                        waited.as_secs()
                    );
                    return Err(Failure::new("export-not-ready", message).status(504));
                }
                Page::NotReady => {
                    workflow.progress(format!("waiting for the export {export}"));
                    workflow.sleep(self.poll_interval);
                    waited += self.poll_interval;
                }
            }
        }
    }

    fn page(
        &self,
        export: &str,
        offset: u64,
        limit: u64,
        workflow: &mut Workflow<'_>,
    ) -> Result<Page, Failure> {
        let connection = workflow.connection(&self.connection);
        let request = connection.get(format!("{EXPORTS}/{export}/records"));
        let sent = request.query("limit", limit).query("offset", offset).send();
        let response = match sent {
            Err(failure) if failure.kind == RequestFailureKind::TooLarge => {
                return Ok(Page::TooLarge(failure.into()));
            }
            sent => sent?,
        };
        match response.status {
            404 => {
                let message = format!("the platform knows no export {export}");
                Err(Failure::new("unknown-export", message).status(404))
            }
            409 if has_failed(&response) => {
                let message = format!("the platform could not make the export {export}");
                Err(Failure::new("export-failed", message).status(502))
            }
            409 => Ok(Page::NotReady),
            _ => Ok(Page::Records(response.success()?.json()?)),
        }
    }
}

/// What came of asking for records.
enum Page {
    Records(Records),
    NotReady,
    TooLarge(Failure),
}

/// A refusal says in `error` whether it is for good.
fn has_failed(response: &Response) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal = response.json::<Refusal>();
    refusal.is_ok_and(|refusal| refusal.error == "export_failed")
}
