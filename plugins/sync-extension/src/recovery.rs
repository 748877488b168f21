//! Sending refused records again, as the platform says that they might have been meant: document 003, step 3.
//!
//! The corrected records are emitted to the port `recovery`, each with the batch that it belongs to, and the platform is told to pull that batch. A record that cannot be corrected, or is refused every
//! time, is emitted to the port `rejections` with the reason: it is not lost.

use std::collections::BTreeMap;

use jackfield_sdk::{Failure, Workflow};
use serde_json::{Value, json};

use crate::platform::{Ended, Order, Platform, SyncError};
use crate::report::{Metrics, audit_line};
use crate::request::Mapping;
use crate::source::{Record, Source};
use crate::{AUDIT, Configuration, RECOVERY, REJECTIONS};

/// The member by which a batch is asked for; no field of an extension is mapped from it.
pub const BATCH: &str = "recoveryBatch";

/// What a recovery is made of.
pub struct Recovery<'r> {
    /// The platform.
    pub platform: &'r Platform,
    /// What the manifest says of the job.
    pub configuration: &'r Configuration,
    /// The synchronisation whose records were refused.
    pub order: Order<'r>,
    /// The member of records that tells them apart.
    pub key: &'r str,
    /// Where the records came from and corrected ones are found, if the job can see it.
    pub source: Option<(Source<'r>, Source<'r>)>,
}

/// What came of a recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Records that the platform took after all.
    pub recovered: u64,
    /// Records that it did not.
    pub rejected: u64,
}

/// Records on their way back, by key.
type Batch = BTreeMap<String, Record>;

impl Recovery<'_> {
    /// Corrects and sends again what `first` refused, a few times.
    ///
    /// # Errors
    /// Why a recovery could not be made, or failed as a whole.
    pub fn run(&self, first: &Ended, workflow: &mut Workflow<'_>) -> Result<Recovered, Failure> {
        let mut refused: Vec<SyncError> = first.outcome.malformed().cloned().collect();
        let mut sum = Recovered::default();
        let mut known = Batch::new();
        for attempt in 1..=self.configuration.recovery_attempts {
            let Some((origin, corrected)) = &self.source else {
                break;
            };
            if refused.is_empty() {
                break;
            }
            let (errors, hopeless) = sorted(refused);
            sum.rejected += self.reject(&hopeless, None, workflow)?;
            let batch = self.corrected(&errors, &mut known, origin, workflow)?;
            let (errors, absent): (Vec<_>, Vec<_>) = errors
                .into_iter()
                .partition(|(key, _)| batch.contains_key(key));
            let absent: Vec<SyncError> = absent.into_iter().map(|(_, error)| error).collect();
            let reason = "the source has no such record any more";
            sum.rejected += self.reject(&absent, Some(reason), workflow)?;
            if batch.is_empty() {
                refused = Vec::new();
                break;
            }
            let sent = batch.len() as u64;
            let ended = self.send(batch, &errors, (first, attempt), corrected, workflow)?;
            refused = ended.outcome.malformed().cloned().collect();
            sum.recovered += sent.saturating_sub(refused.len() as u64);
        }
        sum.rejected += self.reject(&refused, None, workflow)?;
        Ok(sum)
    }

    /// The records that were refused, with all that is known to be meant.
    fn corrected(
        &self,
        errors: &[(String, SyncError)],
        known: &mut Batch,
        origin: &Source<'_>,
        workflow: &mut Workflow<'_>,
    ) -> Result<Batch, Failure> {
        let unknown: Vec<String> = errors
            .iter()
            .map(|(key, _)| key.clone())
            .filter(|key| !known.contains_key(key))
            .collect();
        for record in origin.with_keys(self.key, &unknown, workflow)? {
            let key = record.get(self.key).and_then(Value::as_str);
            if let Some(key) = key.map(str::to_owned) {
                known.insert(key, record);
            }
        }
        let mut batch = Batch::new();
        for (key, error) in errors {
            let Some(record) = known.get_mut(key) else {
                continue;
            };
            for (field, value) in &error.suggested_corrections {
                record.insert(self.member(field).to_owned(), value.clone());
            }
            batch.insert(key.clone(), record.clone());
        }
        Ok(batch)
    }

    /// The member that a field is mapped from.
    fn member<'f>(&'f self, field: &'f str) -> &'f str {
        let mut mappings = self.order.mappings.iter();
        let mapping = mappings.find(|mapping: &&Mapping| mapping.target == field);
        mapping.map_or(field, |mapping| &mapping.source)
    }

    /// Has a batch synchronised, and writes the audit's line about it.
    fn send(
        &self,
        batch: Batch,
        errors: &[(String, SyncError)],
        (first, attempt): (&Ended, u32),
        corrected: &Source<'_>,
        workflow: &mut Workflow<'_>,
    ) -> Result<Ended, Failure> {
        let id = format!("{}-{attempt}-{:016x}", first.job, workflow.random());
        let count = batch.len() as u64;
        let records = batch.into_values().map(|mut record| {
            record.insert(BATCH.into(), id.as_str().into());
            record
        });
        workflow.emit_all(RECOVERY, records)?;
        workflow.progress(format!("{count} records are sent again"));
        let within = self.configuration.recovery_within.into();
        corrected.await_records((BATCH, &id), count, within, workflow)?;
        let endpoint = with_parameter(corrected.endpoint, &id);
        let order = Order {
            source_endpoint: &endpoint,
            ..self.order
        };
        let ended = self.platform.synchronise(order, workflow)?;
        let now = workflow.now();
        let payload: Vec<Value> = errors
            .iter()
            .map(|(key, error)| json!({ "recordId": key, "corrections": error.suggested_corrections, "retryBatch": true }))
            .collect();
        let details = json!({
            "jobId": ended.job,
            "recoveryOf": first.job,
            "recoveryBatch": id,
            "recoveryPayload": payload,
            "metrics": Metrics::of(&ended, now),
            "payloadHash": ended.payload_hash,
        });
        let line = audit_line(
            "DATA_SYNC_RECOVERY_COMPLETED",
            order.extension,
            now,
            details,
        );
        workflow.emit(AUDIT, &line)?;
        match ended.outcome.failure() {
            Some(failure) => Err(failure),
            None => Ok(ended),
        }
    }

    /// Emits records that are given up; how many.
    fn reject(
        &self,
        errors: &[SyncError],
        reason: Option<&str>,
        workflow: &mut Workflow<'_>,
    ) -> Result<u64, Failure> {
        if errors.is_empty() {
            return Ok(0);
        }
        let rejections = errors.iter().map(|error| {
            json!({
                "extensionId": self.order.extension,
                "recordId": error.record_id,
                "code": "malformed-record",
                "message": error.message,
                "suggestedCorrections": error.suggested_corrections,
                "reason": reason.unwrap_or("the platform refused it, and it could not be corrected"),
            })
        });
        workflow.emit_all(REJECTIONS, rejections)?;
        Ok(errors.len() as u64)
    }
}

/// Tells what can be corrected, by key, from what cannot: a record without a key is not found again, and a correction to null says that nothing is near to what was sent.
fn sorted(errors: Vec<SyncError>) -> (Vec<(String, SyncError)>, Vec<SyncError>) {
    let mut correctable = Vec::new();
    let mut hopeless = Vec::new();
    for error in errors {
        let mut corrections = error.suggested_corrections.values();
        match error.record_id.as_str() {
            Some(key) if !corrections.any(Value::is_null) => {
                correctable.push((key.to_owned(), error));
            }
            _ => hopeless.push(error),
        }
    }
    (correctable, hopeless)
}

/// An identifier of a batch has nothing that an address would have to escape.
fn with_parameter(endpoint: &str, batch: &str) -> String {
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{BATCH}={batch}")
}
