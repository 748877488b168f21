//! Two triggers at once.

use super::{Arrival, Decision, Trigger};
use crate::Window;

/// Fires when either of two triggers does: `EitherTrigger::of(CountTrigger::of(1_000), EventTimeTrigger)` gives an early
/// result every thousand records, and the whole at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EitherTrigger<T, U> {
    one: T,
    other: U,
}

impl<T, U> EitherTrigger<T, U> {
    /// Fires with `one` and with `other`.
    pub const fn of(one: T, other: U) -> Self {
        Self { one, other }
    }
}

impl<I: ?Sized, T: Trigger<I>, U: Trigger<I>> Trigger<I> for EitherTrigger<T, U> {
    type State = (T::State, U::State);

    fn on_record(&self, record: &I, arrival: Arrival, state: &mut Self::State) -> Decision {
        let one = self.one.on_record(record, arrival, &mut state.0);
        one.and(self.other.on_record(record, arrival, &mut state.1))
    }

    fn next_time(&self, window: Window, state: &Self::State) -> Option<i64> {
        match (
            self.one.next_time(window, &state.0),
            self.other.next_time(window, &state.1),
        ) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn on_time(&self, time: i64, window: Window, state: &mut Self::State) -> Decision {
        let mut decision = Decision::Continue;
        if self.one.next_time(window, &state.0) == Some(time) {
            decision = self.one.on_time(time, window, &mut state.0);
        }
        if self.other.next_time(window, &state.1) == Some(time) {
            decision = decision.and(self.other.on_time(time, window, &mut state.1));
        }
        decision
    }

    fn on_merge(
        &self,
        window: Window,
        watermark: i64,
        state: &mut Self::State,
        merged: Self::State,
    ) {
        self.one.on_merge(window, watermark, &mut state.0, merged.0);
        self.other
            .on_merge(window, watermark, &mut state.1, merged.1);
    }
}
