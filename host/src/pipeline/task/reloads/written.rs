//! What checkpoints say while a reload is under way, and what they leave to later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::super::{Moment, Task};
use super::{Reloads, UnderWay};
use crate::checkpoint::{Checkpoint, Finality};
use crate::pipeline::channel::Fault;
use crate::pipeline::clock::now;
use crate::pipeline::conduct::Conduct;
use crate::pipeline::epoch::EpochClock;
use crate::pipeline::gathered::committed;
use crate::pipeline::reload::replica::StateChanges;
use crate::pipeline::reload::{Event, Note, Step};
use crate::plugin::Changes;

impl Task {
    /// What checkpoints say of the version.
    pub(in crate::pipeline::task) fn note(&self, moment: Moment) -> Option<Note> {
        match &self.reloads {
            // What the candidate finds is part of what it may have to leave.
            Some(_) if moment == Moment::Opening && self.is_on_probation() => {
                self.last.note.clone()
            }
            Some(reloads) => Some(reloads.note().after(self.last.note.as_ref())),
            None => self.last.note.clone(),
        }
    }

    /// Whether checkpoints may be taken as they come due.
    pub(in crate::pipeline::task) fn may_take_checkpoints(&self) -> bool {
        let Some(reloads) = &self.reloads else {
            return true;
        };
        let lets_pass =
            |under_way: &UnderWay| !under_way.holds && under_way.machine.lets_checkpoints_pass();
        !reloads.capture.holds() && reloads.under_way.as_ref().is_none_or(lets_pass)
    }

    /// That a version is sent away is durable before the former one goes on, or a crash would put it on probation once more: the checkpoint that it went on from is committed
    /// again, and says so.
    pub(in crate::pipeline::task) fn record_roll_back(
        &mut self,
        epoch: &EpochClock,
    ) -> Result<(), Fault> {
        let last = self.last.note.as_ref();
        let Some(under_way) = self.reloads.as_ref().and_then(Reloads::under_way) else {
            return Ok(());
        };
        let machine = &under_way.machine;
        let has_passed = last.is_some_and(|note| note.version == machine.new_version());
        if machine.step() != Step::RollBack || has_passed {
            return Ok(());
        }
        let mut checkpoint = Checkpoint {
            epoch: epoch.epoch(),
            taken_at: now(),
            pause_micros: 0,
            note: Some(machine.note().after(last)),
            ..self.last.clone()
        };
        // How the new version found what only it has goes with it.
        let former = &under_way.former.plan;
        keep(
            &mut checkpoint.sources,
            former.sources.iter().map(|it| &it.name),
        );
        keep(
            &mut checkpoint.stages,
            former.stages.iter().map(|it| &it.name),
        );
        keep(
            &mut checkpoint.sinks,
            former.sinks.iter().map(|it| &it.name),
        );
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.commit(&checkpoint, &[], Finality::Certain)?;
        drop(store);
        epoch.begin(checkpoint.epoch + 1);
        self.progress.commit(committed(&checkpoint));
        self.last = checkpoint;
        Ok(())
    }

    /// After a commit: whether it was what the reload waited for.
    pub(in crate::pipeline::task) fn note_committed(&mut self, conduct: &Conduct<'_>) {
        let note = self.last.note.clone().unwrap_or_default();
        self.progress.reload.comes_after(note.before.clone());
        let Some(under_way) = self.under_way() else {
            return;
        };
        let machine = &under_way.machine;
        if machine.step() == Step::Probation && note.version == machine.new_version() {
            conduct.attempt.shared.is_on_probation.store(false, Relaxed);
            self.apply(Event::Committed);
            if let Some(under_way) = self.under_way() {
                under_way.wanted = None;
            }
            self.finish_reload();
        }
    }

    /// Changes that a checkpoint writes: those of loading that were held back, those of now, and the end of stages that are gone. Of an opening on probation nothing is
    /// written yet.
    pub(in crate::pipeline::task) fn changes_to_write(
        &mut self,
        moment: Moment,
        changes: StateChanges,
    ) -> Result<StateChanges, Fault> {
        if !self.is_on_probation() {
            return Ok(changes);
        }
        if moment == Moment::Opening {
            if let Some(under_way) = self.under_way() {
                under_way.withheld = changes;
            }
            return Ok(Vec::new());
        }
        let mut all = self.forgotten_stages()?;
        if let Some(under_way) = self.under_way() {
            all.append(&mut under_way.withheld);
        }
        all.extend(changes);
        Ok(all)
    }

    /// Everything that stages remember which the new version does not have.
    pub(super) fn forgotten_stages(&self) -> Result<StateChanges, Fault> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forgotten = Vec::new();
        for remembered in store.stages_with_state()? {
            if self
                .plan
                .stages
                .iter()
                .all(|stage| stage.name != remembered.stage)
            {
                let mut changes = Changes::default();
                for known in store.keys(&remembered.stage, b"", None)? {
                    changes.forgotten.push(&known.key);
                }
                forgotten.push((remembered.stage, 0, changes));
            }
        }
        Ok(forgotten)
    }

    /// Positions of what only the former version has stay in the checkpoints until the new one is the version.
    pub(in crate::pipeline::task) fn keep_positions(
        &self,
        moment: Moment,
        checkpoint: &mut Checkpoint,
    ) {
        if moment != Moment::Opening || !self.is_on_probation() {
            return;
        }
        for (name, position) in &self.last.sinks {
            checkpoint
                .sinks
                .entry(name.clone())
                .or_insert_with(|| position.clone());
        }
        for (name, partitions) in &self.last.sources {
            checkpoint
                .sources
                .entry(name.clone())
                .or_insert_with(|| partitions.clone());
        }
        for (name, stage) in &self.last.stages {
            checkpoint.stages.insert(name.clone(), stage.clone());
        }
    }
}

/// Leaves only what is known by one of these names.
fn keep<'a, V>(known: &mut BTreeMap<String, V>, names: impl Iterator<Item = &'a String>) {
    let names: BTreeSet<&String> = names.collect();
    known.retain(|name, _| names.contains(name));
}
