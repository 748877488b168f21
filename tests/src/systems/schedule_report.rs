//! Document 000: report exports by schedule.

use std::io;

use serde_json::{Value, json};

use super::client::Client;
use super::{Site, System, Told, Words, row};
use crate::harness::Pipeline;
use crate::table::Table;

/// Exports that are asked for side by side.
const EXPORTS: usize = 12;

const SCHEDULES: &str = "/api/v2/reporting/schedules";
const WEBHOOK: &str = "/api/v1/refresh/cxone-export";

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleReport;

impl ScheduleReport {
    /// A request as the document has it, for a report of its own.
    pub fn request(report: &str) -> Value {
        json!({
            "reportId": report,
            "name": "Daily Agent Performance Export",
            "frequency": "daily",
            "time": "02:00",
            "outputFormat": "csv",
            "incremental": true,
            "compression": "gzip",
            "deliveryUrl": "https://bi-platform.example.com/api/v1/callbacks/cxone",
            "expectedRows": 2_500_000,
        })
    }

    /// Has an export made, and gives what the host says of the job.
    ///
    /// # Errors
    /// When it is refused or does not end.
    pub fn export(client: &Client, report: &str) -> io::Result<Value> {
        let body = Self::request(report).to_string();
        client.finish("/exports", report, &body)
    }
}

impl System for ScheduleReport {
    fn name(&self) -> &'static str {
        "schedule-report"
    }

    fn configure(&self, pipeline: Pipeline, _: &Site) -> Pipeline {
        pipeline
            .environment("POLL_INTERVAL", "200ms")
            .set("connections.cxone.retry.first-wait=20ms")
            .set("connections.bi.retry.first-wait=20ms")
            .checkpoint_every(50)
    }

    fn work(&self, site: &Site) -> io::Result<Vec<Told>> {
        let client = site.client()?;
        let reports = (0..EXPORTS).map(|number| format!("report_{number}"));
        super::side_by_side(reports, |report| Self::export(&client, report))
    }

    fn outcome(&self, site: &Site, told: &[Told]) -> io::Result<Vec<Table>> {
        let schedules = site.performed(SCHEDULES);
        let mut words = Words::default();
        for schedule in &schedules {
            let report = schedule.body["reportId"].as_str().unwrap_or_default();
            words.add(&schedule.effect.answer["id"], report);
        }
        let timing = ["timestamp", "executionLatencyMs", "id", "url", "progress"];
        let of_schedule = |id: &Value, what: &Value| row(words.of(id), &words.put(what, &timing));
        let audit = site.audit()?;
        let told = told
            .iter()
            .map(|told| row(&told.about, &words.put(&told.what, &timing)));
        Ok(vec![
            Table {
                name: "answers",
                rows: told.collect(),
            },
            Table {
                name: "schedules",
                rows: schedules
                    .iter()
                    .map(|schedule| row(text(&schedule.body["reportId"]), &schedule.body))
                    .collect(),
            },
            Table {
                name: "webhooks",
                rows: site
                    .performed(WEBHOOK)
                    .iter()
                    .map(|webhook| of_schedule(&webhook.body["scheduleId"], &webhook.body))
                    .collect(),
            },
            Table {
                name: "audit",
                rows: audit
                    .iter()
                    .map(|entry| row(text(&entry["reportId"]), &words.put(entry, &timing)))
                    .collect(),
            },
        ])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
