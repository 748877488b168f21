//! Dead letters on their way back: each to the input or the sink that refused it.

use super::plan::Plan;
use crate::checkpoint::{DeadLetter, StoredDeadLetter};
use crate::record::Batch;

/// What became of dead letters that were to be replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many were given back.
    pub replayed: usize,
    /// How many of them were refused again, and are new dead letters.
    pub refused_again: u64,
    /// Those that cannot be, and why.
    pub kept: Vec<(i64, String)>,
}

/// Dead letters that are given back, in place of what the sources hold.
#[derive(Debug, Default)]
pub(super) struct Replay {
    pub(super) ids: Vec<i64>,
    pub(super) deliveries: Vec<Delivery>,
}

/// A dead letter that goes back to where it was refused.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The stage's input, or the sink.
    pub to: Recipient,
    /// The record alone.
    pub record: Batch,
}

/// Who refused a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// An input of a stage, both by index.
    Stage {
        /// The stage.
        stage: usize,
        /// The input.
        input: usize,
    },
    /// A sink, by index.
    Sink(usize),
}

impl Replay {
    /// Whether anything is given back. Without, nothing at all is worked on: what sinks have taken before is delivered.
    pub(super) fn has_letters(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Finds out where letters go; those that cannot go anywhere are given back with the reason.
    pub(super) fn of(letters: Vec<StoredDeadLetter>, plan: &Plan) -> (Self, Vec<(i64, String)>) {
        let (mut replay, mut kept) = (Self::default(), Vec::new());
        for StoredDeadLetter { id, letter, .. } in letters {
            match recipient(plan, &letter) {
                Ok(to) => {
                    let mut record = Batch::default();
                    record.push(&letter.record, letter.key.as_deref(), letter.timestamp);
                    replay.ids.push(id);
                    replay.deliveries.push(Delivery { to, record });
                }
                Err(reason) => kept.push((id, reason)),
            }
        }
        (replay, kept)
    }
}

/// Who refused a dead letter.
fn recipient(plan: &Plan, letter: &DeadLetter) -> Result<Recipient, String> {
    if let Some(sink) = plan
        .sinks
        .iter()
        .position(|sink| sink.name == letter.stage && letter.port.is_empty())
    {
        return Ok(Recipient::Sink(sink));
    }
    if plan
        .sources
        .iter()
        .any(|source| source.name == letter.stage)
    {
        return Err("a source refused it, and only its beginning was kept".to_owned());
    }
    let stage = plan
        .stages
        .iter()
        .position(|stage| stage.name == letter.stage);
    let stage =
        stage.ok_or_else(|| format!("the manifest has no stage `{}` any more", letter.stage))?;
    let inputs = &plan.stages[stage].component.description().inputs;
    let input = inputs
        .iter()
        .position(|port| port.name == letter.port && port.keyed == letter.key.is_some());
    let input = input.ok_or_else(|| {
        format!(
            "the stage `{}` has no input `{}` any more",
            letter.stage, letter.port
        )
    })?;
    Ok(Recipient::Stage { stage, input })
}
