//! Synchronises a data extension of NICE CXone with a source of records: document 003.
//!
//! Records are prepared by the stage `prepare-contacts` and served where the platform pulls them; this job looks at both sides before it begins, has them
//! synchronised, waits for the platform's callback, sends refused records again as they were meant, and tells how it went. What it says is what it saw.

mod platform;
mod recovery;
mod report;
mod request;
mod schema;
mod source;

use jackfield_sdk::{Duration, Failure, Job, Port, Problems, Workflow, job};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

pub use request::{Mapping, SyncInput};

use platform::{Ended, Order, Platform};
use recovery::{Recovered, Recovery};
use report::{ComplianceFlags, Health, Metrics, audit_line, is_standardised};
use schema::{Schema, mismatch};
use source::Source;

/// Lines of the audit, one a synchronisation.
pub const AUDIT: Port = Port::unkeyed(0, "audit");
/// Corrected records, each with its `recoveryBatch`: to be served at the recovery endpoint.
pub const RECOVERY: Port = Port::unkeyed(1, "recovery");
/// Records that were given up, with the reason.
pub const REJECTIONS: Port = Port::unkeyed(2, "rejections");

/// The job.
pub struct SyncExtension {
    configuration: Configuration,
    platform: Platform,
}

/// What the manifest says of the job.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Configuration {
    /// The connection to the platform.
    connection: String,
    /// The trigger that the platform calls back.
    trigger: String,
    /// Where the platform finds the records, if the input does not say.
    source_endpoint: Option<String>,
    /// Whom the platform calls back, if the input does not say.
    webhook_url: Option<String>,
    /// The connection by which the job itself sees the records; without it nothing is looked at before, and nothing is sent again.
    source_connection: Option<String>,
    /// Where corrected records are found. Without it nothing is sent again.
    recovery_endpoint: Option<String>,
    /// How often refused records are sent again.
    recovery_attempts: u32,
    /// How long it may take until corrected records are found there.
    recovery_within: Duration,
    /// How many records are looked at before a synchronisation begins.
    #[schemars(range(min = 1, max = 5000))]
    inspected_records: u64,
    /// How long is waited for a callback before the platform is asked.
    status_interval: Duration,
    /// How long a synchronisation may take.
    callback_within: Duration,
    /// How long is waited before somebody is asked again whose answer made no sense, or who has not got the records yet.
    retry_interval: Duration,
    /// Fields that hold personal data; any may if this is not said.
    personal_fields: Option<Vec<String>>,
}

impl Default for Configuration {
    fn default() -> Self {
        const SECOND: Duration = Duration::from_millis(1_000).unwrap();
        const MINUTE: Duration = Duration::from_millis(60_000).unwrap();
        const TEN_MINUTES: Duration = Duration::from_millis(10 * 60_000).unwrap();
        const HOUR: Duration = Duration::from_millis(60 * 60_000).unwrap();
        Self {
            connection: "cxone".into(),
            trigger: "cxone-sync".into(),
            source_endpoint: None,
            webhook_url: None,
            source_connection: None,
            recovery_endpoint: None,
            recovery_attempts: 2,
            recovery_within: TEN_MINUTES,
            inspected_records: 100,
            status_interval: MINUTE,
            callback_within: HOUR,
            retry_interval: SECOND,
            personal_fields: None,
        }
    }
}

impl Configuration {
    fn check(&self) -> Result<(), String> {
        for (name, url) in [
            ("source-endpoint", &self.source_endpoint),
            ("webhook-url", &self.webhook_url),
            ("recovery-endpoint", &self.recovery_endpoint),
        ] {
            if let Some(url) = url
                && !request::is_url(url)
            {
                return Err(format!("`{name}` is no http or https URL: {url:?}"));
            }
        }
        if self.recovery_endpoint.is_some() && self.source_connection.is_none() {
            let message = "`recovery-endpoint` needs `source-connection`: records are looked up before they are sent again";
            return Err(message.into());
        }
        if !(1..=request::LARGEST_BATCH).contains(&self.inspected_records) {
            let most = request::LARGEST_BATCH;
            return Err(format!("`inspected-records` is not from 1 to {most}"));
        }
        Ok(())
    }
}

impl Job for SyncExtension {
    type Configuration = Configuration;
    type Input = SyncInput;
    type Output = Value;
    const OUTPUTS: &'static [Port] = &[AUDIT, RECOVERY, REJECTIONS];

    fn new(configuration: Configuration) -> Result<Self, String> {
        configuration.check()?;
        let platform = Platform {
            connection: configuration.connection.clone(),
            trigger: configuration.trigger.clone(),
            status_interval: configuration.status_interval.into(),
            callback_within: configuration.callback_within.into(),
            retry_interval: configuration.retry_interval.into(),
        };
        Ok(Self {
            configuration,
            platform,
        })
    }

    fn read(&self, input: &[u8], problems: &mut Problems) -> Option<SyncInput> {
        request::read(input, &self.configuration, problems)
    }

    fn run(&self, input: SyncInput, workflow: &mut Workflow<'_>) -> Result<Value, Failure> {
        let run = Run {
            job: self,
            input: &input,
        };
        let mut flags = ComplianceFlags::default();
        run.whole(&mut flags, workflow).inspect_err(|failure| {
            // The failure is what counts: a line that cannot be written does not take its place.
            let _ = run.audit_failure(failure, flags, workflow);
        })
    }
}

/// One run of the job.
struct Run<'r> {
    job: &'r SyncExtension,
    input: &'r SyncInput,
}

impl Run<'_> {
    fn whole(
        &self,
        flags: &mut ComplianceFlags,
        workflow: &mut Workflow<'_>,
    ) -> Result<Value, Failure> {
        let input = self.input;
        let schema = self.job.platform.schema(&input.extension, workflow)?;
        self.inspect(&schema, flags, workflow)?;
        let order = Order {
            extension: &input.extension,
            source_endpoint: &input.source_endpoint,
            mappings: &input.mappings,
            webhook_url: &input.webhook_url,
            batch: input.batch,
        };
        let ended = self.job.platform.synchronise(order, workflow)?;
        flags.pii_processed = self.has_processed_personal_data(&ended);
        let now = workflow.now();
        let metrics = Metrics::of(&ended, now);
        let details = json!({
            "jobId": ended.job,
            "metrics": metrics,
            "payloadHash": ended.payload_hash,
            "complianceFlags": flags,
        });
        let line = audit_line("DATA_SYNC_JOB_COMPLETED", &input.extension, now, details);
        workflow.emit(AUDIT, &line)?;
        let recovered = self.recover(&schema, order, &ended, workflow);
        let health = match &recovered {
            Ok(_) => metrics.health(),
            Err(_) => Health::Degraded,
        };
        let is_reported = self.report_health(&metrics, health, workflow);
        let Recovered {
            recovered,
            rejected,
        } = recovered?;
        Ok(json!({
            "status": if rejected == 0 { "COMPLETED" } else { "PARTIAL" },
            "extensionId": input.extension,
            "syncJobId": ended.job,
            "payloadHash": ended.payload_hash,
            "metrics": metrics,
            "recoveredRecords": recovered,
            "rejectedRecords": rejected,
            "health": health,
            "healthReported": is_reported,
            "complianceFlags": flags,
        }))
    }

    /// Looks at both sides before anything is begun.
    fn inspect(
        &self,
        schema: &Schema,
        flags: &mut ComplianceFlags,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let mappings = &self.input.mappings;
        let mut problems = schema.disagreements(mappings);
        flags.schema_validated = problems.is_empty();
        if let Some(source) = self.source(&self.input.source_endpoint) {
            let records = source.first(self.job.configuration.inspected_records, workflow)?;
            flags.nulls_standardized = is_standardised(&records, schema, mappings);
            problems.extend(schema.misfits(mappings, &records));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(mismatch(&problems))
        }
    }

    fn source<'s>(&'s self, endpoint: &'s str) -> Option<Source<'s>> {
        let connection = self.job.configuration.source_connection.as_deref()?;
        Some(Source {
            connection,
            endpoint,
            retry_interval: self.job.configuration.retry_interval.into(),
        })
    }

    fn has_processed_personal_data(&self, ended: &Ended) -> bool {
        let is_personal = |mapping: &Mapping| match &self.job.configuration.personal_fields {
            Some(fields) => fields.contains(&mapping.target),
            None => true,
        };
        let progress = &ended.outcome.progress;
        let refused = ended.outcome.malformed().count() as u64;
        let estimated = progress.total_records.saturating_sub(refused);
        let processed = progress.processed_records.unwrap_or(estimated);
        processed > 0 && self.input.mappings.iter().any(is_personal)
    }

    fn recover(
        &self,
        schema: &Schema,
        order: Order<'_>,
        ended: &Ended,
        workflow: &mut Workflow<'_>,
    ) -> Result<Recovered, Failure> {
        let configuration = &self.job.configuration;
        let endpoint = configuration.recovery_endpoint.as_deref();
        let corrected = endpoint.and_then(|endpoint| self.source(endpoint));
        let mut mappings = self.input.mappings.iter();
        let key = mappings.find(|mapping| mapping.target == schema.key());
        let recovery = Recovery {
            platform: &self.job.platform,
            configuration,
            order,
            key: key.map_or("", |mapping| &mapping.source),
            source: self.source(&self.input.source_endpoint).zip(corrected),
        };
        let Some(failure) = ended.outcome.failure() else {
            return recovery.run(ended, workflow);
        };
        let refused: Vec<_> = ended.outcome.malformed().cloned().collect();
        let reason = format!("the synchronisation failed before it could be sent again: {failure}");
        recovery.give_up(&refused, &reason, workflow)?;
        Err(failure)
    }

    /// Whether the platform was told. A synchronisation does not fail for that it was not.
    fn report_health(
        &self,
        metrics: &Metrics,
        health: Health,
        workflow: &mut Workflow<'_>,
    ) -> bool {
        let now = workflow.now();
        let event = metrics.health_event(&self.input.extension, health, now);
        let told = self.job.platform.report_health(&event, workflow);
        if let Err(failure) = &told {
            workflow.progress(format!(
                "the extension's health was not reported: {failure}"
            ));
        }
        told.is_ok()
    }

    fn audit_failure(
        &self,
        failure: &Failure,
        flags: ComplianceFlags,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let details = json!({
            "error": { "code": failure.code, "message": failure.message },
            "complianceFlags": flags,
        });
        let now = workflow.now();
        let extension = &self.input.extension;
        let line = audit_line("DATA_SYNC_JOB_FAILED", extension, now, details);
        workflow.emit(AUDIT, &line)
    }
}

job!(SyncExtension);
