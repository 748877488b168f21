//! The format of the cases.

use std::collections::BTreeMap;

use jackfield_cep::{MatchError, Pattern, PatternError, Phase};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pattern;

#[derive(Deserialize)]
pub struct Case {
    #[serde(default)]
    pub name: String,
    pattern: Value,
    sort: Option<String>,
    #[serde(default)]
    pub tie: bool,
    #[serde(deserialize_with = "numbered")]
    pub input: Vec<Input>,
    expect: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Input {
    Watermark { wm: i64 },
    Event(Event),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its position, counting events only.
    #[serde(default)]
    pub index: usize,
    pub ts: i64,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub value: i64,
    #[serde(default = "default_key")]
    pub key: String,
}

fn default_key() -> String {
    "k".to_owned()
}

fn numbered<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Input>, D::Error> {
    let mut input = Vec::<Input>::deserialize(deserializer)?;
    let events = input.iter_mut().filter_map(|input| match input {
        Input::Event(event) => Some(event),
        Input::Watermark { .. } => None,
    });
    for (index, event) in events.enumerate() {
        event.index = index;
    }
    Ok(input)
}

/// What comes of a case: the entries of each step, in an order that does not matter, and the error that ends it.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// How often which entry comes; an entry tells its step.
    entries: BTreeMap<String, usize>,
    /// Phase and class.
    error: Option<(String, String)>,
}

impl Outcome {
    pub fn new(entries: impl IntoIterator<Item = Value>, error: Option<(&str, &str)>) -> Self {
        let mut counts = BTreeMap::new();
        for entry in entries {
            *counts.entry(entry.to_string()).or_default() += 1;
        }
        let error = error.map(|(phase, class)| (phase.to_owned(), class.to_owned()));
        Self {
            entries: counts,
            error,
        }
    }

    pub fn refused(error: &PatternError) -> Self {
        let phase = match error.phase() {
            Phase::Build => "build",
            Phase::Compile => "compile",
        };
        Self::new([], Some((phase, class(error))))
    }
}

/// What Flink throws where we refuse.
fn class(error: &PatternError) -> &'static str {
    match error {
        PatternError::ZeroTimes { .. } | PatternError::EmptyRange { .. } => {
            "IllegalArgumentException"
        }
        PatternError::NotAfterOptional { .. } | PatternError::ConditionOfGroup => {
            "UnsupportedOperationException"
        }
        _ => "MalformedPatternException",
    }
}

/// What Flink throws where we cannot go on.
pub fn class_at_work(error: &MatchError) -> &'static str {
    match error {
        MatchError::StoppedBeforeStart { .. }
        | MatchError::NoWayOn {
            after_taking: false,
        } => "NullPointerException",
        _ => "FlinkRuntimeException",
    }
}

pub fn late(at: usize, event: &Event) -> Value {
    json!({"k": "l", "at": at, "key": event.key, "ts": event.ts, "i": event.index})
}

impl Case {
    /// None for a case of another kind.
    pub fn parse(line: &str) -> Option<Self> {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        value.get("pattern")?;
        Some(serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    pub fn expected(&self) -> Outcome {
        let entries = self.expect["out"].as_array().cloned().unwrap_or_default();
        let error = self.expect.get("error");
        let text = |error: &'_ Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
        let error = error.map(|error| (text(error, "phase"), text(error, "class")));
        let error = error
            .as_ref()
            .map(|(phase, class)| (phase.as_str(), class.as_str()));
        Outcome::new(entries, error)
    }

    pub fn pattern(&self) -> Pattern<Event> {
        pattern::build(&self.pattern)
    }

    pub fn is_sorted(&self) -> bool {
        self.sort.as_deref() == Some("valueAsc")
    }
}
