//! Speed and memory, measured on the host as its users run it.

mod checkpoints;
mod jobs;
mod memory;
mod poison;
mod reloads;
mod served;
mod soak;
mod speed;
mod start;
mod streams;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::{Parser, Subcommand};
use jackfield_tests::generator::{self, DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::harness::{Pipeline, repository};
use serde_json::Value;

/// Measures the examples' pipelines.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Records a second and a CPU second, CPU time a stage, peak memory.
    Speed(speed::Options),
    /// CPU time of each plugin compiled for this machine, without a host.
    Native(speed::Options),
    /// The same between Kafka and Cassandra: speed, what it costs whom, latency, recovery.
    Served(served::Options),
    /// Minutes between Kafka and Cassandra, with something broken in each.
    Soak(soak::Options),
    /// What a checkpoint of many keys costs, and to load them again.
    Checkpoints(checkpoints::Options),
    /// Jobs a second, what their journal weighs, how long a replay takes, what sleeping ones cost.
    Jobs(jobs::Options),
    /// Messages and bytes a second that one client of a WebSocket gets.
    Streams(streams::Options),
    /// For how long a pipeline stands still for a reload, and what many of them leave behind.
    Reloads(reloads::Options),
    /// How long a host with many plugins takes to start.
    Start(start::Options),
    /// What it takes to find the one record of a batch that a plugin fails on.
    Poison(poison::Options),
    /// Resident memory from the first record to the last.
    Memory(memory::Options),
}

fn main() -> ExitCode {
    let measured = match Arguments::parse().measurement {
        Measurement::Speed(options) => speed::measure(&options),
        Measurement::Native(options) => speed::measure_natively(&options),
        Measurement::Served(options) => served::measure(&options),
        Measurement::Soak(options) => soak::measure(&options),
        Measurement::Checkpoints(options) => checkpoints::measure(&options),
        Measurement::Jobs(options) => jobs::measure(&options),
        Measurement::Streams(options) => streams::measure(&options),
        Measurement::Reloads(options) => reloads::measure(&options),
        Measurement::Start(options) => start::measure(&options),
        Measurement::Poison(options) => poison::measure(&options),
        Measurement::Memory(options) => memory::measure(&options),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the control socket says of the one task there is.
fn task(pipeline: &Pipeline) -> Value {
    let asked = pipeline.run_command(&["status"], &["--format", "json"]);
    let status = asked
        .ok()
        .and_then(|asked| serde_json::from_str::<Value>(&asked.stdout).ok());
    status.map_or(Value::Null, |mut status| match status["host"] {
        // Nobody runs it: what is shown is the checkpoint.
        Value::Null => Value::Null,
        _ => status["tasks"][0].take(),
    })
}

/// How many records it has read.
fn records(pipeline: &Pipeline) -> u64 {
    task(pipeline)["records"].as_u64().unwrap_or(0)
}

/// The folder of everything that is measured on and left behind.
fn folder() -> PathBuf {
    repository().join("target/bench")
}

/// A file of so many plain records, made unless it is there already.
fn input(records: u64) -> io::Result<PathBuf> {
    let path = folder().join(format!("records-{records}.jsonl"));
    if !path.exists() {
        fs::create_dir_all(folder())?;
        println!("writing {}", path.display());
        let unfinished = path.with_extension("unfinished");
        generator::write_files(
            Generator::new(DEFAULT_SEED, Traffic::Plain),
            records,
            &unfinished,
            1,
        )?;
        fs::rename(unfinished, &path)?;
    }
    Ok(path)
}

/// A folder for the output of one run of what is measured, empty.
fn output(of: &str) -> io::Result<PathBuf> {
    let path = folder().join("output").join(of);
    if path.exists() {
        fs::remove_dir_all(&path)?;
    }
    fs::create_dir_all(&path)?;
    Ok(path)
}

/// Where the host listens that runs in `folder`, once it has said so.
fn listening(folder: &Path) -> Option<String> {
    let log = fs::read_to_string(folder.join("log.stderr")).ok()?;
    let line = log.lines().rfind(|line| line.contains("listening"))?;
    let address = line.split("address=").nth(1)?;
    Some(address.split_whitespace().next()?.to_owned())
}

/// A result, or why there is none.
type Measured = Result<(), Box<dyn Error>>;
