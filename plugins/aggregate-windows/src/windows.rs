//! The windows that the configuration asks for.

use std::sync::Arc;

use jackfield_expression::Value;
use jackfield_sdk::Duration;
use jackfield_window::{
    Assigner, ConfiguredTrigger, ConfiguredTriggerState, ContinuousEventTimeTrigger, CountTrigger,
    Firing, GlobalWindows, Placement, SessionWindows, SlidingWindows, TumblingWindows, WindowState,
    Windowed,
};

use crate::configuration::{Configuration, TriggerOption, WindowOption};
use crate::measure::Measure;
use crate::summary::{Contributions, Held, Summary};

/// What is remembered of a key.
pub type State = WindowState<Held, ConfiguredTriggerState>;

/// What a window puts out.
pub(crate) type WindowResult = Firing<Vec<Value<'static>>>;

/// Windows, which share what they hold where that is possible.
pub(crate) enum Windows {
    Shared(Windowed<Summary<true>, ConfiguredTrigger>),
    Separate(Windowed<Summary<false>, ConfiguredTrigger>),
}

impl Windows {
    /// # Errors
    /// Which options do not go together.
    pub(crate) fn new(
        configuration: &Configuration,
        measures: Vec<Measure>,
    ) -> Result<Self, String> {
        let separate =
            configuration.evict.is_some() || measures.iter().any(Measure::needs_its_own_records);
        let (measures, evict) = (Arc::from(measures), configuration.evict);
        Ok(if separate {
            Self::Separate(windowed(configuration, Summary { measures, evict })?)
        } else {
            Self::Shared(windowed(configuration, Summary { measures, evict })?)
        })
    }

    pub(crate) fn add(
        &self,
        state: &mut State,
        watermark: i64,
        record: &Contributions,
        emit: impl FnMut(WindowResult),
    ) -> Placement {
        match self {
            Self::Shared(windows) => windows.add(state, record.timestamp, watermark, record, emit),
            Self::Separate(windows) => {
                windows.add(state, record.timestamp, watermark, record, emit)
            }
        }
    }

    pub(crate) fn fire(&self, state: &mut State, time: i64, emit: impl FnMut(WindowResult)) {
        match self {
            Self::Shared(windows) => windows.fire(state, time, emit),
            Self::Separate(windows) => windows.fire(state, time, emit),
        }
    }

    pub(crate) fn next_timer(&self, state: &State) -> Option<i64> {
        match self {
            Self::Shared(windows) => windows.next_timer(state),
            Self::Separate(windows) => windows.next_timer(state),
        }
    }
}

fn windowed<const SHARED: bool>(
    configuration: &Configuration,
    summary: Summary<SHARED>,
) -> Result<Windowed<Summary<SHARED>, ConfiguredTrigger>, String> {
    let windows = Windowed::new(assigner(configuration.window)?, summary)
        .with_trigger(trigger(configuration)?);
    let lateness = configuration
        .allowed_lateness
        .map_or(0, Duration::as_millis);
    let windows = windows
        .with_allowed_lateness(lateness)
        .map_err(|error| format!("allowed-lateness: {error}"))?;
    Ok(if configuration.retractions {
        windows.with_retractions()
    } else {
        windows
    })
}

fn assigner(window: WindowOption) -> Result<Assigner, String> {
    let describe = |error: jackfield_window::AssignerError| format!("window: {error}");
    let offset_of = |offset: Option<Duration>| offset.map_or(0, Duration::as_millis);
    Ok(match window {
        WindowOption::Tumbling { size, offset } => {
            let windows = TumblingWindows::of(size.as_millis()).map_err(describe)?;
            windows
                .with_offset(offset_of(offset))
                .map_err(describe)?
                .into()
        }
        WindowOption::Sliding {
            size,
            slide,
            offset,
        } => {
            let windows =
                SlidingWindows::of(size.as_millis(), slide.as_millis()).map_err(describe)?;
            windows
                .with_offset(offset_of(offset))
                .map_err(describe)?
                .into()
        }
        WindowOption::Session { gap } => SessionWindows::with_gap(gap.as_millis())
            .map_err(describe)?
            .into(),
        WindowOption::Count(_) | WindowOption::Global => GlobalWindows.into(),
    })
}

fn trigger(configuration: &Configuration) -> Result<ConfiguredTrigger, String> {
    let trigger = match (configuration.window, configuration.trigger) {
        (WindowOption::Count(_), Some(_)) => {
            return Err("trigger: windows by count say themselves when they put out what they come to; leave it out, or take window = \"global\"".to_owned());
        }
        (WindowOption::Count(_), None) if configuration.allowed_lateness.is_some() => {
            return Err(
                "allowed-lateness: windows by count have no end in time; leave it out".to_owned(),
            );
        }
        (WindowOption::Count(0), None)
        | (_, Some(TriggerOption::Count(0) | TriggerOption::CountAndEventTime(0))) => {
            return Err("a count of 0 records: it has to be 1 at least".to_owned());
        }
        (WindowOption::Count(records), None) => {
            return Ok(ConfiguredTrigger::Purging(Box::new(
                ConfiguredTrigger::Count(CountTrigger::of(records)),
            )));
        }
        (_, None | Some(TriggerOption::EventTime)) => ConfiguredTrigger::EventTime,
        (_, Some(TriggerOption::Count(records))) => {
            ConfiguredTrigger::Count(CountTrigger::of(records))
        }
        (_, Some(TriggerOption::CountAndEventTime(records))) => {
            ConfiguredTrigger::CountAndEventTime(CountTrigger::of(records))
        }
        (_, Some(TriggerOption::Every(interval))) => {
            let ticks = ContinuousEventTimeTrigger::of(interval.as_millis());
            ConfiguredTrigger::Continuous(ticks.map_err(|error| format!("trigger.every: {error}"))?)
        }
    };
    Ok(if configuration.purging {
        ConfiguredTrigger::Purging(Box::new(trigger))
    } else {
        trigger
    })
}
