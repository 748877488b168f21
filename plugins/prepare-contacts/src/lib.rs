//! Validates and transforms the records of a data extension before they are synchronised: document 003, steps 1 and 4.
//!
//! What the platform would refuse is refused here, where the record can still be looked at, corrected and replayed; what passes is complete, and says where it
//! comes from. Members that the extension does not have, and values that need no change, are passed on as they were written.

mod date;
mod field;
mod members;

use std::collections::BTreeMap;

use jackfield_sdk::{Context, Port, Record, Rejection, Stage, code, stage};
use schemars::JsonSchema;
use serde::Deserialize;

pub use field::FieldType;
use field::{Checked, Problem};
use members::Members;

/// JSON objects, one a record.
pub const RECORDS: Port = Port::unkeyed(0, "records");
/// The same, ready to be synchronised.
pub const CONTACTS: Port = Port::unkeyed(0, "contacts");

/// The member that says when a record was made ready.
const SYNC_TIMESTAMP: &str = "_syncTimestamp";
/// The member that says by whom.
const SOURCE_SYSTEM: &str = "_sourceSystem";

/// The stage.
pub struct PrepareContacts {
    configuration: Configuration,
}

/// What the manifest says of the stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// The members that the extension has, and what they hold.
    fields: BTreeMap<String, FieldType>,
    /// The member that tells records apart. A record without it is refused: all of them would be one.
    key: Option<String>,
    /// The member that says when a record was made, a date or milliseconds since the Unix epoch; the time that the source gives it if none is named.
    event_time: Option<String>,
    /// What the records say that they come from.
    #[serde(default = "source_system")]
    source_system: String,
}

fn source_system() -> String {
    "ETL_PIPELINE_V1".into()
}

impl Stage for PrepareContacts {
    type Configuration = Configuration;
    type State = ();
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[CONTACTS];

    fn new(configuration: Configuration) -> Result<Self, String> {
        if configuration.fields.is_empty() {
            return Err("`fields` is empty: name the members that the extension has".into());
        }
        for name in [SYNC_TIMESTAMP, SOURCE_SYSTEM] {
            if configuration.fields.contains_key(name) {
                return Err(format!("`fields.{name}` is written by the stage itself"));
            }
        }
        if let Some(key) = &configuration.key
            && !configuration.fields.contains_key(key)
        {
            return Err(format!("`key` names `{key}`, which is not in `fields`"));
        }
        Ok(Self { configuration })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, ()>,
    ) -> Result<(), Rejection> {
        let mut members: Members<'_> = record.json()?;
        let time = self.event_time(&record, &members)?;
        let stamp = date::iso(time).ok_or_else(|| {
            let message = format!("its event time {time} is no time of the calendar");
            Rejection::new(code::INVALID_VALUE, message)
        })?;
        self.transform(&mut members)?;
        members.set(SYNC_TIMESTAMP, stamp.into());
        members.set(
            SOURCE_SYSTEM,
            self.configuration.source_system.as_str().into(),
        );
        context.emit(CONTACTS).timestamp(time).json(&members)
    }
}

impl PrepareContacts {
    /// Validates all members before it changes any: the record is refused as a whole, with everything that is wrong with it.
    fn transform(&self, members: &mut Members<'_>) -> Result<(), Rejection> {
        let mut problems = Vec::new();
        let mut changes = Vec::new();
        for (name, kind) in &self.configuration.fields {
            let is_key = self.configuration.key.as_ref() == Some(name);
            match kind.check(members.written(name), is_key) {
                Ok(Checked::Unchanged) => {}
                Ok(Checked::Changed(value)) => changes.push((name, value)),
                Err(problem) => problems.push((name, problem)),
            }
        }
        if let Some(rejection) = rejection(&problems) {
            return Err(rejection);
        }
        for (name, value) in changes {
            members.set(name, value);
        }
        Ok(())
    }

    /// When the record was made, milliseconds since the Unix epoch. The stage has no clock: a replay says the same.
    fn event_time(&self, record: &Record<'_>, members: &Members<'_>) -> Result<i64, Rejection> {
        let Some(name) = &self.configuration.event_time else {
            return record.timestamp().ok_or_else(|| {
                let message = "the source gives the record no time; name the member that has one with `event-time`";
                Rejection::new(code::MISSING_TIMESTAMP, message)
            });
        };
        let Some(value) = members.written(name).filter(|value| *value != "null") else {
            let message = format!("Field {name}: the time of the record is missing");
            return Err(Rejection::new(code::MISSING_TIMESTAMP, message));
        };
        let text = serde_json::from_str::<String>(value).ok();
        let time = match &text {
            Some(text) => date::parse(text),
            None => value.parse().ok(),
        };
        time.ok_or_else(|| {
            let message = format!(
                "Field {name}: neither a date of ISO 8601 nor milliseconds since the Unix epoch"
            );
            Rejection::new(Problem::InvalidDate.code(), message)
        })
    }
}

/// One for all that is wrong with a record, with the code of the first.
fn rejection(problems: &[(&String, Problem)]) -> Option<Rejection> {
    let (_, first) = problems.first()?;
    let messages: Vec<String> = problems
        .iter()
        .map(|(name, problem)| format!("Field {name}: {problem}"))
        .collect();
    Some(Rejection::new(first.code(), messages.join("; ")))
}

stage!(PrepareContacts);
