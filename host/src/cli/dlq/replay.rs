//! `jackfield dlq replay`: records go back to whoever refused them.

use std::path::PathBuf;

use clap::Args;

use crate::checkpoint::DeadLetterFilter;
use crate::cli::quantity::counted;
use crate::cli::{Exit, LogFormat, Manifests, pipelines, report};
use crate::pipeline::error::TaskError;
use crate::pipeline::task::Task;

#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// The file that describes the pipeline, which must not be running.
    manifest: PathBuf,
    /// By which `list` names them; without any, all that the other options let through.
    ids: Vec<i64>,
    /// Only what this stage or sink refused.
    #[arg(long)]
    stage: Option<String>,
    /// Only what was refused with this code.
    #[arg(long)]
    code: Option<String>,
    /// At most so many, the oldest first.
    #[arg(long)]
    limit: Option<u64>,
    /// Put a value in the place of what the manifest says, as in the run that refused them.
    #[arg(long = "set", value_name = "PATH.TO.KEY=VALUE")]
    overrides: Vec<String>,
}

pub(super) fn replay(arguments: &Replay, format: LogFormat) -> Exit {
    let manifests = Manifests {
        manifests: vec![arguments.manifest.clone()],
        overrides: arguments.overrides.clone(),
    };
    let planned = pipelines::read(&manifests, format).and_then(|manifests| {
        let plans = pipelines::plan(&manifests, format)?;
        let services = pipelines::services(&manifests, format)?;
        let locations = manifests
            .iter()
            .map(|manifest| pipelines::location(&manifest.checkpoint, format))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(plans.into_iter().zip(services).zip(locations).next())
    });
    let ((plan, services), location) = match planned {
        Ok(Some(planned)) => planned,
        Ok(None) => return Exit::Done,
        Err(exit) => return exit,
    };
    let filter = DeadLetterFilter {
        ids: arguments.ids.clone(),
        stage: arguments.stage.clone(),
        code: arguments.code.clone(),
        limit: arguments.limit,
        ..DeadLetterFilter::default()
    };
    let failed = |error: TaskError| report(format, error.code(), &error);
    let before = match Task::open(plan, &location, services) {
        Ok(task) => task,
        Err(error) => return failed(error),
    };
    match before.replay(&filter) {
        Ok(replayed) => {
            for (id, reason) in &replayed.kept {
                println!("dead letter {id} stays: {reason}");
            }
            println!(
                "{} replayed, {} refused again",
                counted(replayed.replayed as u64, "dead letter", "dead letters"),
                replayed.refused_again
            );
            Exit::Done
        }
        Err(error) => failed(error),
    }
}
