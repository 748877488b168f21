//! At the end of a window, or not at all.

use super::{Arrival, Decision, Trigger};
use crate::Window;

/// Fires when the watermark reaches the last millisecond of a window, and from then on, within the allowed lateness, at
/// every record. What a window is for, and so the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTimeTrigger;

impl<I: ?Sized> Trigger<I> for EventTimeTrigger {
    /// Whether the end is being waited for.
    type State = bool;

    #[inline]
    fn on_record(&self, _: &I, arrival: Arrival, waits: &mut bool) -> Decision {
        if arrival.window.max_timestamp() <= arrival.watermark {
            Decision::Fire
        } else {
            *waits = true;
            Decision::Continue
        }
    }

    #[inline]
    fn next_time(&self, window: Window, waits: &bool) -> Option<i64> {
        waits.then(|| window.max_timestamp())
    }

    fn on_time(&self, _: i64, _: Window, waits: &mut bool) -> Decision {
        *waits = false;
        Decision::Fire
    }

    fn on_merge(&self, window: Window, watermark: i64, waits: &mut bool, _: bool) {
        *waits = window.max_timestamp() > watermark;
    }

    fn fires_at_end_only(&self) -> bool {
        true
    }
}

/// Never fires. With a limit on what a window holds it makes no sense; in Flink it is the default of global windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeverTrigger;

impl<I: ?Sized> Trigger<I> for NeverTrigger {
    type State = ();

    fn on_record(&self, _: &I, _: Arrival, (): &mut ()) -> Decision {
        Decision::Continue
    }

    fn next_time(&self, _: Window, (): &()) -> Option<i64> {
        None
    }

    fn on_time(&self, _: i64, _: Window, (): &mut ()) -> Decision {
        Decision::Continue
    }

    fn on_merge(&self, _: Window, _: i64, (): &mut (), (): ()) {}
}
