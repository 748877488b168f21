//! Copies of what stages work on, for whoever asked for them.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use super::super::{Moment, Task};
use super::Answer;
use crate::pipeline::channel::Fault;
use crate::pipeline::clock::now;
use crate::pipeline::conduct::Conduct;
use crate::pipeline::reload::replica::StateChanges;
use crate::pipeline::reload::tap::{self, Outlet};
use crate::pipeline::reload::{Remembered, Wanted, gather};

/// How far a capture is. There is one at a time: the tap of a second one would take the place of the first's.
#[derive(Debug, Default)]
pub(super) enum Capturing {
    #[default]
    Idle,
    /// It begins at the next checkpoint.
    Asked(Wanted),
    /// The state is being read: no checkpoint may be taken meanwhile.
    Reading,
    /// Batches are being copied.
    Copying,
}

impl Capturing {
    /// Whether no checkpoint may be taken.
    pub(super) fn holds(&self) -> bool {
        matches!(self, Self::Reading)
    }

    /// The state has been read, or whoever reads it will notice that it has changed.
    pub(super) fn let_go(&mut self) {
        if self.holds() {
            *self = Self::Copying;
        }
    }

    /// What was asked for, which now begins.
    fn take_asked(&mut self) -> Option<Wanted> {
        match mem::take(self) {
            Self::Asked(wanted) => Some(wanted),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Task {
    /// Copies are to be taken, unless others are.
    pub(super) fn want_copies(&mut self, wanted: Wanted) {
        let Some(reloads) = &mut self.reloads else {
            return;
        };
        match &reloads.capture {
            Capturing::Idle => reloads.capture = Capturing::Asked(wanted),
            Capturing::Asked(_) | Capturing::Reading | Capturing::Copying => {
                wanted.refuse("another capture is under way");
            }
        }
    }

    /// Takes a checkpoint, behind which copies are taken of what these stages work on, of so many records at most. Gives where the copies come out, and what the
    /// checkpoint has changed.
    pub(super) fn tap_at_checkpoint(
        &mut self,
        conduct: &mut Conduct<'_>,
        stages: BTreeSet<usize>,
        records: u64,
    ) -> Result<(Outlet, Arc<StateChanges>), Fault> {
        let (mains, outlet) = tap::mains(stages, records);
        let shared = Arc::clone(&conduct.attempt.shared);
        shared.tap(Some(mains));
        let changes = self.checkpoint(conduct, Moment::UnderWay)?;
        shared.tap(None);
        Ok((outlet, changes))
    }

    /// Takes copies, if they are wanted: from the next checkpoint on.
    pub(super) fn capture(&mut self, conduct: &mut Conduct<'_>) -> Result<(), Fault> {
        let Some(wanted) = self
            .reloads
            .as_mut()
            .and_then(|reloads| reloads.capture.take_asked())
        else {
            return Ok(());
        };
        let of_plan = self.plan.stages.iter().enumerate();
        let stages: BTreeSet<usize> = of_plan
            .filter(|(_, stage)| wanted.stages.is_empty() || wanted.stages.contains(&stage.name))
            .map(|(index, _)| index)
            .collect();
        if self.under_way().is_some() {
            wanted.refuse("a reload is under way");
            return Ok(());
        }
        let (outlet, changes) = self.tap_at_checkpoint(conduct, stages, wanted.records)?;
        let (plan, epoch) = (Arc::clone(&self.plan), self.last.epoch);
        self.spawn("capture", 0, move |source, answer| {
            let taken = (now(), wanted.duration);
            let read = || answer(Answer::Read);
            let remembered = Remembered {
                epoch,
                source,
                changes: &changes,
            };
            let captured = gather(&plan, &outlet, &remembered, taken, read);
            answer(Answer::Captured);
            let _ = wanted.reply.send(captured);
        })?;
        if let Some(reloads) = &mut self.reloads {
            reloads.capture = Capturing::Reading;
        }
        Ok(())
    }
}
