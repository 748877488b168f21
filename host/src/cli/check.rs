//! `jackfield check`.

use super::{Exit, LogFormat, Manifests, pipelines};

pub(super) fn check(arguments: &Manifests, format: LogFormat) -> Exit {
    let checked = pipelines::read(arguments, format)
        .and_then(|manifests| pipelines::plan(&manifests, &pipelines::runtime(format)?, format));
    match checked {
        Ok(plans) => {
            for (plan, path) in plans.iter().zip(&arguments.manifests) {
                let sources = plan.sources.iter();
                let sources = sources.filter(|source| source.is_of_manifest()).count();
                let (stages, sinks) = (plan.stages.len(), plan.sinks.len());
                let jobs = plan.jobs.as_ref().map_or(0, |jobs| jobs.definitions.len());
                let jobs = match jobs {
                    0 => String::new(),
                    some => format!("{some} jobs, "),
                };
                println!(
                    "{}: the pipeline `{}` is in order ({sources} sources, {jobs}{stages} stages, {sinks} sinks)",
                    path.display(),
                    plan.name
                );
            }
            Exit::Done
        }
        Err(exit) => exit,
    }
}
