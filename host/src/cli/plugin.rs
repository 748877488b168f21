//! `jackfield plugin`: what a component says of itself.

mod options;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::inspection::{Problem, print};
use super::literal::printable;
use super::page::{OutputFormat, Page};
use super::quantity::bytes;
use super::{Exit, LogFormat, pipelines};
use crate::error::Code;
use crate::plugin::job::JobComponent;
use crate::plugin::{Component, LoadError, Port, Runtime};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what a plugin reads, writes, remembers and can be told.
    Inspect(Inspect),
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

pub(super) fn run(command: &Command, log: LogFormat) -> Exit {
    let Command::Inspect(arguments) = command;
    print(log, |page| {
        let runtime = Runtime::new(pipelines::code_cache())
            .map_err(|error| Problem::Other(Code::ENGINE_FAILED, error.to_string()))?;
        let wrong = |error: LoadError| Problem::Other(error.code(), error.to_string());
        match runtime.load(&arguments.file) {
            // What is no stage may be a job; if it is neither, what a stage would be is said.
            Err(error @ LoadError::Contract { .. }) => match runtime.load_job(&arguments.file) {
                Ok(job) => write(&Inspected::of_job(&job), arguments.format, page),
                Err(LoadError::Contract { .. }) => Err(wrong(error)),
                Err(of_job) => Err(wrong(of_job)),
            },
            Err(error) => Err(wrong(error)),
            Ok(stage) => write(&Inspected::of(&stage), arguments.format, page),
        }
    })
}

fn write(plugin: &Inspected<'_>, format: OutputFormat, page: &mut Page<'_>) -> Result<(), Problem> {
    match format {
        OutputFormat::Text => write_text(plugin, page),
        OutputFormat::Json => Ok(page.json(plugin)?),
    }
}

fn write_text(plugin: &Inspected<'_>, page: &mut Page<'_>) -> Result<(), Problem> {
    let (newest, oldest) = (plugin.state_version, plugin.oldest_state_version);
    let state = match newest == oldest {
        true => format!("version {newest}"),
        false => format!("version {newest}; loads {oldest} to {newest}"),
    };
    page.heading(&printable(&format!("{} {}", plugin.name, plugin.version)))?;
    page.facts(&[
        ("file", format!("{}, {}", plugin.path, bytes(plugin.size))),
        ("digest", plugin.digest.to_owned()),
        ("contract", plugin.contract.to_owned()),
        ("imports", list(plugin.imports.iter().map(String::as_str))),
        ("inputs", ports(&plugin.inputs)),
        ("outputs", ports(&plugin.outputs)),
        ("state", state),
    ])?;
    page.line("")?;
    page.heading("Configuration")?;
    if plugin.configuration.is_string() {
        return Ok(page.line("  its description is not a JSON Schema")?);
    }
    let options = options::of(&plugin.configuration);
    if options.is_empty() {
        page.line("  none")?;
    }
    for option in options {
        page.line(format!(
            "  {}: {}",
            printable(&option.name),
            printable(&option.summary())
        ))?;
        page.paragraph(&printable(&option.description.replace('\n', " ")), 6)?;
    }
    Ok(())
}

fn ports(ports: &[InspectedPort<'_>]) -> String {
    let names: Vec<String> = ports
        .iter()
        .map(|port| {
            format!(
                "{}{}",
                printable(port.name),
                if port.keyed { " (keyed)" } else { "" }
            )
        })
        .collect();
    list(names.iter().map(String::as_str))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// A plugin as JSON.
#[derive(Serialize)]
struct Inspected<'a> {
    name: &'a str,
    version: &'a str,
    contract: &'a str,
    inputs: Vec<InspectedPort<'a>>,
    outputs: Vec<InspectedPort<'a>>,
    state_version: u32,
    oldest_state_version: u32,
    /// The JSON Schema; as a string where the plugin's description is not JSON.
    configuration: serde_json::Value,
    imports: &'a [String],
    size: u64,
    digest: &'a str,
    path: String,
}

#[derive(Serialize)]
struct InspectedPort<'a> {
    name: &'a str,
    keyed: bool,
}

impl<'a> Inspected<'a> {
    fn of(component: &'a Component) -> Self {
        let description = component.description();
        let port = |port: &'a Port| InspectedPort {
            name: &port.name,
            keyed: port.keyed,
        };
        let schema = serde_json::from_str(&description.configuration);
        Self {
            name: &description.name,
            version: &description.version,
            contract: component.contract(),
            inputs: description.inputs.iter().map(port).collect(),
            outputs: description.outputs.iter().map(port).collect(),
            state_version: description.state_version,
            oldest_state_version: description.oldest_state_version,
            configuration: schema.unwrap_or_else(|_| description.configuration.clone().into()),
            imports: component.imports(),
            size: component.size(),
            digest: component.digest(),
            path: component.path().display().to_string(),
        }
    }

    /// A job has no input ports, and none of its outputs has keys.
    fn of_job(component: &'a JobComponent) -> Self {
        let description = component.description();
        let output = |name: &'a String| InspectedPort { name, keyed: false };
        let schema = serde_json::from_str(&description.configuration);
        Self {
            name: &description.name,
            version: &description.version,
            contract: component.contract(),
            inputs: Vec::new(),
            outputs: description.outputs.iter().map(output).collect(),
            state_version: description.state_version,
            oldest_state_version: description.oldest_state_version,
            configuration: schema.unwrap_or_else(|_| description.configuration.clone().into()),
            imports: component.imports(),
            size: component.size(),
            digest: component.digest(),
            path: component.path().display().to_string(),
        }
    }
}
