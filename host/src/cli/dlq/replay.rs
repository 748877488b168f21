//! `jackfield dlq replay`: records go back to whoever refused them.

use std::path::PathBuf;

use clap::Args;

use crate::checkpoint::{DeadLetterFilter, Location};
use crate::cli::quantity::counted;
use crate::cli::{Exit, LogFormat, Manifests, pipelines, report};
use crate::connection::Services;
use crate::error::Code;
use crate::pipeline::distributed::Distributed;
use crate::pipeline::error::TaskError;
use crate::pipeline::plan::Plan;
use crate::pipeline::replay::Replayed;
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
    /// Of this task, where several processes share the pipeline.
    #[arg(long)]
    task: Option<String>,
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
        let plans = pipelines::plan(&manifests, &pipelines::runtime(format)?, format)?;
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
    match give_back(
        plan,
        &location,
        services,
        arguments.task.as_deref(),
        &filter,
    ) {
        Ok(None) => {
            let task = arguments.task.as_deref().unwrap_or_default();
            let known = "its tasks are named after what they read, such as `SOURCE-0`; `jackfield status` lists those at work";
            let none = format!("the pipeline has no task `{task}`: {known}");
            report(format, Code::NOT_FOUND, &none)
        }
        Ok(Some(replayed)) => {
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
        Err(error) => report(format, error.code(), &error),
    }
}

/// Replays the letters of a pipeline, or of one of its tasks where it has several; none if there is no such task.
fn give_back(
    plan: Plan,
    location: &Location,
    services: Services,
    task: Option<&str>,
    filter: &DeadLetterFilter,
) -> Result<Option<Replayed>, TaskError> {
    match (Distributed::open(&plan, location, services.clone())?, task) {
        (Some(shared), task) => shared.replay(task.unwrap_or_default(), filter),
        (None, Some(_)) => Ok(None),
        (None, None) => Task::open(plan, location, services)?
            .replay(filter)
            .map(Some),
    }
}
