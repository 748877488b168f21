//! A plugin that counts the records of each key, and breaks off where its configuration says: at a certain record of a key,
//! which no other record and no other instance would have shown, or at a timer.

use jackfield_sdk::{Context, Port, Record, Rejection, Stage, stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records with keys.
pub const RECORDS: Port = Port::keyed(0, "records");
/// One count a record, in JSON.
pub const COUNTS: Port = Port::unkeyed(0, "counts");

/// What the manifest says of the stage.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// The key that it stumbles over; any, if there is none.
    key: Option<String>,
    /// It breaks off at this record of the key, counted from 1; at none, if it is 0.
    record: u64,
    /// Each record sets a timer for its own event time, at which the stage breaks off.
    timer: bool,
}

/// The stage.
pub struct Stumble {
    configuration: Configuration,
}

#[derive(Serialize)]
struct Counted<'a> {
    key: &'a str,
    count: u64,
}

impl Stage for Stumble {
    type Configuration = Configuration;
    type State = u64;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[COUNTS];

    fn new(configuration: Configuration) -> Result<Self, String> {
        Ok(Self { configuration })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, u64>,
    ) -> Result<(), Rejection> {
        let key = record.key_text()?;
        let count = *context.peek().unwrap_or(&0) + 1;
        let meant = self.configuration.key.as_deref().is_none_or(|it| it == key);
        assert!(
            !(meant && count == self.configuration.record),
            "stumbled over record {count} of {key}"
        );
        *context.state() = count;
        if self.configuration.timer && meant {
            context.set_timer(record.event_time()?);
        }
        context.emit(COUNTS).json(&Counted { key, count })
    }

    fn on_timer(&mut self, time: i64, context: &mut Context<'_, u64>) -> Result<(), Rejection> {
        let key = String::from_utf8_lossy(context.key()).into_owned();
        panic!("stumbled over the timer of {key} at {time}");
    }
}

stage!(Stumble);
