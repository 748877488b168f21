//! One stream, from the first chunk that its client lacks to the last.
//!
//! A chunk is asked for, judged, handed over, and then a savepoint is made: what a stream remembers is small, however long it is.

use std::io;

use jackfield_sdk::{Failure, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::frame::{Framed, Framing, Oversized};
use crate::metrics::{Metrics, Sums};
use crate::payload::{DriftPolicy, Payload};
use crate::report::{self, Subject};
use crate::service::{Records, Service};
use crate::shape::{Drift, NotAnObject, Shape};
use crate::{FRAMES, METRICS};

/// How far a stream has come: its savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    export: String,
    offset: u64,
    /// What records are expected to be, once there were any.
    shape: Option<Shape>,
    sums: Sums,
    /// When it began, milliseconds since the Unix epoch.
    begun: i64,
}

/// What a stream is made of, beside how far it has come.
pub struct Stream<'j> {
    /// Where records come from.
    pub service: &'j Service,
    /// What the client asked for.
    pub payload: &'j Payload,
    /// What is done about drift.
    pub policy: DriftPolicy,
}

impl Stream<'_> {
    /// Starts or attaches to an export, and tells the client which it is: with that it can come back.
    ///
    /// # Errors
    /// What the platform says.
    pub fn begin(&self, report: &str, workflow: &mut Workflow<'_>) -> Result<Progress, Failure> {
        let begun = workflow.now();
        let (export, is_new) = match &self.payload.export_job_id {
            Some(export) => (export.clone(), false),
            None => (self.service.start(report, workflow)?, true),
        };
        let progress = Progress {
            export,
            offset: self.payload.resume_offset,
            shape: None,
            sums: Sums::default(),
            begun,
        };
        let details = json!({ "offset": progress.offset, "started": is_new });
        let subject = self.subject(&progress);
        subject.audit("EXPORT_STREAM_STARTED", begun, details, workflow)?;
        let greeting = json!({
            "status": "streaming",
            "export_job_id": progress.export,
            "resume_offset": progress.offset,
            "schema_version": self.payload.schema_version,
        });
        workflow.emit(FRAMES, &greeting)?;
        workflow.save(&progress)?;
        Ok(progress)
    }

    /// Streams everything that is left, and tells how it went.
    ///
    /// # Errors
    /// Why it ended before the last record; the audit says so too.
    pub fn run(
        &self,
        progress: &mut Progress,
        workflow: &mut Workflow<'_>,
    ) -> Result<Value, Failure> {
        let ended = self.stream(progress, workflow);
        let time = workflow.now();
        let metrics = progress.metrics(time);
        let (status, action) = match &ended {
            Ok(()) => ("complete", "EXPORT_STREAM_COMPLETED"),
            Err(_) => ("failed", "EXPORT_STREAM_FAILED"),
        };
        let told = json!({
            "status": status,
            "export_job_id": progress.export,
            "next_offset": progress.offset,
            "metrics": metrics,
        });
        workflow.emit(METRICS, &told)?;
        let mut details = json!({ "nextOffset": progress.offset, "metrics": metrics });
        if let Err(failure) = &ended {
            details["error"] = json!({ "code": failure.code, "message": failure.message });
        }
        self.subject(progress)
            .audit(action, time, details, workflow)?;
        ended.map(|()| told)
    }

    fn stream(&self, progress: &mut Progress, workflow: &mut Workflow<'_>) -> Result<(), Failure> {
        if progress.shape.is_none() && progress.offset > 0 {
            let first = self.records(&progress.export, 0, workflow)?;
            progress.shape = Some(Shape::of(&first).map_err(no_object)?);
        }
        loop {
            let asked = workflow.now();
            let records = self.records(&progress.export, progress.offset, workflow)?;
            if records.is_empty() {
                return Ok(());
            }
            self.chunk(progress, records, asked, workflow)?;
            workflow.progress(format!("{} records", progress.offset));
            // Last of a turn: a run that begins from here begins with the next chunk.
            workflow.save(progress)?;
        }
    }

    fn records(
        &self,
        export: &str,
        offset: u64,
        workflow: &mut Workflow<'_>,
    ) -> Result<Records, Failure> {
        let limit = self.payload.chunk_size_matrix.rest_at(offset);
        self.service.records(export, offset, limit, workflow)
    }

    /// Judges a chunk and hands it over. `asked` is when it was asked for.
    fn chunk(
        &self,
        progress: &mut Progress,
        records: Records,
        asked: i64,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let offset = progress.offset;
        let drifts = self.judged(progress, &records, workflow)?;
        let framing = Framing {
            compression: self.payload.compression_format,
            limit: self.payload.max_payload_size,
        };
        let Framed { frames, oversized } = framing.frames(offset, &records).map_err(unwritable)?;
        let sent: u64 = frames.iter().map(|frame| frame.records).sum();
        let subject = self.subject(progress);
        let whole = usize::try_from(sent)
            .unwrap_or(usize::MAX)
            .min(records.len());
        subject.copy(offset, &records[..whole], workflow)?;
        let messages = frames.iter().map(|frame| frame.message.clone()).collect();
        workflow.emit_bytes(FRAMES, messages);
        let done = workflow.now();
        let latency = u64::try_from(done - asked).unwrap_or_default();
        let details = json!({
            "offset": offset,
            "records": sent,
            "latencyMs": latency,
            "frames": report::frames(&frames),
            "drift": drifts,
        });
        subject.audit("EXPORT_CHUNK_STREAMED", done, details, workflow)?;
        progress.sums.add(&frames, latency, !drifts.is_empty());
        progress.offset += sent;
        match oversized {
            None => Ok(()),
            Some(oversized) => self.refuse_oversized(oversized, workflow),
        }
    }

    /// How a chunk differs from what is expected. The client is told in front of the chunk.
    fn judged(
        &self,
        progress: &mut Progress,
        records: &Records,
        workflow: &mut Workflow<'_>,
    ) -> Result<Vec<Drift>, Failure> {
        let offset = progress.offset;
        let judged = match &progress.shape {
            Some(shape) => shape.judge(offset, records),
            None => Shape::of(records).and_then(|shape| {
                let judged = shape.judge(offset, records);
                progress.shape = Some(shape);
                judged
            }),
        };
        let drifts = judged.or_else(|found| {
            let failure = no_object(found);
            error_frame(found.offset, &failure, json!({}), workflow)?;
            Err(failure)
        })?;
        if drifts.is_empty() {
            return Ok(drifts);
        }
        let message = format!("records from {offset} on are not as in the first chunk");
        let failure = Failure::new("schema-drift", message).details(&drifts);
        match (self.policy, &mut progress.shape) {
            (DriftPolicy::Stop, _) => {
                error_frame(offset, &failure, json!({ "drift": drifts }), workflow)?;
                return Err(failure.status(502));
            }
            (DriftPolicy::Adapt, Some(shape)) => {
                shape.adapt(&drifts, records).map_err(no_object)?;
            }
            _ => {}
        }
        let warning = json!({ "code": failure.code, "message": failure.message, "drift": drifts });
        workflow.emit(FRAMES, &json!({ "offset": offset, "warning": warning }))?;
        Ok(drifts)
    }

    fn refuse_oversized(
        &self,
        Oversized { offset, bytes }: Oversized,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let limit = self.payload.max_payload_size;
        let message = format!(
            "record {offset} makes a message of {bytes} bytes, and max_payload_size is {limit}; come back with a larger one and resume_offset {offset}, \
             or go on without the record at {}",
            offset + 1
        );
        let failure = Failure::new("record-too-large", message).status(413);
        let details = json!({ "bytes": bytes, "max_payload_size": limit });
        error_frame(offset, &failure, details, workflow)?;
        Err(failure)
    }

    fn subject<'s>(&'s self, progress: &'s Progress) -> Subject<'s> {
        Subject {
            export: &progress.export,
            schema_version: self.payload.schema_version.as_deref(),
        }
    }
}

impl Progress {
    fn metrics(&self, time: i64) -> Metrics {
        let elapsed = u64::try_from(time - self.begun).unwrap_or_default();
        self.sums.metrics(elapsed)
    }
}

/// Tells the client in the stream itself where it ends and why: `{"offset", "error": {"code", "message", …}}`.
fn error_frame(
    offset: u64,
    failure: &Failure,
    mut details: Value,
    workflow: &mut Workflow<'_>,
) -> Result<(), Failure> {
    details["code"] = json!(failure.code);
    details["message"] = json!(failure.message);
    workflow.emit(FRAMES, &json!({ "offset": offset, "error": details }))
}

fn no_object(NotAnObject { offset }: NotAnObject) -> Failure {
    let message = format!("record {offset} of the export is not a JSON object");
    Failure::new("record-not-an-object", message).status(502)
}

fn unwritable(error: io::Error) -> Failure {
    Failure::new(
        "unwritable-frame",
        format!("a message cannot be written: {error}"),
    )
}
