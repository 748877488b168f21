//! The records of an export: a function of seed, report and offset, so that any chunk can be given at any time, and again.

use serde_json::{Value, json};

use crate::fault::{Drift, DriftChange};
use crate::random::Random;

/// 2025-01-01T00:00:00Z, in seconds since 1970.
const FIRST_SECOND: i64 = 1_735_689_600;

pub(super) fn record(seed: u64, report: &str, offset: u64, drift: Option<Drift>) -> Value {
    let mut record = undrifted(seed, report, offset);
    let drift = drift.filter(|drift| offset >= drift.offset);
    match drift.map(|drift| drift.change) {
        None => {}
        Some(DriftChange::Missing) => {
            if let Some(members) = record.as_object_mut() {
                members.remove("sentiment");
            }
        }
        Some(DriftChange::New) => record["queueId"] = format!("queue-{}", offset % 7).into(),
        Some(DriftChange::Type) => {
            record["durationSeconds"] = record["durationSeconds"].to_string().into();
        }
    }
    record
}

fn undrifted(seed: u64, report: &str, offset: u64) -> Value {
    let mut random = Random::new(seed, "export record", report, offset);
    // About a second after the one before.
    let second = FIRST_SECOND + offset as i64;
    let started = jiff::Timestamp::from_second(second).unwrap_or_default();
    json!({
        "interactionId": format!("interaction-{offset:08}"),
        "customerId": format!("CUST_{:05}", random.below(20_000)),
        "agentId": format!("agent-{:03}", random.below(250)),
        "channel": random.pick(&["chat", "email", "sms", "voice"]),
        "status": random.pick(&["ABANDONED", "CALLBACK_REQUEST", "COMPLETED", "COMPLETED", "FAILURE"]),
        "startedAt": started.to_string(),
        "durationSeconds": random.below(1_800),
        "sentiment": (random.share() * 2_000.0).round() / 1_000.0 - 1.0,
        "subject": format!("Re: {} {}", random.pick(&["order", "invoice", "Rückfrage", "返品"]), random.below(100_000)),
        "resolved": random.below(2) == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drifted(change: DriftChange) -> (Value, Value) {
        let drift = Some(Drift { offset: 10, change });
        (
            record(1, "report", 9, drift),
            record(1, "report", 10, drift),
        )
    }

    #[test]
    fn a_record_is_the_same_whenever_it_is_asked_for() {
        assert_eq!(record(1, "report", 5, None), record(1, "report", 5, None));
        assert_ne!(record(1, "report", 5, None), record(2, "report", 5, None));
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
