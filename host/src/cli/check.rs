//! `jackfield check`.

use super::{Exit, LogFormat, Manifests, pipelines};

pub(super) fn check(arguments: &Manifests, format: LogFormat) -> Exit {
    let checked = pipelines::read(arguments, format)
        .and_then(|manifests| pipelines::plan(&manifests, format));
    match checked {
        Ok(plans) => {
            for (plan, path) in plans.iter().zip(&arguments.manifests) {
                let (sources, stages, sinks) =
                    (plan.sources.len(), plan.stages.len(), plan.sinks.len());
                println!(
                    "{}: the pipeline `{}` is in order ({sources} sources, {stages} stages, {sinks} sinks)",
                    path.display(),
                    plan.name
                );
            }
            Exit::Done
        }
        Err(exit) => exit,
    }
}
