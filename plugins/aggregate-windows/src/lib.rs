//! Aggregates keyed records in windows of event time, as the manifest says: the commonest work on streams, without code.
//!
//! ```toml
//! [stages.revenue]
//! plugin = "aggregate-windows.wasm"
//! inputs.records = "orders.keyed"
//!
//! [stages.revenue.configuration]
//! where = "record.status != 'CANCELLED'"
//! window = { sliding = { size = "1h", slide = "5m" } }
//! allowed-lateness = "10m"
//! having = "orders >= 10"
//! output = { shop = "key", until = "window.end", orders = "orders", mean = "revenue / double(orders)" }
//!
//! [stages.revenue.configuration.aggregates]
//! orders = "count"
//! revenue = { sum = "double(record.amount)" }
//! slowest = { quantile = { of = "record.milliseconds", rank = 0.99 } }
//! ```
//!
//! | port | |
//! |---|---|
//! | input `records` | keyed: each key has windows of its own |
//! | output `results` | one record for each window that puts out what it comes to, in JSON, with the time of the window's last millisecond |
//! | output `late` | records that came after their windows were over, unchanged; rejected as `late` where nobody consumes it |
//! | output `failures` | results that `having` or `output` could not be evaluated for, with code and message; where nobody consumes it they are in the log |
//!
//! A record that an expression cannot be evaluated for is rejected, with the code of the expression's fault, before it has
//! changed anything. What is remembered of a key is a few bytes a window and aggregate, and goes when its last window is over. Aggregates
//! are remembered by their place in the order of their names: give the stage another name when they change.

mod configuration;
mod measure;
mod result;
mod summary;
mod windows;

use jackfield_expression::{Decoder, Expression, Names, Refusal, Value};
use jackfield_sdk::{Context, Port, Record, Rejection, Stage, stage};
use jackfield_window::Placement;

pub use configuration::{
    CollectOption, Configuration, DistinctOption, EvictOption, Function, TriggerOption,
    WindowOption,
};
pub use summary::Held;
pub use windows::State;

use measure::Measure;
use result::Results;
use summary::Contributions;
use windows::Windows;

/// What is aggregated.
pub const RECORDS: Port = Port::keyed(0, "records");
/// What windows come to, in JSON.
pub const RESULTS: Port = Port::unkeyed(0, "results");
/// Records whose windows are over.
pub const LATE: Port = Port::keyed(1, "late");
/// Windows that nothing could be made of, in JSON.
pub const FAILURES: Port = Port::unkeyed(2, "failures");

/// The place of the record among the variables of expressions about it.
const RECORD: usize = 0;

/// The stage.
pub struct AggregateWindows {
    /// None where no expression looks at what records hold.
    decoder: Option<Decoder>,
    condition: Option<Expression>,
    event_time: Option<Expression>,
    /// The aggregates are there once more, in the windows.
    measures: Vec<Measure>,
    windows: Windows,
    results: Results,
}

fn reject(refusal: Refusal) -> Rejection {
    Rejection::new(refusal.code(), refusal.message())
}

impl AggregateWindows {
    /// What a record contributes; nothing if it is not to be aggregated.
    fn contributions(
        &self,
        record: &Record<'_>,
        key: &str,
    ) -> Result<Option<Contributions>, Rejection> {
        let value = match &self.decoder {
            Some(decoder) => decoder.decode(record.value()).map_err(reject)?,
            None => Value::Null,
        };
        let timestamp = record.timestamp().map_or(Value::Null, Value::Int);
        let variables = [value, Value::text(key), timestamp];
        if let Some(condition) = &self.condition
            && !condition.holds(&variables).map_err(reject)?
        {
            return Ok(None);
        }
        let timestamp = match &self.event_time {
            Some(event_time) => event_time.time(&variables).map_err(reject)?,
            None => record.timestamp(),
        };
        let timestamp = match timestamp {
            Some(timestamp) => timestamp,
            None => record.event_time()?,
        };
        let values = self
            .measures
            .iter()
            .map(|measure| measure.contribution(&variables));
        Ok(Some(Contributions {
            timestamp,
            value: values.collect::<Result<_, _>>()?,
        }))
    }
}

impl Stage for AggregateWindows {
    type Configuration = Configuration;
    type State = State;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[RESULTS, LATE, FAILURES];

    fn new(configuration: Configuration) -> Result<Self, String> {
        let names = Names::of(["record", "key", "timestamp"]);
        let compile = |name: &str, text: &Option<String>| {
            let compiled = text
                .as_ref()
                .map(|text| Expression::compile(name, text, &names));
            compiled.transpose().map_err(|error| error.to_string())
        };
        let measures = || {
            let each = configuration.aggregates.iter();
            each.map(|(name, function)| Measure::compile(name, function, &names))
                .collect::<Result<Vec<_>, _>>()
        };
        if configuration.aggregates.is_empty() {
            return Err("aggregates: name one at least, such as count = \"count\"".to_owned());
        }
        let condition = compile("where", &configuration.condition)?;
        let event_time = compile("event-time", &configuration.event_time)?;
        let measured = measures()?;
        let about_records = || {
            let expressions = measured.iter().flat_map(Measure::expressions);
            expressions.chain(&condition).chain(&event_time)
        };
        let reads_records = about_records().any(|expression| expression.uses(RECORD));
        let decoder = configuration
            .format
            .clone()
            .decoder()
            .map_err(|error| error.to_string())?;
        let decoder = reads_records.then(|| decoder.for_expressions(about_records(), RECORD));
        Ok(Self {
            decoder,
            results: Results::new(&configuration)?,
            windows: Windows::new(&configuration, measures()?)?,
            condition,
            event_time,
            measures: measured,
        })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, State>,
    ) -> Result<(), Rejection> {
        let key = record.key_text()?;
        let Some(contributions) = self.contributions(&record, key)? else {
            return Ok(());
        };
        let watermark = context.watermark();
        let (keyed, outputs) = context.split();
        let placement = self
            .windows
            .add(keyed.state(), watermark, &contributions, |result| {
                self.results
                    .emit(key, result, contributions.timestamp, outputs);
            });
        match placement {
            Placement::Placed { timer: Some(timer) } => keyed.set_timer(timer),
            Placement::Placed { timer: None } => {}
            Placement::Outside | Placement::Late => {
                if keyed.state().is_empty() {
                    keyed.forget();
                }
            }
        }
        match placement {
            Placement::Late => context.late(&record),
            _ => Ok(()),
        }
    }

    fn on_timer(&mut self, time: i64, context: &mut Context<'_, State>) -> Result<(), Rejection> {
        let key = String::from_utf8_lossy(context.key());
        let (keyed, outputs) = context.split();
        self.windows.fire(keyed.state(), time, |result| {
            self.results.emit(&key, result, time, outputs);
        });
        match self.windows.next_timer(keyed.state()) {
            Some(timer) => keyed.set_timer(timer),
            None if keyed.state().is_empty() => keyed.forget(),
            None => {}
        }
        Ok(())
    }
}

stage!(AggregateWindows);
