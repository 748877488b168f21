//! Checks records and gives them keys and times, as the manifest says: where a pipeline without code begins.
//!
//! ```toml
//! [stages.orders]
//! plugin = "key-records.wasm"
//! inputs.records = "lines"
//! watermark = { out-of-orderness = "5s" }
//!
//! [stages.orders.configuration]
//! where = "record.kind == 'order'"
//! key = "record.shop"
//! event-time = "record.timestamp"
//!
//! [[stages.orders.configuration.checks]]
//! that = "type(record.amount) == int && record.amount > 0"
//! code = "bad-amount"
//! message = "an order has a positive amount"
//! ```
//!
//! | port | |
//! |---|---|
//! | input `records` | not keyed |
//! | output `keyed` | the records that `where` holds for, with their key |
//! | output `records` | the same without a key: for stages of this plugin that give them other keys, so that each is checked once |
//!
//! A record that is not of its format, that a check does not hold for, or that an expression cannot be evaluated for, is rejected
//! with a code. One that `where` does not hold for is left out, after it was checked.

use jackfield_expression::{Decoder, Expression, Format, Names, Refusal, Template, Value};
use jackfield_sdk::{Context, NO_TIMESTAMP, Port, Record, Rejection, Stage, stage};
use schemars::JsonSchema;
use serde::Deserialize;

/// What comes in.
pub const RECORDS: Port = Port::unkeyed(0, "records");
/// What goes out, with keys.
pub const KEYED: Port = Port::keyed(0, "keyed");
/// What goes out, without.
pub const PLAIN: Port = Port::unkeyed(1, "records");

/// The place of the record among the variables.
const RECORD: usize = 0;

/// The code of a record for which a key is wanted that the configuration does not name.
const NO_KEY: &str = "no-key";

/// Which records go on, and with which keys and times. Expressions are of the Common Expression Language and name `record`, which is what
/// it holds, and `timestamp`, the event time that it has already, in milliseconds since 1970, or null.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// How records are encoded.
    #[serde(default)]
    format: Format,
    /// What holds for every record that is in order.
    #[serde(default)]
    checks: Vec<Check>,
    /// An expression: the records that it does not hold for are left out. Without it all go on.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// An expression: the key of the record for the output `keyed`. Text is taken as it is, anything else as JSON.
    key: Option<String>,
    /// An expression: the event time of the record, in milliseconds since 1970, or null for none. Without it, the one that it has.
    event_time: Option<String>,
    /// What goes on, as JSON: tables, lists, numbers and truth values stand for themselves, and every text is an expression.
    /// Without it, the record as it came.
    output: Option<serde_json::Value>,
}

/// What holds for every record that is in order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// An expression.
    that: String,
    /// The code with which a record is rejected that it does not hold for: short, and for machines.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    code: String,
    /// What is said of such a record to a person; the expression without it.
    message: Option<String>,
}

/// The stage.
pub struct KeyRecords {
    decoder: Decoder,
    checks: Vec<CompiledCheck>,
    condition: Option<Expression>,
    key: Option<Expression>,
    event_time: Option<Expression>,
    output: Option<Template>,
    /// Of the record that is being worked on; kept for its memory.
    key_bytes: Vec<u8>,
}

struct CompiledCheck {
    that: Expression,
    code: String,
    message: String,
}

fn reject(refusal: Refusal) -> Rejection {
    Rejection::new(refusal.code(), refusal.message())
}

impl CompiledCheck {
    fn new(place: usize, check: Check, names: &Names) -> Result<Self, String> {
        let name = format!("checks[{place}].that");
        let that =
            Expression::compile(&name, &check.that, names).map_err(|error| error.to_string())?;
        let is_code = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if check.code.is_empty() || check.code.len() > 64 || !check.code.chars().all(is_code) {
            return Err(format!(
                "checks[{place}].code: {:?} is no code: take 1 to 64 letters, digits, hyphens, underscores and dots",
                check.code
            ));
        }
        let message = check
            .message
            .unwrap_or_else(|| format!("it does not hold that {}", check.that));
        Ok(Self {
            that,
            code: check.code,
            message,
        })
    }

    fn hold(&self, variables: &[Value<'_>]) -> Result<(), Rejection> {
        if self.that.holds(variables).map_err(reject)? {
            Ok(())
        } else {
            Err(Rejection::new(self.code.clone(), self.message.clone()))
        }
    }
}

impl Stage for KeyRecords {
    type Configuration = Configuration;
    type State = ();
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[KEYED, PLAIN];

    fn new(configuration: Configuration) -> Result<Self, String> {
        let names = Names::of(["record", "timestamp"]);
        let compile = |name: &str, text: Option<String>| {
            let compiled = text.map(|text| Expression::compile(name, &text, &names));
            compiled.transpose().map_err(|error| error.to_string())
        };
        let checks = configuration.checks.into_iter().enumerate();
        let checks = checks.map(|(place, check)| CompiledCheck::new(place, check, &names));
        let output = configuration
            .output
            .map(|output| Template::compile("output", &output, &names));
        let mut stage = Self {
            decoder: configuration
                .format
                .decoder()
                .map_err(|error| error.to_string())?,
            checks: checks.collect::<Result<_, _>>()?,
            condition: compile("where", configuration.condition)?,
            key: compile("key", configuration.key)?,
            event_time: compile("event-time", configuration.event_time)?,
            output: output.transpose().map_err(|error| error.to_string())?,
            key_bytes: Vec::new(),
        };
        let checks = stage.checks.iter().map(|check| &check.that);
        let output = stage.output.iter().flat_map(Template::expressions);
        let others = stage
            .condition
            .iter()
            .chain(&stage.key)
            .chain(&stage.event_time);
        stage.decoder = stage
            .decoder
            .clone()
            .for_expressions(checks.chain(output).chain(others), RECORD);
        Ok(stage)
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, ()>,
    ) -> Result<(), Rejection> {
        let value = self.decoder.decode(record.value()).map_err(reject)?;
        let variables = [value, record.timestamp().map_or(Value::Null, Value::Int)];
        self.checks
            .iter()
            .try_for_each(|check| check.hold(&variables))?;
        if let Some(condition) = &self.condition
            && !condition.holds(&variables).map_err(reject)?
        {
            return Ok(());
        }
        let timestamp = match &self.event_time {
            Some(event_time) => event_time.time(&variables).map_err(reject)?,
            None => record.timestamp(),
        };
        let timestamp = timestamp.unwrap_or(NO_TIMESTAMP);
        let mut made = Vec::new();
        let value = match &self.output {
            Some(output) => {
                output.write(&variables, &mut made).map_err(reject)?;
                made.as_slice()
            }
            None => record.value(),
        };
        if context.is_connected(KEYED) {
            let Some(key) = &self.key else {
                let message =
                    "the output `keyed` is consumed, and the configuration says nothing of a key";
                return Err(Rejection::new(NO_KEY, message));
            };
            key.key(&variables, &mut self.key_bytes).map_err(reject)?;
            context
                .emit(KEYED)
                .key(&self.key_bytes)
                .timestamp(timestamp)
                .bytes(value);
        }
        context.emit(PLAIN).timestamp(timestamp).bytes(value);
        Ok(())
    }
}

stage!(KeyRecords);
