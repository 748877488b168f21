//! A case as it is written.

use std::collections::BTreeMap;

use jackfield_window::{
    Assigner, ConfiguredTrigger, ContinuousEventTimeTrigger, CountTrigger, GlobalWindows,
    SessionWindows, SlidingWindows, TumblingWindows,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    assigner: AssignerOfCase,
    #[serde(default)]
    pub lateness: i64,
    trigger: Option<TriggerOfCase>,
    #[serde(rename = "agg")]
    pub aggregate: String,
    pub input: Vec<Input>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum AssignerOfCase {
    Tumbling {
        size: i64,
        #[serde(default)]
        offset: i64,
    },
    Sliding {
        size: i64,
        slide: i64,
        #[serde(default)]
        offset: i64,
    },
    Session {
        gap: i64,
    },
    Global,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum TriggerOfCase {
    Default,
    EventTime,
    Count { n: i64 },
    Continuous { interval: i64 },
    Purging { of: Box<TriggerOfCase> },
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Input {
    Watermark {
        wm: i64,
    },
    Event {
        ts: i64,
        value: i64,
        #[serde(default = "default_key")]
        key: String,
    },
}

fn default_key() -> String {
    "k".to_owned()
}

#[derive(Deserialize)]
struct Expected {
    #[serde(default)]
    out: Vec<Entry>,
    error: Option<ExpectedError>,
}

#[derive(Deserialize)]
struct ExpectedError {
    phase: String,
    class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(tag = "k")]
pub enum Entry {
    #[serde(rename = "w")]
    Result {
        at: usize,
        key: String,
        start: i64,
        end: i64,
        value: i64,
        ts: i64,
    },
    #[serde(rename = "l")]
    Late {
        at: usize,
        key: String,
        ts: i64,
        i: usize,
    },
}

/// What a step and a window of a key emitted, in order: across windows and keys the order does not matter.
pub type Outcome = Result<BTreeMap<(usize, String, i64, i64), Vec<Entry>>, String>;

pub fn outcome(entries: impl IntoIterator<Item = Entry>) -> Outcome {
    let mut grouped: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        let group = match &entry {
            Entry::Result {
                at,
                key,
                start,
                end,
                ..
            } => (*at, key.clone(), *start, *end),
            Entry::Late { at, key, ts, .. } => (*at, key.clone(), *ts, i64::MIN),
        };
        grouped.entry(group).or_default().push(entry);
    }
    Ok(grouped)
}

impl Case {
    pub fn expected(&self) -> Outcome {
        match &self.expect.error {
            Some(error) => Err(format!("{}: {}", error.phase, error.class)),
            None => outcome(self.expect.out.iter().cloned()),
        }
    }

    /// Flink's event-time trigger is one of time windows alone, which its types do not tell: with a global window it
    /// fails at the first record. Here it fires at the end of all input.
    pub fn fails_in_flink_alone(&self) -> bool {
        let mut trigger = self.trigger.as_ref();
        while let Some(TriggerOfCase::Purging { of }) = trigger {
            trigger = Some(of);
        }
        matches!(self.assigner, AssignerOfCase::Global)
            && matches!(trigger, Some(TriggerOfCase::EventTime))
            && self.expect.error.is_some()
    }

    pub fn assigner(&self) -> Result<Assigner, String> {
        match self.assigner {
            AssignerOfCase::Tumbling { size, offset } => TumblingWindows::of(size)
                .and_then(|windows| windows.with_offset(offset))
                .map(Assigner::from),
            AssignerOfCase::Sliding {
                size,
                slide,
                offset,
            } => SlidingWindows::of(size, slide)
                .and_then(|windows| windows.with_offset(offset))
                .map(Assigner::from),
            AssignerOfCase::Session { gap } => SessionWindows::with_gap(gap).map(Assigner::from),
            AssignerOfCase::Global => Ok(GlobalWindows.into()),
        }
        .map_err(refused)
    }

    pub fn trigger(&self) -> Result<ConfiguredTrigger, String> {
        match &self.trigger {
            Some(TriggerOfCase::Default) | None => Ok(match self.assigner {
                AssignerOfCase::Global => ConfiguredTrigger::Never,
                _ => ConfiguredTrigger::EventTime,
            }),
            Some(trigger) => trigger.configured(),
        }
    }
}

impl TriggerOfCase {
    fn configured(&self) -> Result<ConfiguredTrigger, String> {
        Ok(match self {
            Self::Default | Self::EventTime => ConfiguredTrigger::EventTime,
            Self::Count { n } => {
                ConfiguredTrigger::Count(CountTrigger::of(u64::try_from(*n).unwrap_or(0)))
            }
            Self::Continuous { interval } => ConfiguredTrigger::Continuous(
                ContinuousEventTimeTrigger::of(*interval).map_err(refused)?,
            ),
            Self::Purging { of } => ConfiguredTrigger::Purging(Box::new(of.configured()?)),
        })
    }
}

/// What Flink throws where windows cannot be.
pub fn refused<E>(_: E) -> String {
    "build: IllegalArgumentException".to_owned()
}
