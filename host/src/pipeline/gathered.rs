//! A checkpoint, put together from what the workers and sinks of an attempt say, and what is told of it.

use std::time::Duration;

use super::channel::Flushed;
use super::plan::Plan;
use super::progress::{Committed, Written};
use crate::checkpoint::{Checkpoint, StageCheckpoint};
use crate::plugin::Changes;

/// What is known of a checkpoint that counts.
pub(super) fn committed(checkpoint: &Checkpoint) -> Committed {
    Committed {
        epoch: checkpoint.epoch,
        taken_at: checkpoint.taken_at,
        pause: Duration::from_micros(checkpoint.pause_micros),
        totals: checkpoint.totals,
        written: None,
    }
}

/// What changes of state come to.
pub(super) fn written(changes: &[(String, u32, Changes)]) -> Written {
    let mut written = Written::default();
    for (_, _, changes) in changes {
        written.entries += (changes.keys.len() + changes.forgotten.len()) as u64;
        written.bytes += (changes.keys.bytes() + changes.values.bytes()) as u64;
    }
    written
}

/// Puts what the workers know into the checkpoint; gives the changes of state.
pub(super) fn gather(
    plan: &Plan,
    flushed: Vec<Flushed>,
    checkpoint: &mut Checkpoint,
) -> Vec<(String, u32, Changes)> {
    let mut changes = Vec::new();
    for worker in flushed {
        for (stage, watermark) in worker.watermarks {
            let plan = &plan.stages[stage];
            let known = StageCheckpoint {
                digest: plan.component.digest().to_owned(),
                state_version: plan.component.description().state_version,
                watermark,
            };
            let stage = checkpoint.stages.entry(plan.name.clone()).or_insert(known);
            stage.watermark = stage.watermark.min(watermark);
        }
        for (source, partition, position) in worker.partitions {
            let source = plan.sources[source].name.clone();
            checkpoint
                .sources
                .entry(source)
                .or_default()
                .insert(partition, position);
        }
        changes.extend(worker.changes.into_iter().map(|(stage, changes)| {
            let plan = &plan.stages[stage];
            (
                plan.name.clone(),
                plan.component.description().state_version,
                changes,
            )
        }));
    }
    changes
}
