//! What a synchronisation is asked for: the parameters of document 003's complete example, and their rules.

use jackfield_sdk::{LONGEST_IDENTIFIER, Problem, Problems, is_identifier};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Configuration;

/// The document's largest batch, in records.
pub const LARGEST_BATCH: u64 = 5_000;

const KNOWN: [&str; 5] = [
    "extensionId",
    "sourceEndpoint",
    "fieldMappings",
    "webhookUrl",
    "maxBatchSize",
];

/// A synchronisation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SyncInput {
    /// The data extension.
    pub extension: String,
    /// Where the platform finds the records.
    pub source_endpoint: String,
    /// Which member becomes which.
    pub mappings: Vec<Mapping>,
    /// Whom the platform calls back.
    pub webhook_url: String,
    /// Records that the platform asks for at a time.
    pub batch: u64,
}

/// Which member of a record becomes which field of the extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The member.
    pub source: String,
    /// The field.
    pub target: String,
    /// The type that the field is expected to have, if it is known.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Reads an input and says everything that is wrong with it. What it leaves out is the manifest's.
pub fn read(
    input: &[u8],
    configuration: &Configuration,
    problems: &mut Problems,
) -> Option<SyncInput> {
    let value = problems.read_json::<Value>(input)?;
    let Value::Object(members) = value else {
        problems.add("", "unexpected", "the input is not a JSON object");
        return None;
    };
    let mut fields = Fields { members, problems };
    for name in fields.unknown() {
        let problem = fields.problem(&name, "unknown-field", "there is no such field");
        problem.allowed(KNOWN);
    }
    let extension = fields.extension();
    let source = fields.url("sourceEndpoint", configuration.source_endpoint.as_deref());
    let mappings = fields.mappings();
    let webhook = fields.url("webhookUrl", configuration.webhook_url.as_deref());
    let batch = fields.batch();
    Some(SyncInput {
        extension: extension?,
        source_endpoint: source?,
        mappings: mappings?,
        webhook_url: webhook?,
        batch: batch?,
    })
}

/// Whether a text is an address that a request can be made of.
pub fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let visible = text.chars().all(|character| character.is_ascii_graphic());
    visible && host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
}

struct Fields<'p> {
    members: Map<String, Value>,
    problems: &'p mut Problems,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn unknown(&self) -> Vec<String> {
        let names = self.members.keys();
        names
            .filter(|name| !KNOWN.contains(&name.as_str()))
            .cloned()
            .collect()
    }

    fn problem(&mut self, name: &str, code: &str, message: impl Into<String>) -> &mut Problem {
        let problem = self.problems.add(name, code, message);
        if let Some(value) = self.members.get(name) {
            problem.value(value);
        }
        problem
    }

    fn extension(&mut self) -> Option<String> {
        let name = "extensionId";
        match self.get(name).cloned() {
            None => self.problem(name, "missing", "name the data extension"),
            Some(Value::String(text)) if is_identifier(&text) => return Some(text),
            Some(_) => {
                let message = format!(
                    "must be an identifier: letters, digits and `-._~`, {LONGEST_IDENTIFIER} at most"
                );
                self.problem(name, "malformed-identifier", message)
            }
        };
        None
    }

    fn url(&mut self, name: &str, default: Option<&str>) -> Option<String> {
        match self.get(name).cloned() {
            None => {
                if default.is_none() {
                    self.problem(
                        name,
                        "missing",
                        "neither the input nor the manifest says it",
                    );
                }
                default.map(str::to_owned)
            }
            Some(Value::String(text)) if is_url(&text) => Some(text),
            Some(_) => {
                let message = "must be an http or https URL without credentials";
                self.problem(name, "malformed-url", message);
                None
            }
        }
    }

    fn batch(&mut self) -> Option<u64> {
        let name = "maxBatchSize";
        let Some(value) = self.get(name) else {
            return Some(LARGEST_BATCH);
        };
        let batch = value.as_u64();
        let batch = batch.filter(|batch| (1..=LARGEST_BATCH).contains(batch));
        if batch.is_none() {
            let message = format!("must be a whole number from 1 to {LARGEST_BATCH}");
            self.problem(name, "out-of-range", message);
        }
        batch
    }

    fn mappings(&mut self) -> Option<Vec<Mapping>> {
        let name = "fieldMappings";
        let listed = match self.get(name).cloned() {
            None => {
                let message = "say which member of a record becomes which field";
                self.problem(name, "missing", message);
                return None;
            }
            Some(Value::Array(listed)) if !listed.is_empty() => listed,
            Some(_) => {
                self.problem(name, "empty", "must be a list that is not empty");
                return None;
            }
        };
        let mut mappings: Vec<Mapping> = Vec::new();
        let mut is_right = true;
        for (place, value) in listed.iter().enumerate() {
            let place = format!("{name}[{place}]");
            match mapping(value) {
                None => {
                    let message = "must be `{\"source\": …, \"target\": …}`, or one name for both";
                    self.problems
                        .add(place, "malformed-mapping", message)
                        .value(value);
                    is_right = false;
                }
                Some(mapping) => {
                    if mappings.iter().any(|other| other.target == mapping.target) {
                        let message = format!("`{}` is mapped twice", mapping.target);
                        self.problems
                            .add(place, "duplicate-mapping", message)
                            .value(value);
                        is_right = false;
                    }
                    mappings.push(mapping);
                }
            }
        }
        is_right.then_some(mappings)
    }
}

fn mapping(value: &Value) -> Option<Mapping> {
    let mapping = match value {
        Value::String(name) => Mapping {
            source: name.clone(),
            target: name.clone(),
            kind: None,
        },
        value => Mapping::deserialize(value).ok()?,
    };
    let is_named = !mapping.source.is_empty() && !mapping.target.is_empty();
    is_named.then_some(mapping)
}
