//! When a window emits what it comes to.
//!
//! A trigger has no timers of its own: what it is waiting for is in its state, and [`Trigger::next_time`] reads it from there. So
//! nothing has to be taken back when windows merge or go, and what is stored of a key is all there is.

mod configured;
mod continuous;
mod count;
mod either;
mod event_time;
mod purging;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Window;

pub use configured::{ConfiguredTrigger, ConfiguredTriggerState};
pub use continuous::{ContinuousEventTimeTrigger, IntervalError, Ticks};
pub use count::CountTrigger;
pub use either::EitherTrigger;
pub use event_time::{EventTimeTrigger, NeverTrigger};
pub use purging::PurgingTrigger;

/// What becomes of a window now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Continue,
    /// It emits what it comes to, and keeps it.
    Fire,
    /// It forgets what it holds, and goes on empty.
    Purge,
    /// It emits what it comes to, and goes on empty.
    FireAndPurge,
}

impl Decision {
    /// Whether the window emits.
    pub const fn fires(self) -> bool {
        matches!(self, Self::Fire | Self::FireAndPurge)
    }

    /// Whether the window forgets what it holds.
    pub const fn purges(self) -> bool {
        matches!(self, Self::Purge | Self::FireAndPurge)
    }

    /// Both of two decisions.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (
            self.fires() || other.fires(),
            self.purges() || other.purges(),
        ) {
            (false, false) => Self::Continue,
            (true, false) => Self::Fire,
            (false, true) => Self::Purge,
            (true, true) => Self::FireAndPurge,
        }
    }
}

/// Where a record came into a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The event time of the record.
    pub timestamp: i64,
    /// The window, which has the record in it already.
    pub window: Window,
    /// The watermark, behind which the window may be: then the record is late, but not too late.
    pub watermark: i64,
}

/// Decides when a window of records of the type `I` emits.
///
/// The trigger is one value for all windows; what it remembers of one window is its [`State`](Self::State). State that
/// equals its default says that there is nothing to remember: it has to behave as that of a new window.
pub trait Trigger<I: ?Sized> {
    /// What is remembered of one window, in particular the times that it waits for.
    type State: Default + Clone + PartialEq + Serialize + DeserializeOwned;

    /// A record has come into a window.
    fn on_record(&self, record: &I, arrival: Arrival, state: &mut Self::State) -> Decision;

    /// The next time that the window waits for, if any: [`on_time`](Self::on_time) is called once the watermark reaches it. A time
    /// that the watermark has reached already counts as reached at its next advance.
    fn next_time(&self, window: Window, state: &Self::State) -> Option<i64>;

    /// The watermark has reached `time`, which was the [`next_time`](Self::next_time); afterwards that has to be a later
    /// one, or none.
    fn on_time(&self, time: i64, window: Window, state: &mut Self::State) -> Decision;

    /// Another window has become part of `window`, which is new and did not exist before; called once for each. A record
    /// comes into it right after that.
    fn on_merge(
        &self,
        window: Window,
        watermark: i64,
        state: &mut Self::State,
        merged: Self::State,
    );

    /// Whether it does what [`EventTimeTrigger`] does and nothing else: windows that overlap can share slices then.
    fn fires_at_end_only(&self) -> bool {
        false
    }
}
