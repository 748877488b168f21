//! Copies of what stages work on, for whoever asked for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::{Moment, Task};
use super::Answer;
use crate::pipeline::channel::Fault;
use crate::pipeline::clock::now;
use crate::pipeline::conduct::Conduct;
use crate::pipeline::reload::{Remembered, Wanted, gather, tap};

impl Task {
    /// Copies are to be taken. Whoever asks for some while others are about to begin is told so: those begin with a state that no checkpoint may change.
    pub(super) fn want_copies(&mut self, wanted: Wanted) {
        let Some(reloads) = &mut self.reloads else {
            return;
        };
        if reloads.captures || reloads.wanted.is_some() {
            // One who does not wait any more needs no answer.
            let _ = wanted
                .reply
                .send(Err("another capture is under way".to_owned()));
        } else {
            reloads.wanted = Some(wanted);
        }
    }

    /// Takes copies, if they are wanted: from the next checkpoint on.
    pub(super) fn capture(&mut self, conduct: &mut Conduct<'_>) -> Result<(), Fault> {
        let Some(wanted) = self
            .reloads
            .as_mut()
            .and_then(|reloads| reloads.wanted.take())
        else {
            return Ok(());
        };
        let of_plan = self.plan.stages.iter().enumerate();
        let stages: BTreeSet<usize> = of_plan
            .filter(|(_, stage)| wanted.stages.is_empty() || wanted.stages.contains(&stage.name))
            .map(|(index, _)| index)
            .collect();
        if self.under_way().is_some() {
            // One who does not wait any more needs no answer.
            let _ = wanted.reply.send(Err("a reload is under way".to_owned()));
            return Ok(());
        }
        let (mains, outlet) = tap::mains(stages, wanted.records);
        let shared = Arc::clone(&conduct.attempt.shared);
        shared.tap(Some(mains));
        let changes = self.checkpoint(conduct, Moment::UnderWay)?;
        shared.tap(None);
        if let Some(reloads) = &mut self.reloads {
            reloads.captures = true;
        }
        let (plan, epoch) = (Arc::clone(&self.plan), self.last.epoch);
        self.spawn("capture", 0, move |source, answer| {
            let taken = (now(), wanted.duration);
            let loaded = || answer(Answer::Captured);
            let remembered = Remembered {
                epoch,
                source,
                changes: &changes,
            };
            let captured = gather(&plan, &outlet, &remembered, taken, loaded);
            if captured.is_err() {
                answer(Answer::Captured);
            }
            let _ = wanted.reply.send(captured);
        })
    }
}
