//! Every so many records.

use super::{Arrival, Decision, Trigger};
use crate::Window;

/// Fires at every `n`th record of a window, with all that the window holds; what is left at its end never fires. When
/// windows merge, their counts add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountTrigger {
    records: u64,
}

impl CountTrigger {
    /// Fires every `records` records; 0 is as good as 1.
    pub const fn of(records: u64) -> Self {
        Self { records }
    }
}

impl<I: ?Sized> Trigger<I> for CountTrigger {
    /// The records since it fired.
    type State = u64;

    fn on_record(&self, _: &I, _: Arrival, count: &mut u64) -> Decision {
        *count = count.saturating_add(1);
        if *count >= self.records {
            *count = 0;
            Decision::Fire
        } else {
            Decision::Continue
        }
    }

    fn next_time(&self, _: Window, _: &u64) -> Option<i64> {
        None
    }

    fn on_time(&self, _: i64, _: Window, _: &mut u64) -> Decision {
        Decision::Continue
    }

    fn on_merge(&self, _: Window, _: i64, count: &mut u64, merged: u64) {
        *count = count.saturating_add(merged);
    }
}
