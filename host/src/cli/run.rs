//! `jackfield run`.

use std::path::Path;
use std::thread;

use indicatif::MultiProgress;

use super::display::{self, Checkpoints, Display, Watched};
use super::{Exit, LogFormat, Manifests, pipelines, preflight, report, signals};
use crate::checkpoint::Location;
use crate::connection::Services;
use crate::error::Code;
use crate::pipeline::error::TaskError;
use crate::pipeline::plan::Plan;
use crate::pipeline::task::Task;

/// A pipeline that is ready to run, and how it is looked at.
struct Ready {
    task: Task,
    watched: Watched,
}

pub(super) fn run(arguments: &Manifests, format: LogFormat, bars: &MultiProgress) -> Exit {
    prepare(arguments, format).map_or_else(|exit| exit, |ready| conduct(ready, format, bars))
}

/// Everything that can go wrong before the first record is read.
fn prepare(arguments: &Manifests, format: LogFormat) -> Result<Vec<Ready>, Exit> {
    let manifests = pipelines::read(arguments, format)?;
    let plans = pipelines::plan(&manifests, format)?;
    preflight::run(&manifests, format)?;
    let services = pipelines::services(&manifests, format)?;
    let locations = manifests
        .iter()
        .map(|manifest| pipelines::location(manifest, format))
        .collect::<Result<Vec<_>, _>>()?;
    let named = arguments
        .manifests
        .iter()
        .map(|manifest| naming(manifest, &arguments.overrides));
    plans
        .into_iter()
        .zip(services)
        .zip(locations)
        .zip(named)
        .map(|(((plan, services), location), named)| open(plan, services, location, &named, format))
        .collect()
}

fn open(
    plan: Plan,
    services: Services,
    location: Location,
    named: &str,
    format: LogFormat,
) -> Result<Ready, Exit> {
    let name = plan.name.clone();
    match Task::open(plan, &location, services.clone()) {
        Ok(task) => {
            let checkpoints = Checkpoints { location, services };
            let watched = Watched::new(name, task.progress(), checkpoints, named);
            Ok(Ready { task, watched })
        }
        Err(error) => Err(failed(&name, &error, format)),
    }
}

/// The words of the command line that name one of its pipelines, as they are typed into a shell.
fn naming(manifest: &Path, overrides: &[String]) -> String {
    let settings = overrides
        .iter()
        .map(|setting| format!(" --set {}", quoted(setting)));
    std::iter::once(quoted(&manifest.display().to_string()))
        .chain(settings)
        .collect()
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./=:,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn failed(name: &str, error: &TaskError, format: LogFormat) -> Exit {
    report(
        format,
        error.code(),
        &format!("the pipeline `{name}`: {error}"),
    )
}

/// Runs all pipelines side by side; the first exit code that is not 0 is that of the process.
fn conduct(ready: Vec<Ready>, format: LogFormat, bars: &MultiProgress) -> Exit {
    let stops = match signals::listen(ready.len()) {
        Ok(stops) => stops,
        Err(error) => {
            return report(
                format,
                Code::THREAD_FAILED,
                &format!("cannot listen to signals: {error}"),
            );
        }
    };
    let display = Display::start(
        ready.iter().map(|ready| ready.watched.clone()).collect(),
        format,
        bars,
    );
    let threads: Vec<_> = ready
        .into_iter()
        .zip(stops)
        .map(|(Ready { mut task, watched }, stop)| {
            (watched, thread::spawn(move || task.run(&stop)))
        })
        .collect();
    let endings: Vec<_> = threads
        .into_iter()
        .map(|(watched, thread)| (watched, thread.join()))
        .collect();
    display.stop();
    let mut exit = Exit::Done;
    for (watched, ending) in endings {
        let ended = match ending {
            Ok(Ok(ending)) => {
                display::summary(ending, &watched, format);
                Exit::Done
            }
            Ok(Err(error)) => failed(watched.name(), &error, format),
            Err(_) => report(
                format,
                Code::THREAD_FAILED,
                &format!("the pipeline `{}` broke off", watched.name()),
            ),
        };
        if exit == Exit::Done {
            exit = ended;
        }
    }
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_named_so_that_a_shell_gives_the_same_words_back() {
        let overrides = [
            "checkpoint.interval=10s".to_owned(),
            "sources.a.paths=[\"it's\"]".to_owned(),
        ];
        assert_eq!(
            naming(Path::new("my pipelines/a.toml"), &overrides),
            r#"'my pipelines/a.toml' --set checkpoint.interval=10s --set 'sources.a.paths=["it'\''s"]'"#
        );
    }
}
