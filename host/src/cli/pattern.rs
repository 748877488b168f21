//! `jackfield pattern`: patterns explained, drawn, and tried out on events.

mod read;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jackfield_expression::{Decoder, Expression, Format, Names, Value};
use jackfield_pattern_language::trace::{Step, Trace};
use jackfield_pattern_language::{Explanation, Fault, Intake};

use super::inspection::{Problem, print};
use super::literal::printable;
use super::page::{OutputFormat, Page};
use super::{Exit, LogFormat};
use crate::config::code;
use crate::error::Code;
use read::Patterns;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what a pattern means: its stages in words, and the states and edges that it becomes; and draw it.
    Explain(Explain),
    /// Run patterns on events, and say what each event did to every match that had begun, and why.
    Test(Test),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// A manifest with stages that match patterns; a file with the configuration of one, or with one pattern, as TOML or JSON; or
    /// a clause MATCH_RECOGNIZE in a file that ends with `.sql`.
    file: PathBuf,
    /// The pattern of this name alone.
    #[arg(long)]
    pattern: Option<String>,
    /// The patterns of this stage of the manifest alone.
    #[arg(long)]
    stage: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    which: Which,
    /// Draw the pattern into this file; of several, `--pattern` says which.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    #[command(flatten)]
    which: Which,
    /// The events, one JSON value a line, as expressions see them; `-` for standard input.
    #[arg(long, value_name = "EVENTS.jsonl")]
    input: PathBuf,
    /// The key of an event: an expression, such as `record.customer_id`. Without it, all have the same.
    #[arg(long, value_name = "EXPRESSION")]
    key: Option<String>,
    /// The time of an event, milliseconds since the Unix epoch: an expression, such as `record.timestamp`. Without it, the number of
    /// its line. Events are taken in the order of their times.
    #[arg(long, value_name = "EXPRESSION")]
    time: Option<String>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    print(log, |page| match command {
        Command::Explain(arguments) => explain(arguments, page, log),
        Command::Test(arguments) => test(arguments, page, log),
    })
}

fn explain(arguments: &Explain, page: &mut Page<'_>, log: LogFormat) -> Result<(), Problem> {
    let found = Patterns::read(&arguments.which, log)?;
    let definitions: Vec<_> = found
        .iter()
        .flat_map(|patterns| &patterns.definitions)
        .collect();
    for (index, (name, definition)) in definitions.iter().enumerate() {
        let explanation = Explanation::of(name, definition).map_err(|fault| wrong(&fault))?;
        if index > 0 {
            page.line("")?;
        }
        for line in explanation.to_string().lines() {
            page.line(printable(line))?;
        }
        if let Some(path) = &arguments.svg {
            if definitions.len() > 1 {
                let names = definitions.iter().map(|(name, _)| name.as_str());
                return Err(Problem::not_found(
                    "single pattern to draw; say `--pattern` with one of",
                    "",
                    names,
                ));
            }
            std::fs::write(path, explanation.svg())?;
        }
    }
    Ok(())
}

fn test(arguments: &Test, page: &mut Page<'_>, log: LogFormat) -> Result<(), Problem> {
    let found = Patterns::read(&arguments.which, log)?;
    let events = read::events(&arguments.input)?;
    let events = Placement::new(arguments)?.place(events);
    for patterns in found {
        let (filter, event) = (patterns.filter.as_deref(), patterns.event.as_deref());
        let intake = Intake::new(Format::Json, filter, event).map_err(|fault| wrong(&fault))?;
        let mut trace = Trace::new(&patterns.definitions, intake).map_err(|fault| wrong(&fault))?;
        for event in &events {
            match event {
                Ok((key, time, record)) => {
                    show(&trace.take(key, *time, record), arguments.format, page)?
                }
                Err(reason) => page.line(format!("no event: {}", printable(reason)))?,
            }
        }
        for step in trace.finish() {
            show(&step, arguments.format, page)?;
        }
    }
    Ok(())
}

fn show(step: &Step, format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    if format == OutputFormat::Json {
        return Ok(page.json(step)?);
    }
    for line in step.to_string().lines() {
        page.line(printable(line))?;
    }
    Ok(())
}

/// Key, time and record, or why there is none.
type Placed = Result<(String, i64, Vec<u8>), String>;

/// Where events belong.
struct Placement {
    decoder: Decoder,
    key: Option<Expression>,
    time: Option<Expression>,
}

impl Placement {
    fn new(arguments: &Test) -> Result<Self, Problem> {
        let names = Names::of(["record"]);
        let compile = |name, text: &Option<String>| {
            let compiled = text
                .as_deref()
                .map(|text| Expression::compile(name, text, &names));
            compiled.transpose().map_err(|error| wrong(&error.into()))
        };
        let decoder = Format::Json
            .decoder()
            .map_err(|error| wrong(&error.into()))?;
        Ok(Self {
            decoder,
            key: compile("--key", &arguments.key)?,
            time: compile("--time", &arguments.time)?,
        })
    }

    /// The events in the order of their times; what has none comes first.
    fn place(&self, records: Vec<Vec<u8>>) -> Vec<Placed> {
        let numbered = (1..).zip(records);
        let placed = numbered.map(|(number, record)| {
            let place = self.place_one(number, &record);
            let (key, time) = place.map_err(|reason| format!("line {number}: {reason}"))?;
            Ok((key, time, record))
        });
        let mut placed: Vec<Placed> = placed.collect();
        placed.sort_by_key(|event| event.as_ref().map_or(i64::MIN, |(_, time, _)| *time));
        placed
    }

    fn place_one(
        &self,
        number: i64,
        record: &[u8],
    ) -> Result<(String, i64), Box<dyn std::error::Error>> {
        if self.key.is_none() && self.time.is_none() {
            return Ok((String::new(), number));
        }
        let variables: [Value<'_>; 1] = [self.decoder.decode(record)?];
        let mut key = Vec::new();
        if let Some(expression) = &self.key {
            expression.key(&variables, &mut key)?;
        }
        let time = match &self.time {
            Some(expression) => expression.time(&variables)?.ok_or("its time is null")?,
            None => number,
        };
        Ok((String::from_utf8_lossy(&key).into_owned(), time))
    }
}

fn wrong(fault: &Fault) -> Problem {
    let code: Code = code::UNUSABLE_PATTERN;
    Problem::Other(code, fault.to_string())
}
