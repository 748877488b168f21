//! Queries metrics of journeys, cleans the rows, and hands them on, by the rules of document 002, *Aggregating NICE CXone Journey
//! Execution Metrics via REST API*.
//!
//! Who asks waits for the answer, so it says little; who has to trust the numbers finds on the port `quality` what was missing in
//! them and what was left out, and on the port `audit` one entry a query, whatever came of it.

mod audit;
mod calendar;
mod cleaning;
mod engine;
mod location;
mod query;
pub mod statistics;
mod webhook;

use jackfield_sdk::{Duration, Failure, Job, Port, Problems, Workflow, job};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use audit::AuditEntry;
pub use calendar::Completeness;
pub use cleaning::{MissingKeys, Quality};
pub use location::resolve;
pub use query::Query;

use cleaning::Cleaned;
use engine::{Engine, Fetched};
use statistics::Quartiles;

/// One [`AuditEntry`] a job.
pub const AUDIT: Port = Port::unkeyed(0, "audit");
/// One [`Quality`] a result.
pub const QUALITY: Port = Port::unkeyed(1, "quality");

/// The connection to the platform, whose base URL is that of the organization without a path.
pub const PLATFORM: &str = "cxone";
/// The connection to the business intelligence platform that results are handed on to.
pub const INTELLIGENCE: &str = "bi";

/// A row of a result.
pub type Row = Map<String, Value>;

/// The job.
pub struct QueryJourneys {
    configuration: Configuration,
}

/// What the manifest may say of the job.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// The time before each poll.
    poll_interval: Duration,
    /// How many rows a result may have before it is sampled. A larger one is refused: all of it has to be held at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    maximum_rows: usize,
    /// How many rows are handed on at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    sample_rows: usize,
    /// How quartiles are found.
    quartiles: Quartiles,
    /// Where results are handed on to, below the connection `bi`; to nobody, if it is left out.
    webhook_path: Option<String>,
}

impl Default for Configuration {
    fn default() -> Self {
        const THREE_SECONDS: Duration = Duration::from_millis(3_000).unwrap();
        Self {
            poll_interval: THREE_SECONDS,
            maximum_rows: 100_000,
            sample_rows: 5_000,
            quartiles: Quartiles::NearestRank,
            webhook_path: None,
        }
    }
}

/// What a query is answered with.
#[derive(Serialize)]
pub struct Answer {
    status: &'static str,
    /// From the query to when its rows were clean, milliseconds.
    latency: i64,
    /// That were handed on.
    rows: usize,
}

impl Job for QueryJourneys {
    type Configuration = Configuration;
    type Input = Query;
    type Output = Answer;
    const OUTPUTS: &'static [Port] = &[AUDIT, QUALITY];

    fn new(configuration: Configuration) -> Result<Self, String> {
        if configuration.maximum_rows == 0 || configuration.sample_rows == 0 {
            return Err("maximum-rows and sample-rows are at least 1".to_owned());
        }
        match &configuration.webhook_path {
            Some(path) if !path.starts_with('/') => Err(format!(
                "webhook-path is `{path}`, expected a path that begins with a slash"
            )),
            _ => Ok(Self { configuration }),
        }
    }

    fn read(&self, input: &[u8], problems: &mut Problems) -> Option<Query> {
        Query::read(input, problems)
    }

    fn run(&self, query: Query, workflow: &mut Workflow<'_>) -> Result<Answer, Failure> {
        let since = workflow.now();
        let fetched = self.engine().run(&query, workflow);
        let now = workflow.now();
        let latency = now - since;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(failure) => {
                workflow.emit(AUDIT, &AuditEntry::failed(now, latency, &failure))?;
                return Err(failure);
            }
        };
        let Fetched {
            query_id,
            rows,
            total_count,
        } = fetched;
        let Cleaned { rows, quality } = cleaning::clean(rows, &query, &self.configuration);
        workflow.emit(QUALITY, &quality.of(&query_id, instant(now), total_count))?;
        let webhook = self.configuration.webhook_path.as_deref().map(|path| {
            let result = webhook::Payload::new(instant(now), &query_id, &rows, quality.total_rows);
            webhook::hand_on(path, &result, workflow)
        });
        let entry = AuditEntry::completed(now, latency, query_id, &quality, webhook);
        workflow.emit(AUDIT, &entry)?;
        Ok(Answer {
            status: "success",
            latency,
            rows: rows.len(),
        })
    }
}

impl QueryJourneys {
    fn engine(&self) -> Engine {
        Engine {
            poll_interval: self.configuration.poll_interval.into(),
            maximum_rows: self.configuration.maximum_rows,
        }
    }
}

/// A time of the host as ISO 8601 has it.
fn instant(milliseconds: i64) -> String {
    let instant = Timestamp::from_millisecond(milliseconds);
    instant.unwrap_or(Timestamp::MAX).to_string()
}

job!(QueryJourneys);
