//! Results that start from nothing each time.

use super::{Arrival, Decision, Trigger};
use crate::Window;

/// Fires when another trigger does, and empties the window each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgingTrigger<T> {
    of: T,
}

impl<T> PurgingTrigger<T> {
    /// Empties a window whenever `of` has it fire.
    pub const fn of(of: T) -> Self {
        Self { of }
    }
}

/// What a decision to fire becomes.
pub(super) const fn purging(decision: Decision) -> Decision {
    if decision.fires() {
        Decision::FireAndPurge
    } else {
        decision
    }
}

impl<I: ?Sized, T: Trigger<I>> Trigger<I> for PurgingTrigger<T> {
    type State = T::State;

    fn on_record(&self, record: &I, arrival: Arrival, state: &mut T::State) -> Decision {
        purging(self.of.on_record(record, arrival, state))
    }

    fn next_time(&self, window: Window, state: &T::State) -> Option<i64> {
        self.of.next_time(window, state)
    }

    fn on_time(&self, time: i64, window: Window, state: &mut T::State) -> Decision {
        purging(self.of.on_time(time, window, state))
    }

    fn on_merge(&self, window: Window, watermark: i64, state: &mut T::State, merged: T::State) {
        self.of.on_merge(window, watermark, state, merged);
    }
}
