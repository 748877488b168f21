//! Streams batch exports of NICE CXone data actions to clients that stay connected: document 004.
//!
//! The client's first message says which export it wants and how it wants to have it; each chunk then is a message of its own, which can be
//! checked by itself and says where to go on. The job knows nothing of connections: the host sends what is emitted to [`FRAMES`] in order, holds
//! the job back while its client is slow, and keeps what was not acknowledged. Even a client that lost everything can go on, by the export's identifier and the
//! offset of the first record that it lacks.
//!
//! | message | |
//! |---|---|
//! | `{"status":"streaming", "export_job_id", "resume_offset", "schema_version"}` | the first |
//! | `{"offset", "records", "checksum", "encoding", "data"}` | a chunk, or a part of one that would be too large |
//! | `{"offset", "warning": {"code", "message", "drift"}}` | in front of a chunk of another shape |
//! | `{"offset", "error": {"code", "message", …}}` | where the stream ends early |
//! | `{"status":"complete", "export_job_id", "next_offset", "metrics"}` | the last: the job's output |

pub mod chunk;
pub mod frame;
mod metrics;
pub mod payload;
mod report;
mod service;
pub mod shape;
mod stream;

use jackfield_sdk::{Duration, Failure, Job, Port, Problems, Workflow, job};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use payload::{DriftPolicy, Payload};
use service::Service;
use stream::Stream;

/// Messages for the client.
pub const FRAMES: Port = Port::unkeyed(0, "frames");
/// A copy of each chunk for the data lake, `{"key", "export_job_id", "schema_version", "offset", "records", "data"}`, with the records as a JSON array in `data`.
pub const LAKE: Port = Port::unkeyed(1, "lake");
/// One line about each stream when it ends: `{"status", "export_job_id", "next_offset", "metrics"}`.
pub const METRICS: Port = Port::unkeyed(2, "metrics");
/// Lines of the audit: a stream's start, each chunk with the checksums of its messages, and its end.
pub const AUDIT: Port = Port::unkeyed(3, "audit");

/// The job.
pub struct StreamExport {
    service: Service,
    report: String,
    policy: DriftPolicy,
}

/// What the manifest says of the job.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Configuration {
    /// The connection to the platform.
    connection: String,
    /// What is exported for a client that names neither an export nor a report.
    report: String,
    /// What is done about drift if the client does not say.
    drift_policy: DriftPolicy,
    /// How long is waited between looks at an export that is not ready.
    poll_interval: Duration,
    /// How long an export may take to be ready.
    ready_within: Duration,
    /// How long is waited before something is asked for again whose answer made no sense.
    retry_interval: Duration,
}

impl Default for Configuration {
    fn default() -> Self {
        const SECOND: Duration = Duration::from_millis(1_000).unwrap();
        const FIVE_SECONDS: Duration = Duration::from_millis(5_000).unwrap();
        const HALF_AN_HOUR: Duration = Duration::from_millis(30 * 60_000).unwrap();
        Self {
            connection: "cxone".into(),
            report: "DEFAULT_ANALYTICS_EXPORT".into(),
            drift_policy: DriftPolicy::Stop,
            poll_interval: FIVE_SECONDS,
            ready_within: HALF_AN_HOUR,
            retry_interval: SECOND,
        }
    }
}

impl Job for StreamExport {
    type Configuration = Configuration;
    type Input = Payload;
    type Output = Value;
    const OUTPUTS: &'static [Port] = &[FRAMES, LAKE, METRICS, AUDIT];

    fn new(configuration: Configuration) -> Result<Self, String> {
        if configuration.report.is_empty() {
            return Err("`report` is empty: name what is exported".into());
        }
        Ok(Self {
            service: Service {
                connection: configuration.connection,
                poll_interval: configuration.poll_interval.into(),
                ready_within: configuration.ready_within.into(),
                retry_interval: configuration.retry_interval.into(),
            },
            report: configuration.report,
            policy: configuration.drift_policy,
        })
    }

    fn read(&self, input: &[u8], problems: &mut Problems) -> Option<Payload> {
        payload::read(input, problems)
    }

    fn run(&self, payload: Payload, workflow: &mut Workflow<'_>) -> Result<Value, Failure> {
        let stream = Stream {
            service: &self.service,
            payload: &payload,
            policy: payload.drift_policy.unwrap_or(self.policy),
        };
        let savepoint = workflow.savepoint().cloned();
        let mut progress = match savepoint {
            Some(savepoint) => savepoint.decode()?,
            None => {
                let report = payload.report_id.as_deref().unwrap_or(&self.report);
                stream.begin(report, workflow)?
            }
        };
        stream.run(&mut progress, workflow)
    }
}

job!(StreamExport);
