//! Joins records with the latest one of their key that is to be remembered, as the manifest says.
//!
//! In order of arrival: a record that `remember` holds for replaces what is known of its key and goes no further; any other comes out with
//! what is known then. Event time plays no part, so that what was said of a record never changes afterwards.
//!
//! ```toml
//! [stages.enrich.configuration]
//! remember = "record.kind == 'profile'"
//! what = "{'tier': record.tier}"
//! output = { order = "record.id", customer = "key", tier = "latest == null ? 'UNKNOWN' : latest.tier" }
//! ```
//!
//! | port | |
//! |---|---|
//! | input `records` | keyed, both kinds of record together, since their order matters |
//! | output `joined` | one record for each that is not remembered, in JSON |

use jackfield_expression::{Decoder, Expression, Format, Names, Refusal, Template, Value};
use jackfield_sdk::{Context, Port, Record, Rejection, Stage, stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records of both kinds.
pub const RECORDS: Port = Port::keyed(0, "records");
/// What comes out, in JSON.
pub const JOINED: Port = Port::unkeyed(0, "joined");

/// The place of the record among the variables.
const RECORD: usize = 0;

/// What is remembered, and what comes out. Expressions are of the Common Expression Language and name `record`, which is what it
/// holds, `key`, its key as text, and `timestamp`, its event time in milliseconds since 1970, or null.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// How records are encoded.
    #[serde(default)]
    format: Format,
    /// An expression: the records that it holds for are remembered, the latest of each key. All others are joined with it.
    remember: String,
    /// An expression: what is remembered of such a record. Without it, all of it.
    what: Option<String>,
    /// What comes out, as JSON: tables, lists, numbers and truth values stand for themselves, and every text is an expression, which
    /// names `latest` besides: what is remembered, or null where nothing is yet.
    output: serde_json::Value,
}

/// What is remembered of a key.
#[derive(Default, Serialize, Deserialize)]
pub struct Latest(Option<Value<'static>>);

/// The stage.
pub struct JoinLatest {
    decoder: Decoder,
    remember: Expression,
    what: Expression,
    output: Template,
}

fn reject(refusal: Refusal) -> Rejection {
    Rejection::new(refusal.code(), refusal.message())
}

impl Stage for JoinLatest {
    type Configuration = Configuration;
    type State = Latest;
    const INPUTS: &'static [Port] = &[RECORDS];
    const OUTPUTS: &'static [Port] = &[JOINED];

    fn new(configuration: Configuration) -> Result<Self, String> {
        let names = Names::of(["record", "key", "timestamp"]);
        let with_latest = Names::of(["record", "key", "timestamp", "latest"]);
        let compile = |name: &str, text: &str| {
            Expression::compile(name, text, &names).map_err(|error| error.to_string())
        };
        let remember = compile("remember", &configuration.remember)?;
        let what = compile("what", configuration.what.as_deref().unwrap_or("record"))?;
        let output = Template::compile("output", &configuration.output, &with_latest)
            .map_err(|error| error.to_string())?;
        let decoder = configuration
            .format
            .decoder()
            .map_err(|error| error.to_string())?;
        let expressions = output.expressions().chain([&remember, &what]);
        Ok(Self {
            decoder: decoder.for_expressions(expressions, RECORD),
            remember,
            what,
            output,
        })
    }

    fn process(
        &mut self,
        record: Record<'_>,
        context: &mut Context<'_, Latest>,
    ) -> Result<(), Rejection> {
        let key = record.key_text()?;
        let value = self.decoder.decode(record.value()).map_err(reject)?;
        let timestamp = record.timestamp().map_or(Value::Null, Value::Int);
        let mut variables = vec![value, Value::text(key), timestamp];
        if self.remember.holds(&variables).map_err(reject)? {
            let what = self
                .what
                .evaluate(&variables)
                .and_then(|what| what.to_owned_value());
            *context.state() = Latest(Some(what.map_err(reject)?));
            return Ok(());
        }
        let latest = context.peek().and_then(|Latest(latest)| latest.clone());
        variables.push(latest.unwrap_or(Value::Null));
        let mut joined = Vec::new();
        self.output.write(&variables, &mut joined).map_err(reject)?;
        context.emit(JOINED).bytes(joined);
        Ok(())
    }
}

stage!(JoinLatest);
