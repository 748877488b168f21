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

/// Why a record is given up that cannot be corrected, or was refused every time.
const REFUSED: &str = "the platform refused it, and it could not be corrected";
/// Why a record is given up that is not found.
const ABSENT: &str = "the source has no such record any more";

/// Records on their way back, by key.
type Batch = BTreeMap<String, Record>;

impl Recovery<'_> {
    /// Corrects and sends again what `first` refused, a few times. What is left is given up.
    ///
    /// # Errors
    /// Why a recovery could not be made, or failed as a whole.
    pub fn run(&self, first: &Ended, workflow: &mut Workflow<'_>) -> Result<Recovered, Failure> {
        let mut refused: Vec<SyncError> = first.outcome.malformed().cloned().collect();
        let mut sum = Recovered::default();
        let ended = self.attempts(first, &mut refused, &mut sum, workflow);
        let reason = match &ended {
            Ok(()) => REFUSED.to_owned(),
            Err(failure) => format!("it could not be sent again: {failure}"),
        };
        sum.rejected += self.give_up(&refused, &reason, workflow)?;
        ended.map(|()| sum)
    }

    /// `refused` has at any time what is neither recovered nor given up.
    fn attempts(
        &self,
        first: &Ended,
        refused: &mut Vec<SyncError>,
        sum: &mut Recovered,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let Some((origin, corrected)) = &self.source else {
            return Ok(());
        };
        let mut known = Batch::new();
        for attempt in 1..=self.configuration.recovery_attempts {
            let hopeless: Vec<SyncError> = refused
                .extract_if(.., |error| !is_correctable(error))
                .collect();
            sum.rejected += self.give_up(&hopeless, REFUSED, workflow)?;
            if refused.is_empty() {
                break;
            }
            let batch = self.corrected(refused, &mut known, origin, workflow)?;
            let is_absent = |error: &mut SyncError| !batch.contains_key(key(error));
            let absent: Vec<SyncError> = refused.extract_if(.., is_absent).collect();
            sum.rejected += self.give_up(&absent, ABSENT, workflow)?;
            if batch.is_empty() {
                break;
            }
            let sent = batch.len() as u64;
            let ended = self.send(batch, refused, (first, attempt), corrected, workflow)?;
            *refused = ended.outcome.malformed().cloned().collect();
            sum.recovered += sent.saturating_sub(refused.len() as u64);
        }
        Ok(())
    }

    /// The records that were refused, with all that is known to be meant.
    fn corrected(
        &self,
        errors: &[SyncError],
        known: &mut Batch,
        origin: &Source<'_>,
        workflow: &mut Workflow<'_>,
    ) -> Result<Batch, Failure> {
        let unknown: Vec<String> = errors
            .iter()
            .map(|error| key(error).to_owned())
            .filter(|key| !known.contains_key(key))
            .collect();
        for record in origin.with_keys(self.key, &unknown, workflow)? {
            let found = record.get(self.key).and_then(Value::as_str);
            if let Some(found) = found.map(str::to_owned) {
                known.insert(found, record);
            }
        }
        let mut batch = Batch::new();
        for error in errors {
            let Some(record) = known.get_mut(key(error)) else {
                continue;
            };
            for (field, value) in &error.suggested_corrections {
                record.insert(self.member(field).to_owned(), value.clone());
            }
            batch.insert(key(error).to_owned(), record.clone());
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
        errors: &[SyncError],
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
            .map(|error| json!({ "recordId": error.record_id, "corrections": error.suggested_corrections, "retryBatch": true }))
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
    ///
    /// # Errors
    /// None in practice: the records are JSON.
    pub fn give_up(
        &self,
        errors: &[SyncError],
        reason: &str,
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
                "reason": reason,
            })
        });
        workflow.emit_all(REJECTIONS, rejections)?;
        Ok(errors.len() as u64)
    }
}

/// Whether a record can be sent again: one without a key is not found, and a correction to null says that nothing is near to what was sent.
fn is_correctable(error: &SyncError) -> bool {
    let mut corrections = error.suggested_corrections.values();
    error.record_id.is_string() && !corrections.any(Value::is_null)
}

/// The key of a record that can be sent again.
fn key(error: &SyncError) -> &str {
    error.record_id.as_str().unwrap_or_default()
}

/// An identifier of a batch has nothing that an address would have to escape.
fn with_parameter(endpoint: &str, batch: &str) -> String {
    let separator = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{separator}{BATCH}={batch}")
}
