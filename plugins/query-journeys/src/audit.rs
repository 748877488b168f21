//! What is kept of each query for those who have to account for it (*Step 4*).

use jackfield_sdk::{Delivery, Failure};
use serde::Serialize;

use crate::cleaning::Quality;
use crate::instant;

/// An entry of the audit log: the fields of the document, and two that it lacks.
#[derive(Serialize)]
pub struct AuditEntry {
    timestamp: String,
    /// Null where the engine gave no result.
    #[serde(rename = "queryId")]
    query_id: Option<String>,
    latency_ms: i64,
    /// Rows that were handed on over rows that the engine gave, in percent.
    accuracy_rate: f64,
    rows_processed: usize,
    /// `completed` or `failed`.
    status: &'static str,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<String>,
    /// Whether the result was taken by whom it was handed on to, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<Delivery>,
}

impl AuditEntry {
    pub(crate) fn completed(
        now: i64,
        latency_ms: i64,
        query_id: String,
        quality: &Quality,
        webhook: Option<Delivery>,
    ) -> Self {
        Self {
            timestamp: instant(now),
            query_id: Some(query_id),
            latency_ms,
            accuracy_rate: quality.accuracy_rate(),
            rows_processed: quality.rows,
            status: "completed",
            failure_code: None,
            webhook,
        }
    }

    pub(crate) fn failed(now: i64, latency_ms: i64, failure: &Failure) -> Self {
        Self {
            timestamp: instant(now),
            query_id: None,
            latency_ms,
            accuracy_rate: 0.0,
            rows_processed: 0,
            status: "failed",
            failure_code: Some(failure.code.clone()),
            webhook: None,
        }
    }
}
