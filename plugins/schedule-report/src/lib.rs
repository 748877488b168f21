//! Has a report exported by schedule and sees the export through, by the rules of document 000, *Scheduling NICE CXone Custom Report
//! Exports via API*.
//!
//! To make a schedule takes one request; its export runs for minutes or hours in the data warehouse, and nobody calls when it is done. What
//! counts here is therefore what outlives a crash: the schedule is made once, and its execution is watched until it has ended or
//! its time is up. Each job, whatever came of it, leaves one entry on the port `audit`.

mod audit;
mod creation;
mod execution;
mod request;
mod webhook;

use jackfield_sdk::{
    Delivery, Duration, Failure, Job, Port, Problems, Workflow, job, path_segment,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use audit::{AuditEntry, Status};
pub use request::{ExportRequest, Quota};

use execution::{Execution, Look};

/// One [`AuditEntry`] a job.
pub const AUDIT: Port = Port::unkeyed(0, "audit");

/// The connection to the platform, whose base URL is that of the organization without a path.
pub const PLATFORM: &str = "cxone";
/// The connection to the business intelligence platform that is told of exports.
pub const INTELLIGENCE: &str = "bi";

const SCHEDULES: &str = "/api/v2/reporting/schedules";

/// Polls from one savepoint to the next: an hour has 240, and a journal of all of them would be read again after each sleep.
const POLLS_A_SAVEPOINT: u32 = 100;

/// The job.
pub struct ScheduleReport {
    configuration: Configuration,
}

/// What the manifest may say of the job.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// How large an export may be, in bytes. The platform tells no quota, so it is stated here.
    #[schemars(range(min = 1))]
    maximum_storage_bytes: u64,
    /// How many rows an export may have.
    #[schemars(range(min = 1))]
    maximum_rows: u64,
    /// What a row is taken to need, in bytes, where the input has no `estimatedBytes`.
    #[schemars(range(min = 1))]
    bytes_a_row: u64,
    /// The time from one look at an execution to the next.
    poll_interval: Duration,
    /// The time that an execution may take from when its schedule was made.
    execution_limit: Duration,
    /// Where the business intelligence platform is told of an export, below its connection.
    webhook_path: String,
}

impl Default for Configuration {
    fn default() -> Self {
        const FIFTEEN_SECONDS: Duration = Duration::from_millis(15_000).unwrap();
        const HOUR: Duration = Duration::from_millis(3_600_000).unwrap();
        Self {
            maximum_storage_bytes: 5 * 1024 * 1024 * 1024,
            maximum_rows: 10_000_000,
            bytes_a_row: 512,
            poll_interval: FIFTEEN_SECONDS,
            execution_limit: HOUR,
            webhook_path: "/api/v1/refresh/cxone-export".to_owned(),
        }
    }
}

/// What a job ends with whose export is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    schedule_id: String,
    status: Status,
    execution_latency_ms: i64,
    data_completeness_score: f64,
    actual_row_count: u64,
    webhook: Delivery,
}

/// An execution that is being watched.
#[derive(Deserialize, Serialize)]
struct Watch {
    schedule_id: String,
    /// When the schedule had been made, milliseconds since the Unix epoch.
    since: i64,
    polls: u32,
    /// What the last poll came to, in words.
    seen: String,
}

impl Job for ScheduleReport {
    type Configuration = Configuration;
    type Input = ExportRequest;
    type Output = Exported;
    const OUTPUTS: &'static [Port] = &[AUDIT];

    fn new(configuration: Configuration) -> Result<Self, String> {
        if !configuration.webhook_path.starts_with('/') {
            return Err(format!(
                "webhook-path is `{}`, expected a path that begins with a slash",
                configuration.webhook_path
            ));
        }
        Ok(Self { configuration })
    }

    fn read(&self, input: &[u8], problems: &mut Problems) -> Option<ExportRequest> {
        let quota = Quota {
            bytes: self.configuration.maximum_storage_bytes,
            rows: self.configuration.maximum_rows,
            bytes_a_row: self.configuration.bytes_a_row,
        };
        ExportRequest::read(input, &quota, problems)
    }

    fn run(
        &self,
        request: ExportRequest,
        workflow: &mut Workflow<'_>,
    ) -> Result<Exported, Failure> {
        let mut entry = AuditEntry::new(&request.report_id);
        let ended = self.see_through(&request, &mut entry, workflow);
        entry.end(workflow.now(), ended.as_ref().err());
        workflow.emit(AUDIT, &entry)?;
        let (schedule_id, execution) = ended?;
        let webhook = webhook::tell(
            &self.configuration.webhook_path,
            &schedule_id,
            &execution,
            workflow,
        );
        Ok(Exported {
            schedule_id,
            status: entry.status,
            execution_latency_ms: entry.execution_latency_ms,
            data_completeness_score: entry.data_completeness_score,
            actual_row_count: entry.actual_row_count,
            webhook,
        })
    }
}

impl ScheduleReport {
    /// From the schedule to the end of its execution; what becomes known on the way is noted in the entry.
    fn see_through(
        &self,
        request: &ExportRequest,
        entry: &mut AuditEntry,
        workflow: &mut Workflow<'_>,
    ) -> Result<(String, Execution), Failure> {
        let resumed = workflow.savepoint().map(|savepoint| savepoint.decode());
        let mut watch: Watch = match resumed {
            Some(watch) => watch?,
            None => begin(request, workflow)?,
        };
        entry.schedule(&watch.schedule_id, watch.since);
        let execution = self.watch(&mut watch, workflow)?;
        entry.execution(&execution, request.expected_rows);
        if execution.is_completed() {
            return Ok((watch.schedule_id, execution));
        }
        let message = format!("the export of schedule {} failed", watch.schedule_id);
        let failure = Failure::new("export-failed", message).status(502);
        Err(failure.details(&execution.as_json()))
    }

    /// Polls until the execution has ended: at once, and then every 15 s (*Step 3*). A poll that goes wrong is one that saw nothing.
    fn watch(&self, watch: &mut Watch, workflow: &mut Workflow<'_>) -> Result<Execution, Failure> {
        let limit = self.configuration.execution_limit;
        loop {
            let seen = match execution::look(&watch.schedule_id, workflow)? {
                Look::Ended(execution) => return Ok(execution),
                Look::NotYet(seen) => seen,
            };
            if seen != watch.seen {
                workflow.progress(&seen);
                watch.seen = seen;
            }
            watch.polls += 1;
            if workflow.now() - watch.since >= limit.as_millis() {
                return Err(late(watch));
            }
            workflow.sleep(self.configuration.poll_interval);
            if watch.polls.is_multiple_of(POLLS_A_SAVEPOINT) {
                workflow.save(watch)?;
            }
        }
    }
}

fn begin(request: &ExportRequest, workflow: &mut Workflow<'_>) -> Result<Watch, Failure> {
    let watch = Watch {
        schedule_id: creation::create(request, workflow)?,
        since: workflow.now(),
        polls: 0,
        seen: String::new(),
    };
    // From here on nothing can make a second schedule.
    workflow.save(&watch)?;
    Ok(watch)
}

fn late(watch: &Watch) -> Failure {
    let Watch {
        schedule_id,
        polls,
        seen,
        ..
    } = watch;
    let message = format!(
        "the execution of schedule {schedule_id} has not ended in time, after {polls} polls: {seen}"
    );
    Failure::new("execution-timeout", message).status(504)
}

fn executions(schedule_id: &str) -> String {
    format!("{SCHEDULES}/{}/executions", path_segment(schedule_id))
}

/// A time of the host as ISO 8601 has it.
fn instant(milliseconds: i64) -> String {
    let instant = Timestamp::from_millisecond(milliseconds);
    instant.unwrap_or(Timestamp::MAX).to_string()
}

job!(ScheduleReport);
