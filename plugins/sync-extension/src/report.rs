//! What is told of a synchronisation: metrics, the audit's lines, and the extension's health. Document 003, step 5.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::platform::Ended;
use crate::request::Mapping;
use crate::schema::Schema;

/// An extension of whose records fewer are refused is healthy, percent.
const HEALTHY_BELOW: f64 = 2.0;

/// How a synchronisation went.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    job_id: String,
    /// From asking for it to its end, milliseconds.
    latency_ms: u64,
    total_records: u64,
    rejected_records: u64,
    /// Percent.
    rejection_rate: f64,
    status: String,
}

/// What was seen to have happened, and nothing that was merely meant to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComplianceFlags {
    /// The extension took records with personal fields.
    pub pii_processed: bool,
    /// The schema was fetched, and the mappings agree with it.
    pub schema_validated: bool,
    /// All records that were looked at had been prepared, and lacked nothing that has a default.
    pub nulls_standardized: bool,
}

/// How an extension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// Fewer than 2 % of the records were refused.
    Healthy,
    /// More were, or the synchronisation failed.
    Degraded,
}

impl Metrics {
    /// Of a synchronisation that has ended; `now` in milliseconds since the Unix epoch, for a platform that does not say when.
    pub fn of(ended: &Ended, now: i64) -> Self {
        let outcome = &ended.outcome;
        let completed = outcome.completed_at.as_ref();
        let completed = completed.and_then(|text| text.parse::<Timestamp>().ok());
        let completed = completed.map_or(now, Timestamp::as_millisecond);
        let total = outcome.progress.total_records;
        let rejected = outcome.malformed().count() as u64;
        let rate = if total > 0 {
            rejected as f64 / total as f64 * 100.0
        } else {
            0.0
        };
        Self {
            job_id: ended.job.clone(),
            // Clocks of two machines: what ended before it began took no time.
            latency_ms: u64::try_from(completed - ended.initiated_at).unwrap_or_default(),
            total_records: total,
            rejected_records: rejected,
            rejection_rate: rate.min(100.0),
            status: outcome.status.clone(),
        }
    }

    /// The extension's health, by the records alone.
    pub fn health(&self) -> Health {
        if self.rejection_rate < HEALTHY_BELOW {
            Health::Healthy
        } else {
            Health::Degraded
        }
    }

    /// The event that tells of it.
    pub fn health_event(&self, extension: &str, health: Health, now: i64) -> Value {
        json!({
            "eventType": "CXONE_EXTENSION_HEALTH",
            "data": {
                "extensionId": extension,
                "syncLatencyMs": self.latency_ms,
                "rejectionRatePercent": self.rejection_rate,
                "healthScore": health,
                "reportedAt": iso(now),
            },
        })
    }
}

/// A line of the audit, with what belongs to it. `time` in milliseconds since the Unix epoch.
pub fn audit_line(action: &str, extension: &str, time: i64, details: Value) -> Value {
    let mut line = json!({
        "timestamp": iso(time),
        "action": action,
        "actor": "SYSTEM_AUTOMATION",
        "resource": format!("extensions/{extension}"),
    });
    if let (Value::Object(line), Value::Object(details)) = (&mut line, details) {
        line.extend(details);
    }
    line
}

/// Whether records were prepared by the stage that comes before a synchronisation: each says when and by whom, and has a value wherever there is a default.
pub fn is_standardised(
    records: &[Map<String, Value>],
    schema: &Schema,
    mappings: &[Mapping],
) -> bool {
    let has_default = |target: &str| {
        let mut fields = schema.fields.iter();
        fields.any(|field| field.name == target && field.kind != "date")
    };
    let is_prepared = |record: &Map<String, Value>| {
        let stamps = ["_syncTimestamp", "_sourceSystem"];
        let is_stamped = stamps
            .iter()
            .all(|stamp| record.get(*stamp).is_some_and(Value::is_string));
        let lacks = |mapping: &Mapping| {
            has_default(&mapping.target) && record.get(&mapping.source).is_none_or(Value::is_null)
        };
        is_stamped && !mappings.iter().any(lacks)
    };
    !records.is_empty() && records.iter().all(is_prepared)
}

/// A time, milliseconds since the Unix epoch, as ECMAScript's `toISOString` writes it.
pub fn iso(time: i64) -> String {
    let time = Timestamp::from_millisecond(time).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Outcome;

    fn ended(total: u64, rejected: usize, completed_at: Option<&str>) -> Ended {
        let error = json!({ "type": "MALFORMED_RECORD" });
        let outcome: Outcome = serde_json::from_value(json!({
            "status": "FAILED",
            "progress": { "totalRecords": total },
            "errors": vec![error; rejected],
            "completedAt": completed_at,
        }))
        .unwrap();
        Ended {
            job: "sync_1".into(),
            payload_hash: String::new(),
            initiated_at: 1_000,
            outcome,
        }
    }

    #[test]
    fn an_extension_is_healthy_below_two_percent() {
        for (total, rejected, health) in [
            (1_000, 19, Health::Healthy),
            (1_000, 20, Health::Degraded),
            (0, 0, Health::Healthy),
            (1, 1, Health::Degraded),
        ] {
            let metrics = Metrics::of(&ended(total, rejected, None), 0);
            assert_eq!(metrics.health(), health, "{rejected} of {total}");
        }
    }

    #[test]
    fn latency_ends_when_the_platform_says_and_is_never_negative() {
        let latency =
            |completed: Option<&str>| Metrics::of(&ended(1, 0, completed), 5_000).latency_ms;
        assert_eq!(latency(Some("1970-01-01T00:00:03Z")), 2_000);
        assert_eq!(latency(Some("1969-12-31T23:59:59Z")), 0);
        assert_eq!(latency(None), 4_000);
        assert_eq!(latency(Some("soon")), 4_000);
    }

    #[test]
    fn more_errors_than_records_are_a_hundred_percent() {
        let metrics = Metrics::of(&ended(1, 3, None), 0);
        assert!((metrics.rejection_rate - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn records_that_were_not_prepared_are_not_called_so() {
        let schema: Schema = serde_json::from_value(json!({ "fields": [
            { "name": "id", "type": "string" }, { "name": "since", "type": "date" }
        ]}))
        .unwrap();
        let mappings: Vec<Mapping> = serde_json::from_value(json!([
            { "source": "id", "target": "id" }, { "source": "since", "target": "since" }
        ]))
        .unwrap();
        let prepared =
            json!({ "id": "a", "since": null, "_syncTimestamp": "t", "_sourceSystem": "s" });
        let standardised = |records: &[Value]| {
            let records: Vec<_> = records
                .iter()
                .map(|record| record.as_object().unwrap().clone())
                .collect();
            is_standardised(&records, &schema, &mappings)
        };
        assert!(
            standardised(std::slice::from_ref(&prepared)),
            "a date may be null"
        );
        assert!(!standardised(&[]), "nothing was seen");
        for (member, value) in [("id", json!(null)), ("_sourceSystem", json!(null))] {
            let mut other = prepared.clone();
            other[member] = value;
            assert!(!standardised(&[prepared.clone(), other]), "{member}");
        }
    }
}
