//! Document 002: metrics of journeys.

use std::io;

use cxone_simulator::Options;
use serde_json::{Value, json};

use super::client::Client;
use super::{Performed, Site, System, Told, Words, row};
use crate::harness::Pipeline;
use crate::table::{Row, Table};

/// Queries that are made side by side, each for the beginning of another month.
const QUERIES: usize = 12;
/// So many that all rows of a result fit into what the simulator keeps of a body.
const JOURNEYS: u32 = 20;

const ANALYTICS: &str = "/api/v2/reporting/analytics";
const WEBHOOK: &str = "/webhook/journey-metrics";

/// The system.
#[derive(Clone, Copy, Debug)]
pub struct QueryJourneys;

impl QueryJourneys {
    /// A query as the document has it, for the first ten days of a month, such as `2025-01`, in pages of 40 rows.
    pub fn query(month: &str) -> Value {
        json!({
            "reportType": "journey",
            "metric": ["journeyCompletionRate", "journeyDropOffRate"],
            "dimension": ["journeyId", "date"],
            "filter": {},
            "timeGroupBy": "day",
            "dateFrom": format!("{month}-01"),
            "dateTo": format!("{month}-10"),
            "limit": 40,
        })
    }

    /// Has a query answered, and gives what the host says of the job.
    ///
    /// # Errors
    /// When it is refused or does not end.
    pub fn aggregate(client: &Client, month: &str) -> io::Result<Value> {
        let body = Self::query(month).to_string();
        client.finish("/aggregate", month, &body)
    }
}

impl System for QueryJourneys {
    fn name(&self) -> &'static str {
        "query-journeys"
    }

    fn platform(&self) -> Options {
        Options {
            journeys: JOURNEYS,
            ..Options::default()
        }
    }

    fn configure(&self, pipeline: Pipeline, _: &Site) -> Pipeline {
        pipeline
            .environment("POLL_INTERVAL", "200ms")
            .set("connections.cxone.retry.first-wait=20ms")
            // Open, it makes answers of faults that a system is to get over: it has a test of its own.
            .set("connections.cxone.circuit-breaker.failures=1000")
            .set("connections.bi.retry.first-wait=20ms")
            .checkpoint_every(50)
    }

    fn work(&self, site: &Site) -> io::Result<Vec<Told>> {
        let client = site.client()?;
        let months = (1..=QUERIES).map(|month| format!("2025-{month:02}"));
        super::side_by_side(months, |month| Self::aggregate(&client, month))
    }

    fn outcome(&self, site: &Site, told: &[Told]) -> io::Result<Vec<Table>> {
        let queries = site.performed(ANALYTICS);
        let mut words = Words::default();
        for query in &queries {
            words.add(&query.effect.answer["queryId"], month_of(query));
        }
        let timing = [
            "timestamp",
            "latency",
            "latency_ms",
            "id",
            "url",
            "progress",
        ];
        let of_query = |what: &Value| row(words.of(&what["queryId"]), &words.put(what, &timing));
        let rows = |records: Vec<Value>| records.iter().map(of_query).collect::<Vec<Row>>();
        let told = told
            .iter()
            .map(|told| row(&told.about, &words.put(&told.what, &timing)));
        let webhooks = site.performed(WEBHOOK).into_iter();
        Ok(vec![
            Table {
                name: "answers",
                rows: told.collect(),
            },
            Table {
                name: "queries",
                rows: queries
                    .iter()
                    .map(|query| row(month_of(query), &query.body))
                    .collect(),
            },
            Table {
                name: "webhooks",
                rows: rows(webhooks.map(|webhook| webhook.body).collect()),
            },
            Table {
                name: "quality",
                rows: rows(site.lines("quality.jsonl")?),
            },
            Table {
                name: "audit",
                rows: rows(site.audit()?),
            },
        ])
    }
}

fn month_of(query: &Performed) -> &str {
    let day = query.body["dateFrom"].as_str().unwrap_or_default();
    day.get(..7).unwrap_or(day)
}
