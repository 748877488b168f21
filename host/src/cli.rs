//! The command line: one file a command.
//!
//! Results go to standard output, everything else to standard error. What a command ends with says how it went: `Exit`.

mod audit;
mod capture;
mod check;
mod checkpoint;
mod display;
mod dlq;
mod explain;
mod inspection;
mod job;
mod literal;
mod log;
mod page;
mod pattern;
mod pipelines;
mod plugin;
mod preflight;
mod quantity;
mod reload;
mod run;
mod signals;
mod state;
mod status;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::MultiProgress;

use crate::error::Code;

/// A host of sandboxed WebAssembly plugins for data pipelines.
#[derive(Debug, Parser)]
#[command(name = "jackfield", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    /// How log lines and errors are written to standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
    0  done: the input was read to its end, or the pipeline was stopped in order
    1  a pipeline failed; it goes on from its last checkpoint when it is run again
    2  the command line is wrong, or names what does not exist
    3  a manifest, or a plugin that it names, is wrong
    4  a pre-flight check failed; nothing was read
    5  a checkpoint cannot be used, or another process uses it
    6  status, job: no process that runs the pipeline answers
  130  stopped at once by a second signal; the last checkpoint stands";

/// How log lines and errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    fn colours(self) -> bool {
        self == Self::Text && std::io::stderr().is_terminal()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run pipelines until their input ends or they are stopped.
    Run(run::Arguments),
    /// Say how a pipeline fares that another process runs: how far it has come, and what it waits for.
    Status(status::Arguments),
    /// Take in what a pipeline's manifest and plugins are now, while it runs.
    Reload(reload::Reload),
    /// Leave off the reload that is under way; where none is, go back to the version before.
    Rollback(reload::Rollback),
    /// Write batches that a pipeline works on, and the state that they meet, into a file.
    Capture(capture::Capture),
    /// Let a plugin work on captured batches, and say what it makes otherwise than the plugin that was running.
    Replay(capture::Replay),
    /// Look for everything that is wrong with manifests and the plugins they name, and start nothing.
    Check(Manifests),
    /// Jobs: work that takes long. They are started and steered through the process that runs their pipeline.
    #[command(subcommand)]
    Job(job::Command),
    /// The dead-letter queue: records that were refused.
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// What stages remember.
    #[command(subcommand)]
    State(state::Command),
    /// Checkpoints.
    #[command(subcommand)]
    Checkpoint(checkpoint::Command),
    /// Audit logs.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Plugins.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Patterns over events: explain them, draw them, try them out.
    #[command(subcommand)]
    Pattern(pattern::Command),
    /// Say what an error code means and what to do.
    Explain(explain::Arguments),
}

/// The manifests that a command is about.
#[derive(Clone, Debug, Args)]
struct Manifests {
    /// Files that describe a pipeline each.
    #[arg(required = true)]
    manifests: Vec<PathBuf>,
    /// Put a value in the place of what the manifests say, as in `--set checkpoint.interval=10s`.
    #[arg(long = "set", value_name = "PATH.TO.KEY=VALUE")]
    overrides: Vec<String>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Failed = 1,
    WrongCommandLine = 2,
    WrongManifest = 3,
    PreflightFailed = 4,
    CheckpointUnusable = 5,
    NoAnswer = 6,
}

impl Exit {
    /// By the area of a code.
    fn of(code: Code) -> Self {
        let of_status = [
            Code::HOST_ABSENT,
            Code::HOST_SILENT,
            Code::CONTROL_SOCKET,
            Code::CONTROL_PROTOCOL,
        ];
        if of_status.contains(&code) {
            return Self::NoAnswer;
        }
        match code.id.as_bytes().get(3) {
            Some(b'1') => Self::WrongManifest,
            Some(b'5') => Self::CheckpointUnusable,
            Some(b'7') => Self::PreflightFailed,
            Some(b'8') => Self::WrongCommandLine,
            _ => Self::Failed,
        }
    }
}

impl Arguments {
    /// Does what the command line says.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let bars = MultiProgress::new();
        log::start(self.log_format, &bars);
        let format = self.log_format;
        let exit = match &self.command {
            Command::Run(arguments) => run::run(arguments, format, &bars),
            Command::Status(arguments) => status::run(arguments, format),
            Command::Reload(arguments) => reload::reload(arguments, format),
            Command::Rollback(arguments) => reload::roll_back(arguments, format),
            Command::Capture(arguments) => capture::capture(arguments, format),
            Command::Replay(arguments) => capture::replay(arguments, format),
            Command::Check(manifests) => check::check(manifests, format),
            Command::Job(command) => job::run(command, format),
            Command::Dlq(command) => dlq::run(command, format),
            Command::State(command) => state::run(command, format),
            Command::Checkpoint(command) => checkpoint::run(command, format),
            Command::Audit(command) => audit::run(command, format),
            Command::Plugin(command) => plugin::run(command, format),
            Command::Pattern(command) => pattern::run(command, format),
            Command::Explain(arguments) => explain::run(arguments, format),
        };
        ExitCode::from(exit as u8)
    }
}

/// Writes an error with its code and its remedy to standard error.
fn report(format: LogFormat, code: Code, problem: &dyn std::fmt::Display) -> Exit {
    match format {
        LogFormat::Text => eprintln!("error[{}]: {problem}\n  help: {}", code.id, code.remedy),
        LogFormat::Json => {
            let line = serde_json::json!({
                "level": "ERROR", "code": code.id, "problem": problem.to_string(), "help": code.remedy,
            });
            eprintln!("{line}");
        }
    }
    Exit::of(code)
}
