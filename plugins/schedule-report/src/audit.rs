//! What is kept of each job for those who have to account for it (*Step 3*).

use jackfield_sdk::Failure;
use serde::Serialize;

use crate::execution::Execution;
use crate::instant;

/// An entry of the audit log, with the fields of the document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When the job ended.
    timestamp: String,
    /// Null where no schedule came to be.
    schedule_id: Option<String>,
    report_id: String,
    pub(crate) status: Status,
    /// From when the schedule had been made to when its execution was seen to have ended, milliseconds.
    pub(crate) execution_latency_ms: i64,
    /// Rows that came over those that were expected; 1 where none were.
    pub(crate) data_completeness_score: f64,
    pub(crate) actual_row_count: u64,
    /// The request kept to every rule, which is looked at before a job is made: no other gets here.
    governance_compliant: bool,
    /// Why there is no export. Not of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<String>,
    #[serde(skip)]
    since: Option<i64>,
}

/// What came of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The export is there.
    Success,
    /// It is not.
    Failure,
}

impl AuditEntry {
    /// Of a job of which nothing is known yet.
    pub(crate) fn new(report_id: &str) -> Self {
        Self {
            timestamp: String::new(),
            schedule_id: None,
            report_id: report_id.to_owned(),
            status: Status::Failure,
            execution_latency_ms: 0,
            data_completeness_score: 0.0,
            actual_row_count: 0,
            governance_compliant: true,
            failure_code: None,
            since: None,
        }
    }

    pub(crate) fn schedule(&mut self, id: &str, since: i64) {
        self.schedule_id = Some(id.to_owned());
        self.since = Some(since);
    }

    pub(crate) fn execution(&mut self, execution: &Execution, expected_rows: u64) {
        self.actual_row_count = execution.row_count();
        self.data_completeness_score = match expected_rows {
            0 => 1.0,
            expected => execution.row_count() as f64 / expected as f64,
        };
    }

    pub(crate) fn end(&mut self, now: i64, failure: Option<&Failure>) {
        self.timestamp = instant(now);
        self.execution_latency_ms = self.since.map_or(0, |since| now - since);
        self.failure_code = failure.map(|failure| failure.code.clone());
        self.status = match failure {
            None => Status::Success,
            Some(_) => Status::Failure,
        };
    }
}
