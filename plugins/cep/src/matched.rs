//! The events of a match, complete or not.

use crate::automaton::StageIndex;
use crate::state::{EventIndex, Slot};

/// Events that fit the pattern, or the first part of it.
pub struct Match<'m, E> {
    pub(crate) stages: &'m [String],
    pub(crate) path: &'m [(StageIndex, EventIndex)],
    pub(crate) slots: &'m [Slot<E>],
    pub(crate) timestamp: i64,
}

/// An event of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken<'m, E> {
    /// The name of the stage that took it.
    pub stage: &'m str,
    /// Its time, milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The event.
    pub event: &'m E,
}

impl<'m, E> Match<'m, E> {
    /// Milliseconds since the Unix epoch. Of a match: the time of the event that completed it, or the time up to which the key
    /// had come when nothing stood in its way any more. Of one that has timed out: its limit. For a condition: the time of the
    /// event that is asked about.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// The events of a stage, in the order in which they were taken; none if there is no such stage.
    pub fn stage<'s>(
        &'s self,
        name: &str,
    ) -> impl DoubleEndedIterator<Item = &'m E> + use<'s, 'm, E> {
        let stage = self.stages.iter().position(|stage| stage == name);
        let steps = self.path.iter();
        let steps = steps.filter(move |(taken_for, _)| Some(usize::from(*taken_for)) == stage);
        steps.filter_map(|(_, event)| self.slots.get(*event as usize)?.event.as_ref())
    }

    /// All events, in the order in which they were taken.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = Taken<'m, E>> {
        self.path.iter().filter_map(|(stage, event)| {
            let slot = self.slots.get(*event as usize)?;
            Some(Taken {
                stage: self.stages.get(usize::from(*stage))?,
                timestamp: slot.timestamp,
                event: slot.event.as_ref()?,
            })
        })
    }
}
