//! `jackfield run`.

use std::thread;
use std::time::Instant;

use super::display::{self, Display, Watched};
use super::{Exit, LogFormat, Manifests, pipelines, preflight, report, signals};
use crate::error::Code;
use crate::pipeline::plan::Plan;
use crate::pipeline::task::{Task, TaskError};

pub(super) fn run(arguments: &Manifests, format: LogFormat) -> Exit {
    prepare(arguments, format).map_or_else(|exit| exit, |tasks| conduct(tasks, format))
}

/// Everything that can go wrong before the first record is read.
fn prepare(arguments: &Manifests, format: LogFormat) -> Result<Vec<(String, Task)>, Exit> {
    let manifests = pipelines::read(arguments, format)?;
    let plans = pipelines::plan(&manifests, format)?;
    preflight::run(&manifests, format)?;
    plans.into_iter().map(|plan| open(plan, format)).collect()
}

fn open(plan: Plan, format: LogFormat) -> Result<(String, Task), Exit> {
    let name = plan.name.clone();
    match Task::open(plan) {
        Ok(task) => Ok((name, task)),
        Err(error) => Err(failed(&name, &error, format)),
    }
}

fn failed(name: &str, error: &TaskError, format: LogFormat) -> Exit {
    report(format, error.code(), &format!("the pipeline `{name}`: {error}"))
}

/// Runs all pipelines side by side; the first exit code that is not 0 is that of the process.
fn conduct(tasks: Vec<(String, Task)>, format: LogFormat) -> Exit {
    let stops = match signals::listen(tasks.len()) {
        Ok(stops) => stops,
        Err(error) => return report(format, Code::THREAD_FAILED, &format!("cannot listen to signals: {error}")),
    };
    let watched: Vec<Watched> = tasks
        .iter()
        .map(|(name, task)| Watched { name: name.clone(), progress: task.progress(), started: Instant::now() })
        .collect();
    let display = Display::start(watched.clone(), format);
    let threads: Vec<_> = tasks
        .into_iter()
        .zip(stops)
        .map(|((name, mut task), stop)| (name, thread::spawn(move || task.run(&stop))))
        .collect();
    let endings: Vec<_> = threads.into_iter().map(|(name, thread)| (name, thread.join())).collect();
    display.stop();
    let mut exit = Exit::Done;
    for ((name, ending), watched) in endings.into_iter().zip(&watched) {
        let ended = match ending {
            Ok(Ok(ending)) => {
                display::summary(ending, watched, format);
                Exit::Done
            }
            Ok(Err(error)) => failed(&name, &error, format),
            Err(_) => report(format, Code::THREAD_FAILED, &format!("the pipeline `{name}` broke off")),
        };
        if exit == Exit::Done {
            exit = ended;
        }
    }
    exit
}
