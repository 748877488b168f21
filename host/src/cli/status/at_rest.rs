//! How a pipeline that no process runs stands: what its last checkpoint says, in the form of what a process would say.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::admin::{
    CheckpointStatus, PartitionStatus, ReloadStatus, SinkStatus, SourceStatus, StageStatus, State,
    Status, TaskStatus, age_seconds, known, stored_bytes,
};
use crate::checkpoint::{Checkpoint, PartitionCheckpoint, Recorded, StageCheckpoint};
use crate::record::END_OF_TIME;

/// By the newest checkpoint.
pub(super) fn status(pipeline: &str, newest: Recorded, database: Option<&Path>) -> Status {
    let Recorded {
        checkpoint,
        entries,
        bytes,
    } = newest;
    let task = TaskStatus {
        name: pipeline.to_owned(),
        state: State::Ended,
        waits: Vec::new(),
        attempt: None,
        restarts: None,
        records: checkpoint.totals.records,
        records_per_second: None,
        rejected: checkpoint.totals.rejected,
        late: checkpoint.totals.late,
        latest_event_time: latest_event_time(&checkpoint),
        watermark_delay_seconds: None,
        standstill_seconds: None,
        sources: checkpoint
            .sources
            .iter()
            .map(|(name, partitions)| source(name, partitions))
            .collect(),
        stages: checkpoint
            .stages
            .iter()
            .map(|(name, known)| stage(name, known))
            .collect(),
        sinks: checkpoint.sinks.keys().map(|name| sink(name)).collect(),
        checkpoint: Some(CheckpointStatus {
            epoch: checkpoint.epoch,
            taken_at: checkpoint.taken_at,
            age_seconds: age_seconds(checkpoint.taken_at),
            pause_seconds: Duration::from_micros(checkpoint.pause_micros).as_secs_f64(),
            entries_written: Some(entries),
            bytes_written: Some(bytes),
            stored_bytes: database.and_then(stored_bytes),
            taken: None,
            complete: Some(checkpoint.complete),
        }),
    };
    let reload = checkpoint.note.as_ref().map(|note| ReloadStatus {
        version: note.version.clone(),
        ..ReloadStatus::default()
    });
    Status {
        pipeline: pipeline.to_owned(),
        host: None,
        tasks: vec![task],
        reload,
    }
}

fn latest_event_time(checkpoint: &Checkpoint) -> Option<i64> {
    let partitions = checkpoint.sources.values().flat_map(BTreeMap::values);
    let watermarks = partitions.flat_map(|partition| partition.watermarks.values());
    watermarks
        .filter_map(|watermark| known(watermark.latest))
        .max()
}

fn source(name: &str, partitions: &BTreeMap<String, PartitionCheckpoint>) -> SourceStatus {
    let partition = |(name, known): (&String, &PartitionCheckpoint)| PartitionStatus {
        name: name.clone(),
        // The form of a position is its source's; where it counts something, this is it.
        position: known
            .position
            .get("offset")
            .and_then(serde_json::Value::as_u64),
        end: None,
        lag: None,
        read_per_second: None,
    };
    SourceStatus {
        name: name.to_owned(),
        unit: None,
        lag: None,
        partitions: partitions.iter().map(partition).collect(),
    }
}

fn stage(name: &str, checkpoint: &StageCheckpoint) -> StageStatus {
    StageStatus {
        name: name.to_owned(),
        records_in: None,
        records_out: None,
        cpu_seconds: None,
        limit_breaches: None,
        records_in_per_second: None,
        watermark: known(checkpoint.watermark),
        watermark_delay_seconds: None,
        at_end_of_input: checkpoint.watermark == END_OF_TIME,
    }
}

fn sink(name: &str) -> SinkStatus {
    SinkStatus {
        name: name.to_owned(),
        ..SinkStatus::default()
    }
}
