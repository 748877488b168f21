//! The platform's side of a synchronisation: document 003, steps 1 to 3 and 5.
//!
//! Tokens, further tries, `Retry-After` and limits are the connection's.

use std::time::Duration;

use jackfield_sdk::{Failure, MALFORMED_RESPONSE, Workflow, is_identifier};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::request::Mapping;
use crate::schema::Schema;

const EXTENSIONS: &str = "/api/v2/data/extensions";
const EVENTS: &str = "/api/v2/events/stream";

/// What the platform refuses, with what it might have meant.
pub const MALFORMED_RECORD: &str = "MALFORMED_RECORD";

/// The platform.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The connection that it is reached by.
    pub connection: String,
    /// The trigger that it calls back.
    pub trigger: String,
    /// How long is waited for a callback before the platform is asked how far it has come.
    pub status_interval: Duration,
    /// How long a synchronisation may take.
    pub callback_within: Duration,
    /// How long is waited before the platform is asked again whose answer made no sense.
    pub retry_interval: Duration,
}

/// What is sent to begin a synchronisation.
#[derive(Clone, Copy, Debug)]
pub struct Order<'o> {
    /// The data extension.
    pub extension: &'o str,
    /// Where the platform finds the records.
    pub source_endpoint: &'o str,
    /// Which member becomes which field.
    pub mappings: &'o [Mapping],
    /// Whom the platform calls back.
    pub webhook_url: &'o str,
    /// Records that the platform asks for at a time.
    pub batch: u64,
}

/// A synchronisation that has ended, one way or the other.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the platform calls it.
    pub job: String,
    /// The SHA-256 of the canonical JSON (RFC 8785) of what was sent, in lower-case hexadecimal.
    pub payload_hash: String,
    /// When it was asked for, milliseconds since the Unix epoch.
    pub initiated_at: i64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What the platform tells of a synchronisation, by callback or when it is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `RUNNING`, `COMPLETED` or `FAILED`.
    pub status: String,
    /// How far it has come.
    #[serde(default)]
    pub progress: Progress,
    /// What went wrong.
    #[serde(default)]
    pub errors: Vec<SyncError>,
    /// When it ended, in RFC 3339.
    #[serde(default)]
    pub completed_at: Option<String>,
}

/// How far a synchronisation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Records that the source gave.
    pub total_records: u64,
    /// Records that the extension took.
    pub processed_records: Option<u64>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncError {
    /// What kind of error it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The record's key, or its number where it has none.
    #[serde(default)]
    pub record_id: Value,
    /// What is wrong.
    #[serde(default)]
    pub message: String,
    /// By field, what it might have meant.
    #[serde(default)]
    pub suggested_corrections: Map<String, Value>,
}

impl Outcome {
    fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "FAILED")
    }

    /// Records that the platform refused.
    pub fn malformed(&self) -> impl Iterator<Item = &SyncError> {
        let errors = self.errors.iter();
        errors.filter(|error| error.kind == MALFORMED_RECORD)
    }

    /// Why the synchronisation failed as a whole, if it did: refused records alone are no such reason.
    pub fn failure(&self) -> Option<Failure> {
        let others: Vec<&SyncError> = self
            .errors
            .iter()
            .filter(|error| error.kind != MALFORMED_RECORD)
            .collect();
        let is_unexplained = self.status == "FAILED" && self.errors.is_empty();
        if others.is_empty() && !is_unexplained {
            return None;
        }
        let reasons: Vec<String> = others
            .iter()
            .map(|error| format!("{}: {}", error.kind, error.message))
            .collect();
        let message = format!(
            "the platform's synchronisation failed: {}",
            reasons.join("; ")
        );
        Some(
            Failure::new("sync-failed", message)
                .details(&others)
                .status(502),
        )
    }
}

impl Platform {
    /// The schema of an extension.
    ///
    /// # Errors
    /// `unknown-extension`, `malformed-schema`, or why nothing came.
    pub fn schema(&self, extension: &str, workflow: &mut Workflow<'_>) -> Result<Schema, Failure> {
        workflow.ask_again(self.retry_interval, |workflow| {
            let connection = workflow.connection(&self.connection);
            let response = connection
                .get(format!("{EXTENSIONS}/{extension}/schema"))
                .send()?;
            if response.status == 404 {
                let message = format!("the platform knows no data extension {extension}");
                return Err(Failure::new("unknown-extension", message).status(404));
            }
            let schema: Schema = response.success()?.json()?;
            if schema.fields.is_empty() {
                let message = format!("the schema of {extension} has no fields");
                return Err(Failure::new("malformed-schema", message).status(502));
            }
            Ok(schema)
        })
    }

    /// Has records synchronised, and waits until that has ended.
    ///
    /// # Errors
    /// `sync-timeout`, or why it was not begun. That it failed is an outcome.
    pub fn synchronise(
        &self,
        order: Order<'_>,
        workflow: &mut Workflow<'_>,
    ) -> Result<Ended, Failure> {
        let payload = order.payload();
        let payload_hash = canonical_sha256(&payload)?;
        // The callback can be faster than the answer that says what it will be about.
        workflow.expect_any_callback(&self.trigger);
        let initiated_at = workflow.now();
        let job = self.start(order.extension, &payload, &payload_hash, workflow)?;
        workflow.progress(format!("synchronisation {job} has begun"));
        let outcome = self.outcome(order.extension, &job, workflow)?;
        Ok(Ended {
            job,
            payload_hash,
            initiated_at,
            outcome,
        })
    }

    fn start(
        &self,
        extension: &str,
        payload: &Value,
        hash: &str,
        workflow: &mut Workflow<'_>,
    ) -> Result<String, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Started {
            sync_job_id: String,
        }
        // One for all tries: the platform knows a synchronisation again that it has begun, though its answer made no sense.
        let key = format!("{:016x}{:016x}", workflow.random(), workflow.random());
        let id = workflow.ask_again(self.retry_interval, |workflow| {
            let connection = workflow.connection(&self.connection);
            let request = connection
                .post(format!("{EXTENSIONS}/{extension}/sync"))
                .header("Idempotency-Key", &*key)
                .header("X-Payload-SHA256", hash);
            let response = request.json(payload).send()?.success()?;
            Ok(response.json::<Started>()?.sync_job_id)
        })?;
        if is_identifier(&id) {
            return Ok(id);
        }
        let message =
            format!("the service names a synchronisation by what is no identifier: {id:?}");
        Err(Failure::new(MALFORMED_RESPONSE, message).status(502))
    }

    /// Waits for the callback. One that got lost, or says nothing that could be read, is made up for by asking.
    fn outcome(
        &self,
        extension: &str,
        job: &str,
        workflow: &mut Workflow<'_>,
    ) -> Result<Outcome, Failure> {
        let begun = workflow.now();
        loop {
            let callback = workflow.await_callback(&self.trigger, job, Some(self.status_interval));
            let told = match callback.and_then(|callback| callback.json::<Outcome>().ok()) {
                Some(told) => told,
                None => self.status(extension, job, workflow)?,
            };
            if told.is_final() {
                return Ok(told);
            }
            let waited = u64::try_from(workflow.now() - begun).unwrap_or_default();
            if Duration::from_millis(waited) >= self.callback_within {
                let message = format!(
                    "the synchronisation {job} is {} after {} s",
                    told.status,
                    waited / 1_000
                );
                return Err(Failure::new("sync-timeout", message).status(504));
            }
        }
    }

    fn status(
        &self,
        extension: &str,
        job: &str,
        workflow: &mut Workflow<'_>,
    ) -> Result<Outcome, Failure> {
        workflow.ask_again(self.retry_interval, |workflow| {
            let connection = workflow.connection(&self.connection);
            let request = connection.get(format!("{EXTENSIONS}/{extension}/sync/{job}/status"));
            request.send()?.success()?.json()
        })
    }

    /// Tells the platform's event stream how an extension is.
    ///
    /// # Errors
    /// Why it could not be told.
    pub fn report_health(&self, event: &Value, workflow: &mut Workflow<'_>) -> Result<(), Failure> {
        let connection = workflow.connection(&self.connection);
        connection.post(EVENTS).json(event).send()?.success()?;
        Ok(())
    }
}

impl Order<'_> {
    /// The document's payload.
    fn payload(&self) -> Value {
        json!({
            "extensionId": self.extension,
            "sourceType": "REST",
            "sourceEndpoint": self.source_endpoint,
            "fieldMappings": self.mappings,
            "syncMode": "INCREMENTAL",
            "webhookUrl": self.webhook_url,
            "options": {
                "maxBatchSize": self.batch,
                "retryOnConflict": true,
                "nullValueHandling": "SET_NULL",
            },
        })
    }
}

/// The SHA-256 of the one text that RFC 8785 allows: members in the order of their UTF-16 code units, no blanks, numbers as ECMAScript writes them.
fn canonical_sha256(value: &Value) -> Result<String, Failure> {
    let text = serde_json_canonicalizer::to_vec(value).map_err(|error| {
        let message = format!("the payload has no canonical form: {error}");
        Failure::new("unwritable-payload", message)
    })?;
    let digest = Sha256::digest(&text);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_canonical_text() {
        // sha256sum of {"a":[1,true],"b":"€"}
        let value = json!({ "b": "€", "a": [1.0, true] });
        let text = Sha256::digest("{\"a\":[1,true],\"b\":\"€\"}");
        let text: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(canonical_sha256(&value).unwrap(), text);
    }

    #[test]
    fn refused_records_alone_are_no_failure_of_the_whole() {
        let outcome: Outcome = serde_json::from_value(json!({
            "status": "FAILED",
            "errors": [{ "type": "MALFORMED_RECORD", "recordId": "a" }],
        }))
        .unwrap();
        assert_eq!(outcome.failure(), None);
        assert_eq!(outcome.malformed().count(), 1);
    }

    #[test]
    fn a_failure_without_a_reason_is_one() {
        let outcome: Outcome = serde_json::from_value(json!({ "status": "FAILED" })).unwrap();
        assert_eq!(outcome.failure().unwrap().code, "sync-failed");
    }
}
