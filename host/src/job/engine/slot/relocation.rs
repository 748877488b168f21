//! A job in memory is moved to another version: between two runs, where nothing of its journal is to be replayed.

use std::sync::{Arc, MutexGuard};

use super::{Live, Slot};
use crate::job::JobError;
use crate::job::engine::Engine;
use crate::job::store::Relocation;

/// Where a job stands that is to go on under another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::job::engine) enum Place {
    /// It has been moved.
    Moved,
    /// It stays.
    Kept,
    /// It does not stand where it can be moved.
    UnderWay,
}

impl Slot {
    /// Moves the job to the version that it is to go on under, if it stands where it can be, and nobody runs it.
    pub(in crate::job::engine) fn settle(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        version: &str,
    ) -> Result<Place, JobError> {
        let mut guard = self.lock();
        let place = self.relocate(&mut guard, engine)?;
        // A run may have been about to begin, which comes to the same.
        let live = self.live(&mut guard, engine)?;
        let is_there = live.version.as_deref() == Some(version);
        Ok(if is_there { Place::Moved } else { place })
    }

    pub(super) fn relocate(
        self: &Arc<Self>,
        guard: &mut MutexGuard<'_, Option<Live>>,
        engine: &Arc<Engine>,
    ) -> Result<Place, JobError> {
        let live = self.live(guard, engine)?;
        if live.running || !live.machine.stands_at_savepoint() {
            return Ok(Place::UnderWay);
        }
        let Some(target) = engine.store.target(live.number)? else {
            return Ok(Place::Kept);
        };
        // What was current when it was asked for may not be so any more.
        let current = engine.versions().current(&live.job).cloned();
        let current = current.filter(|current| current.version == target);
        if !current.is_some_and(|current| current.takes(live.machine.savepoint(), &live.input)) {
            engine.store.unmark(live.number).wait()?;
            return Ok(Place::Kept);
        }
        let former = live.version.clone();
        self.move_to(guard, engine, target, former)?;
        Ok(Place::Moved)
    }

    /// Gives a job that was moved and has made no step since back to the version that it had; none where there is no way back.
    pub(in crate::job::engine) fn go_back(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
    ) -> Result<Option<String>, JobError> {
        let mut guard = self.lock();
        let live = self.live(&mut guard, engine)?;
        match live
            .former
            .clone()
            .filter(|_| live.machine.stands_at_savepoint())
        {
            Some(former) => {
                self.move_to(&mut guard, engine, former.clone(), None)?;
                Ok(Some(former))
            }
            None => Ok(None),
        }
    }

    /// What is in memory is of the version that it had: it goes, and is read anew.
    fn move_to(
        &self,
        guard: &mut MutexGuard<'_, Option<Live>>,
        engine: &Engine,
        to: String,
        former: Option<String>,
    ) -> Result<(), JobError> {
        let Some(mut live) = guard.take() else {
            return Ok(());
        };
        live.sync()?;
        let relocation = Relocation {
            number: live.number,
            written: live.written,
            from: live.version,
            to,
            former,
        };
        Ok(engine.store.relocate(relocation).wait()?)
    }
}
