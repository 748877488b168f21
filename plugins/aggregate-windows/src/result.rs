//! What a window puts out.

use jackfield_expression::{Expression, Names, Template, Value};
use jackfield_sdk::{Outputs, Rejection, log};
use jackfield_window::{FiringKind, Timing};
use serde::Serialize;
use serde_json::{Map as JsonMap, Value as Json};

use crate::configuration::Configuration;
use crate::windows::WindowResult;
use crate::{FAILURES, RESULTS, reject};

/// Makes records of what windows come to.
pub(crate) struct Results {
    having: Option<Expression>,
    output: Template,
}

/// A result that no record could be made of.
#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
    key: &'a str,
    window_start: i64,
    window_end: i64,
}

impl Results {
    /// # Errors
    /// What is wrong with `having`, `output` or the name of an aggregate.
    pub(crate) fn new(configuration: &Configuration) -> Result<Self, String> {
        let mut names = Names::of(["key", "window"]);
        for name in configuration.aggregates.keys() {
            names
                .add(name)
                .map_err(|error| format!("aggregates: {error}"))?;
        }
        let having = configuration
            .having
            .as_ref()
            .map(|having| Expression::compile("having", having, &names));
        let output = match &configuration.output {
            Some(output) => output.clone(),
            None => everything(configuration),
        };
        Ok(Self {
            having: having.transpose().map_err(|error| error.to_string())?,
            output: Template::compile("output", &output, &names)
                .map_err(|error| error.to_string())?,
        })
    }

    /// Puts out what a window comes to; `time` is what it happens at.
    pub(crate) fn emit(
        &self,
        key: &str,
        result: WindowResult,
        time: i64,
        outputs: &mut Outputs<'_>,
    ) {
        let window = result.window;
        let timing = match result.timing {
            Timing::Early => "early",
            Timing::OnTime => "on-time",
            Timing::Late => "late",
        };
        let about = Value::map([
            ("start", Value::Int(window.start)),
            ("end", Value::Int(window.end)),
            ("timing", Value::text(timing)),
            (
                "retraction",
                Value::Bool(result.kind == FiringKind::Retraction),
            ),
        ]);
        let mut variables = vec![Value::text(key), about];
        variables.extend(result.output);
        let event_time = if window.is_global() {
            time
        } else {
            window.max_timestamp()
        };
        match self.record(&variables) {
            Ok(Some(record)) => outputs.emit(RESULTS).timestamp(event_time).bytes(record),
            Ok(None) => {}
            Err(rejection) => {
                let failure = Failure {
                    code: rejection.code(),
                    message: rejection.message(),
                    key,
                    window_start: window.start,
                    window_end: window.end,
                };
                report(&failure, event_time, outputs);
            }
        }
    }

    fn record(&self, variables: &[Value<'_>]) -> Result<Option<Vec<u8>>, Rejection> {
        if let Some(having) = &self.having
            && !having.holds(variables).map_err(reject)?
        {
            return Ok(None);
        }
        let mut record = Vec::new();
        self.output.write(variables, &mut record).map_err(reject)?;
        Ok(Some(record))
    }
}

/// There is no record to reject: a window that several have made goes to an output of its own, or into the log.
fn report(failure: &Failure<'_>, event_time: i64, outputs: &mut Outputs<'_>) {
    if !outputs.is_connected(FAILURES) {
        let message = format!(
            "the result of key {:?} in the window from {} to {} is left out: {}: {}; connect the output `failures` to keep such",
            failure.key, failure.window_start, failure.window_end, failure.code, failure.message
        );
        return log::error(&message);
    }
    // Text and numbers can always be encoded.
    let _ = outputs.emit(FAILURES).timestamp(event_time).json(failure);
}

/// What is put out where the configuration does not say.
fn everything(configuration: &Configuration) -> Json {
    let mut fields = JsonMap::new();
    let mut add = |name: &str, text: &str| fields.insert(name.to_owned(), text.into());
    add("key", "key");
    add("window_start", "window.start");
    add("window_end", "window.end");
    if configuration.retractions {
        add("retraction", "window.retraction");
    }
    for name in configuration.aggregates.keys() {
        add(name, name);
    }
    Json::Object(fields)
}
