//! The format of the cases.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jackfield_cep::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pattern: Value,
    sort: Option<Value>,
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

#[derive(Clone, Serialize, Deserialize)]
pub struct Event {
    /// Its position, counting events only.
    #[serde(default)]
    pub index: usize,
    pub ts: i64,
    #[serde(rename = "type")]
    kind: String,
    value: i64,
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

/// What comes of a case: how often which entry comes at which step.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Refused,
    Entries(BTreeMap<String, usize>),
}

impl Outcome {
    pub fn new(entries: impl IntoIterator<Item = Value>) -> Self {
        let mut counts = BTreeMap::new();
        for entry in entries {
            *counts.entry(entry.to_string()).or_default() += 1;
        }
        Self::Entries(counts)
    }
}

pub fn late(at: usize, event: &Event) -> Value {
    serde_json::json!({"k": "l", "at": at, "key": event.key, "ts": event.ts, "i": event.index})
}

pub fn found(at: usize, key: &str, timestamp: i64, stages: HashMap<String, Vec<usize>>) -> Value {
    serde_json::json!({"k": "m", "at": at, "key": key, "ts": timestamp, "m": stages})
}

impl Case {
    /// The names of the stages.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.pattern["stages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stage| stage["name"].as_str().unwrap())
    }

    /// Without the time-outs, which are not supported yet.
    pub fn expected(&self) -> Outcome {
        match self.expect["out"].as_array() {
            Some(entries) if self.expect.get("error").is_none() => {
                Outcome::new(entries.iter().filter(|entry| entry["k"] != "t").cloned())
            }
            _ => Outcome::Refused,
        }
    }

    /// The pattern, if it uses only what is supported.
    pub fn pattern(&self) -> Option<Pattern<Event>> {
        let skip = self
            .pattern
            .get("skip")
            .is_none_or(|skip| skip["strategy"] == "noSkip");
        if !skip || self.sort.is_some() {
            return None;
        }
        let mut pattern: Option<Pattern<Event>> = None;
        for stage in self.pattern["stages"].as_array()? {
            pattern = Some(add_stage(pattern, stage)?);
        }
        pattern
    }
}

fn add_stage(pattern: Option<Pattern<Event>>, stage: &Value) -> Option<Pattern<Event>> {
    let name = stage.get("name")?.as_str()?;
    let mut pattern = match (stage["link"].as_str()?, pattern) {
        ("begin", None) => Pattern::begin(name),
        ("next", Some(pattern)) => pattern.next(name),
        ("followedBy", Some(pattern)) => pattern.followed_by(name),
        ("followedByAny", Some(pattern)) => pattern.followed_by_any(name),
        _ => return None,
    };
    for (key, value) in stage.as_object()? {
        match key.as_str() {
            "link" | "name" | "inner" => {}
            "where" => pattern = pattern.filter(condition(value)?),
            "chain" => pattern = pattern.filter(chain(value.as_array()?)?),
            "quant" if value["kind"] == "times" && value.get("gapMs").is_none() => {
                pattern = pattern.times(value["n"].as_u64()?.try_into().ok()?);
            }
            "within" => pattern = pattern.within(Duration::from_millis(value.as_u64()?)),
            _ => return None,
        }
    }
    match stage.get("inner").and_then(Value::as_str) {
        None => Some(pattern),
        Some("consecutive") => Some(pattern.consecutive()),
        Some(_) => Some(pattern.allow_combinations()),
    }
}

type Condition = Box<dyn Fn(&Event) -> bool>;

fn condition(value: &Value) -> Option<Condition> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "type" => {
            let kind = value.as_str()?.to_owned();
            Box::new(move |event| event.kind == kind)
        }
        "value" => {
            let (operator, operand) = (value[0].as_str()?.to_owned(), value[1].as_i64()?);
            Box::new(move |event| compare(event.value, &operator, operand))
        }
        "and" => {
            let all = conditions(value)?;
            Box::new(move |event| all.iter().all(|condition| condition(event)))
        }
        "or" => {
            let any = conditions(value)?;
            Box::new(move |event| any.iter().any(|condition| condition(event)))
        }
        "not" => {
            let condition = condition(value)?;
            Box::new(move |event| !condition(event))
        }
        "const" => {
            let value = value.as_bool()?;
            Box::new(move |_| value)
        }
        _ => return None,
    })
}

fn conditions(value: &Value) -> Option<Vec<Condition>> {
    value.as_array()?.iter().map(condition).collect()
}

/// Conditions added one by one, each to all those before it.
fn chain(links: &[Value]) -> Option<Condition> {
    let mut folded: Option<Condition> = None;
    for link in links {
        let (kind, value) = link.as_object()?.iter().next()?;
        let next = condition(value)?;
        folded = Some(match folded {
            None => next,
            Some(before) if kind == "where" => Box::new(move |event| before(event) && next(event)),
            Some(before) => Box::new(move |event| before(event) || next(event)),
        });
    }
    folded
}

fn compare(value: i64, operator: &str, operand: i64) -> bool {
    match operator {
        "<" => value < operand,
        "<=" => value <= operand,
        ">" => value > operand,
        ">=" => value >= operand,
        "==" => value == operand,
        _ => value != operand,
    }
}
