//! Early results at regular times.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Arrival, Decision, Trigger};
use crate::Window;

/// Fires at every multiple of an interval from the first record of a window on, and at its end. A watermark that passes
/// several of these times fires for each.
///
/// Not for [`GlobalWindows`](crate::GlobalWindows) where all input ends: there is no end to the multiples then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContinuousEventTimeTrigger {
    interval: i64,
}

/// The interval is not positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("results every {interval} ms: the interval has to be positive")]
pub struct IntervalError {
    /// The interval, in milliseconds.
    pub interval: i64,
}

impl ContinuousEventTimeTrigger {
    /// Fires every `interval` milliseconds of event time.
    ///
    /// # Errors
    /// If that is not positive.
    pub const fn of(interval: i64) -> Result<Self, IntervalError> {
        if interval > 0 {
            Ok(Self { interval })
        } else {
            Err(IntervalError { interval })
        }
    }

    fn schedule(self, from: i64, window: Window, ticks: &mut Ticks) {
        ticks.next = Some(
            from.saturating_add(self.interval)
                .min(window.max_timestamp()),
        );
        ticks.waits = true;
    }
}

/// What [`ContinuousEventTimeTrigger`] waits for in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks {
    /// The next time to fire at. It stays after the end of the window has come, and then says that no other is to be found.
    next: Option<i64>,
    /// Whether that is still to come.
    waits: bool,
    /// Whether the end of the window is still to come.
    waits_for_end: bool,
}

impl<I: ?Sized> Trigger<I> for ContinuousEventTimeTrigger {
    type State = Ticks;

    fn on_record(&self, _: &I, arrival: Arrival, ticks: &mut Ticks) -> Decision {
        if arrival.window.max_timestamp() <= arrival.watermark {
            return Decision::Fire;
        }
        ticks.waits_for_end = true;
        if ticks.next.is_none() {
            // The remainder has the sign of the time: before the epoch this is the multiple after, as in Flink.
            let multiple = arrival.timestamp - arrival.timestamp % self.interval;
            self.schedule(multiple, arrival.window, ticks);
        }
        Decision::Continue
    }

    fn next_time(&self, window: Window, ticks: &Ticks) -> Option<i64> {
        let end = ticks.waits_for_end.then(|| window.max_timestamp());
        let next = ticks.next.filter(|_| ticks.waits);
        match (next, end) {
            (Some(next), Some(end)) => Some(next.min(end)),
            (next, end) => next.or(end),
        }
    }

    fn on_time(&self, time: i64, window: Window, ticks: &mut Ticks) -> Decision {
        let is_next = ticks.next == Some(time);
        if is_next {
            ticks.waits = false;
        }
        if time == window.max_timestamp() {
            ticks.waits_for_end = false;
            return Decision::Fire;
        }
        if is_next {
            self.schedule(time, window, ticks);
            return Decision::Fire;
        }
        Decision::Continue
    }

    fn on_merge(&self, _: Window, _: i64, ticks: &mut Ticks, merged: Ticks) {
        ticks.next = match (ticks.next, merged.next) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        // The least of them is waited for anew, even where it has passed: it then fires at the next advance.
        ticks.waits = ticks.next.is_some();
    }
}
