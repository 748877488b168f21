//! What is written about a stream for others than its client: the audit's lines and the data lake's chunks.

use jackfield_sdk::{Failure, Workflow};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::frame::{Frame, array};
use crate::{AUDIT, LAKE};

/// A stream, as the audit and the lake name it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The export.
    pub export: &'a str,
    /// What the client calls the shape of the records.
    pub schema_version: Option<&'a str>,
}

/// A chunk as the data lake keeps it.
#[derive(Serialize)]
struct LakeChunk<'a> {
    /// Sorts as the chunks do.
    key: String,
    export_job_id: &'a str,
    schema_version: Option<&'a str>,
    offset: u64,
    records: u64,
    data: &'a RawValue,
}

impl Subject<'_> {
    /// Emits a line of the audit: what was done, when, and what belongs to it. `time` in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// None in practice: the line is JSON.
    pub fn audit(
        &self,
        action: &str,
        time: i64,
        details: Value,
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        let mut line = json!({
            "timestamp": iso(time),
            "action": action,
            "actor": "SYSTEM_AUTOMATION",
            "resource": format!("exports/{}", self.export),
            "schemaVersion": self.schema_version,
        });
        if let (Value::Object(line), Value::Object(details)) = (&mut line, details) {
            line.extend(details);
        }
        workflow.emit(AUDIT, &line)
    }

    /// Emits the data lake's copy of the records from `offset` on that a client was sent.
    ///
    /// # Errors
    /// None in practice: the records are JSON.
    pub fn copy(
        &self,
        offset: u64,
        records: &[Box<RawValue>],
        workflow: &mut Workflow<'_>,
    ) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        let data = RawValue::from_string(array(records)).map_err(|error| {
            Failure::new("unwritable-record", format!("records are no JSON: {error}"))
        })?;
        let chunk = LakeChunk {
            key: format!("exports/{}/{offset:012}.json", self.export),
            export_job_id: self.export,
            schema_version: self.schema_version,
            offset,
            records: records.len() as u64,
            data: &data,
        };
        workflow.emit(LAKE, &chunk)
    }
}

/// A time, milliseconds since the Unix epoch, in RFC 3339.
fn iso(time: i64) -> String {
    let time = Timestamp::from_millisecond(time).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// What the audit says of messages.
pub fn frames(frames: &[Frame]) -> Value {
    let frame = |frame: &Frame| {
        json!({
            "offset": frame.offset,
            "records": frame.records,
            "bytes": frame.message.len(),
            "checksum": frame.checksum,
        })
    };
    frames.iter().map(frame).collect()
}
