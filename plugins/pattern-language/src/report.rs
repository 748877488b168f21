//! What is told of matches.

use jackfield_cep::Match;
use jackfield_expression::{Expression, Refusal, Template, Value};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Event;
use crate::compile::names_of;
use crate::condition::{all_events, events_of, looked_at};
use crate::definition::Definition;
use crate::fault::Fault;

/// The variables of outputs. What stands behind them are the stages.
const NAMES: [&str; 5] = ["key", "pattern", "started", "timestamp", "matched"];
const MATCHED: usize = 4;

/// The templates of a definition.
pub(crate) struct Reports {
    pattern: String,
    output: Option<Shape>,
    timed_out: Option<Shape>,
    stages: Vec<String>,
}

struct Shape {
    template: Template,
    /// The stages that it looks at, with their places.
    stages: Vec<(usize, String)>,
    looks_at_all: bool,
}

/// What a match is told as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Match,
    TimedOut,
}

/// A match, where no template says otherwise.
#[derive(Serialize)]
struct Plain<'r> {
    pattern: &'r str,
    key: &'r str,
    /// Of its first event, milliseconds since the Unix epoch.
    started: i64,
    /// Milliseconds since the Unix epoch.
    timestamp: i64,
    events: ByStage<'r>,
}

/// A match that was given up.
#[derive(Serialize)]
struct Abandoned<'r> {
    reason: &'r str,
    /// The number that the definition is known by which it began under.
    rule: String,
    #[serde(flatten)]
    plain: Plain<'r>,
}

struct ByStage<'r> {
    stages: &'r [String],
    events: &'r Match<'r, Event>,
}

impl Serialize for ByStage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for stage in self.stages {
            let events: Vec<_> = self.events.stage(stage).map(Event::value).collect();
            if !events.is_empty() {
                map.serialize_entry(stage, &events)?;
            }
        }
        map.end()
    }
}

impl Reports {
    pub(crate) fn compile(
        place: &str,
        pattern: &str,
        definition: &Definition,
        stages: &[String],
    ) -> Result<Self, Fault> {
        let names = names_of(place, &NAMES, stages)?;
        let shape = |option: &str, template: &Option<serde_json::Value>| {
            let Some(template) = template else {
                return Ok::<_, Fault>(None);
            };
            let template = Template::compile(&format!("{place}.{option}"), template, &names)?;
            Ok(Some(Shape::new(template, stages)))
        };
        Ok(Self {
            pattern: pattern.to_owned(),
            output: shape("output", &definition.output)?,
            timed_out: shape("timed-out", &definition.timed_out)?,
            stages: stages.to_vec(),
        })
    }

    /// Writes what a match gives, as JSON.
    pub(crate) fn write(
        &self,
        told: Told,
        key: &str,
        found: &Match<'_, Event>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        out.clear();
        let shape = match told {
            Told::Match => &self.output,
            Told::TimedOut => &self.timed_out,
        };
        match shape {
            Some(shape) => shape
                .template
                .write(&shape.variables(self, key, found), out),
            None => {
                write_json(&self.plain(key, found), out);
                Ok(())
            }
        }
    }

    /// Writes that a match was given up, as JSON.
    pub(crate) fn write_abandoned(
        &self,
        reason: &str,
        rule: String,
        key: &str,
        found: &Match<'_, Event>,
        out: &mut Vec<u8>,
    ) {
        out.clear();
        let plain = self.plain(key, found);
        write_json(
            &Abandoned {
                reason,
                rule,
                plain,
            },
            out,
        );
    }

    fn plain<'r>(&'r self, key: &'r str, found: &'r Match<'r, Event>) -> Plain<'r> {
        Plain {
            pattern: &self.pattern,
            key,
            started: started(found),
            timestamp: found.timestamp(),
            events: ByStage {
                stages: &self.stages,
                events: found,
            },
        }
    }
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory does not fail, and nothing here has a key that is no text.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.clear();
    }
}

/// The time of the first event, milliseconds since the Unix epoch.
fn started(found: &Match<'_, Event>) -> i64 {
    let first = found.events().next();
    first.map_or(found.timestamp(), |first| first.timestamp)
}

impl Shape {
    fn new(template: Template, stages: &[String]) -> Self {
        let mut used = Vec::new();
        let mut looks_at_all = false;
        for expression in template.expressions() {
            used.extend(looked_at(expression, stages, NAMES.len()));
            looks_at_all |= Expression::uses(expression, MATCHED);
        }
        used.sort_unstable();
        used.dedup();
        Self {
            template,
            stages: used,
            looks_at_all,
        }
    }

    fn variables<'k>(
        &self,
        reports: &'k Reports,
        key: &'k str,
        found: &Match<'_, Event>,
    ) -> Vec<Value<'k>> {
        let mut variables = vec![Value::Null; NAMES.len() + reports.stages.len()];
        let times = [started(found), found.timestamp()];
        variables[0] = Value::text(key);
        variables[1] = Value::text(&reports.pattern);
        variables[2] = Value::Int(times[0]);
        variables[3] = Value::Int(times[1]);
        if self.looks_at_all {
            variables[MATCHED] = all_events(found);
        }
        for (place, stage) in &self.stages {
            variables[*place] = events_of(found, stage);
        }
        variables
    }
}
