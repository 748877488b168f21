//! Triggers chosen by a configuration.

use serde::{Deserialize, Serialize};

use super::purging::purging;
use super::{
    Arrival, ContinuousEventTimeTrigger, CountTrigger, Decision, EventTimeTrigger, Ticks, Trigger,
};
use crate::Window;

/// Any of the triggers here, where which one is only known at run time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConfiguredTrigger {
    /// [`EventTimeTrigger`]
    #[default]
    EventTime,
    /// [`NeverTrigger`](super::NeverTrigger)
    Never,
    /// [`CountTrigger`]
    Count(CountTrigger),
    /// [`ContinuousEventTimeTrigger`]
    Continuous(ContinuousEventTimeTrigger),
    /// [`EitherTrigger`](super::EitherTrigger) of [`CountTrigger`] and [`EventTimeTrigger`]: early results by count.
    CountAndEventTime(CountTrigger),
    /// [`PurgingTrigger`](super::PurgingTrigger)
    Purging(Box<Self>),
}

/// What [`ConfiguredTrigger`] remembers of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredTriggerState {
    waits: bool,
    count: u64,
    ticks: Ticks,
}

impl<I: ?Sized> Trigger<I> for ConfiguredTrigger {
    type State = ConfiguredTriggerState;

    fn on_record(&self, record: &I, arrival: Arrival, state: &mut Self::State) -> Decision {
        match self {
            Self::EventTime => EventTimeTrigger.on_record(record, arrival, &mut state.waits),
            Self::Never => Decision::Continue,
            Self::Count(count) => count.on_record(record, arrival, &mut state.count),
            Self::Continuous(ticks) => ticks.on_record(record, arrival, &mut state.ticks),
            Self::CountAndEventTime(count) => count
                .on_record(record, arrival, &mut state.count)
                .and(EventTimeTrigger.on_record(record, arrival, &mut state.waits)),
            Self::Purging(of) => purging(of.on_record(record, arrival, state)),
        }
    }

    fn next_time(&self, window: Window, state: &Self::State) -> Option<i64> {
        match self {
            Self::EventTime | Self::CountAndEventTime(_) => {
                Trigger::<I>::next_time(&EventTimeTrigger, window, &state.waits)
            }
            Self::Never | Self::Count(_) => None,
            Self::Continuous(ticks) => Trigger::<I>::next_time(ticks, window, &state.ticks),
            Self::Purging(of) => Trigger::<I>::next_time(&**of, window, state),
        }
    }

    fn on_time(&self, time: i64, window: Window, state: &mut Self::State) -> Decision {
        match self {
            Self::EventTime | Self::CountAndEventTime(_) => {
                Trigger::<I>::on_time(&EventTimeTrigger, time, window, &mut state.waits)
            }
            Self::Never | Self::Count(_) => Decision::Continue,
            Self::Continuous(ticks) => Trigger::<I>::on_time(ticks, time, window, &mut state.ticks),
            Self::Purging(of) => purging(Trigger::<I>::on_time(&**of, time, window, state)),
        }
    }

    fn on_merge(
        &self,
        window: Window,
        watermark: i64,
        state: &mut Self::State,
        merged: Self::State,
    ) {
        let (at, into) = ((window, watermark), &mut *state);
        match self {
            Self::EventTime => merge::<I, _>(&EventTimeTrigger, at, &mut into.waits, merged.waits),
            Self::Never => {}
            Self::Count(count) => merge::<I, _>(count, at, &mut into.count, merged.count),
            Self::Continuous(ticks) => merge::<I, _>(ticks, at, &mut into.ticks, merged.ticks),
            Self::CountAndEventTime(count) => {
                merge::<I, _>(count, at, &mut into.count, merged.count);
                merge::<I, _>(&EventTimeTrigger, at, &mut into.waits, merged.waits);
            }
            Self::Purging(of) => merge::<I, _>(&**of, at, into, merged),
        }
    }

    fn fires_at_end_only(&self) -> bool {
        matches!(self, Self::EventTime)
    }
}

fn merge<I: ?Sized, T: Trigger<I>>(
    trigger: &T,
    (window, watermark): (Window, i64),
    state: &mut T::State,
    merged: T::State,
) {
    trigger.on_merge(window, watermark, state, merged);
}
