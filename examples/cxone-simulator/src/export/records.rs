//! The records of an export: a function of seed, report and offset, so that any chunk can be given at any time, and again.

use jiff::Timestamp;
use serde::Serialize;

use crate::fault::{Drift, DriftChange};
use crate::random::Random;

/// 2025-01-01T00:00:00Z, in seconds since 1970.
const FIRST_SECOND: i64 = 1_735_689_600;

const CHANNELS: [&str; 4] = ["chat", "email", "sms", "voice"];
const STATUSES: [&str; 5] = [
    "ABANDONED",
    "CALLBACK_REQUEST",
    "COMPLETED",
    "COMPLETED",
    "FAILURE",
];
const SUBJECTS: [&str; 4] = ["order", "invoice", "Rückfrage", "返品"];

/// An interaction as an export gives it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    interaction_id: String,
    customer_id: String,
    agent_id: String,
    channel: &'static str,
    status: &'static str,
    started_at: String,
    duration_seconds: NumberOrText,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentiment: Option<f64>,
    subject: String,
    resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

impl Record {
    /// The record at an offset, from which on the shape may have changed.
    pub fn new(seed: u64, report: &str, offset: u64, drift: Option<Drift>) -> Self {
        let mut record = Self::undrifted(seed, report, offset);
        let drift = drift.filter(|drift| offset >= drift.offset);
        match drift.map(|drift| drift.change) {
            None => {}
            Some(DriftChange::Missing) => record.sentiment = None,
            Some(DriftChange::New) => record.queue_id = Some(format!("queue-{}", offset % 7)),
            Some(DriftChange::Type) => {
                if let NumberOrText::Number(number) = record.duration_seconds {
                    record.duration_seconds = NumberOrText::Text(number.to_string());
                }
            }
        }
        record
    }

    fn undrifted(seed: u64, report: &str, offset: u64) -> Self {
        let mut random = Random::new(seed, "export record", report, offset);
        // Each begins a second after the one before.
        let second = FIRST_SECOND.saturating_add_unsigned(offset);
        let started = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        Self {
            interaction_id: format!("interaction-{offset:08}"),
            customer_id: format!("CUST_{:05}", random.below(20_000)),
            agent_id: format!("agent-{:03}", random.below(250)),
            channel: random.pick(&CHANNELS),
            status: random.pick(&STATUSES),
            started_at: started.to_string(),
            duration_seconds: NumberOrText::Number(random.below(1_800)),
            sentiment: Some((random.share() * 2_000.0).round() / 1_000.0 - 1.0),
            subject: format!("Re: {} {}", random.pick(&SUBJECTS), random.below(100_000)),
            resolved: random.below(2) == 1,
            queue_id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The records before and after a drift.
    fn drifted(change: DriftChange) -> (Value, Value) {
        let drift = Some(Drift { offset: 10, change });
        let record = |offset| serde_json::to_value(Record::new(1, "report", offset, drift));
        (record(9).unwrap(), record(10).unwrap())
    }

    #[test]
    fn a_record_is_the_same_whenever_it_is_asked_for() {
        let record = |seed| Record::new(seed, "report", 5, None);
        assert_eq!(record(1), record(1));
        assert_ne!(record(1), record(2));
    }

    #[test]
    fn a_member_goes_missing_from_the_drift_on() {
        let (before, after) = drifted(DriftChange::Missing);
        assert!(before.get("sentiment").is_some());
        assert!(after.get("sentiment").is_none());
    }

    #[test]
    fn a_member_comes_in_from_the_drift_on() {
        let (before, after) = drifted(DriftChange::New);
        assert!(before.get("queueId").is_none());
        assert!(after.get("queueId").is_some());
    }

    #[test]
    fn a_number_becomes_a_text_from_the_drift_on() {
        let (before, after) = drifted(DriftChange::Type);
        assert!(before["durationSeconds"].is_number());
        assert!(after["durationSeconds"].is_string());
    }
}
