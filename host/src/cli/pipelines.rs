//! From the command line to plans.

use std::env;
use std::path::PathBuf;

use super::{Exit, LogFormat, Manifests, report};
use crate::checkpoint::Location;
use crate::config::{self, Diagnostics, Manifest, Override, ProcessEnvironment};
use crate::connection::Services;
use crate::error::Code;
use crate::pipeline::plan::Plan;
use crate::pipeline::planner;
use crate::plugin::Runtime;

/// Reads the manifests; what is wrong is reported.
pub(super) fn read(arguments: &Manifests, format: LogFormat) -> Result<Vec<Manifest>, Exit> {
    let overrides =
        Override::parse_all(&arguments.overrides).map_err(|wrong| show(&wrong, format))?;
    Manifest::read_all(&arguments.manifests, &ProcessEnvironment, &overrides)
        .map_err(|wrong| show(&wrong, format))
}

/// The engine that all plugins share.
pub(super) fn runtime(format: LogFormat) -> Result<Runtime, Exit> {
    let start = if env::var_os("JACKFIELD_PERF_MAP").is_some() {
        Runtime::profiled
    } else {
        Runtime::new
    };
    start(code_cache()).map_err(|error| report(format, Code::ENGINE_FAILED, &error))
}

/// Makes plans of manifests; what is wrong is reported.
pub(super) fn plan(
    manifests: &[Manifest],
    runtime: &Runtime,
    format: LogFormat,
) -> Result<Vec<Plan>, Exit> {
    let mut wrong = Diagnostics::new();
    let mut plans = Vec::new();
    for manifest in manifests {
        match planner::plan(manifest, runtime) {
            Ok(plan) => plans.push(plan),
            Err(errors) => wrong.extend(errors),
        }
    }
    if wrong.is_empty() {
        Ok(plans)
    } else {
        Err(show(&wrong, format))
    }
}

/// Where a pipeline keeps its checkpoints; secrets that are not where the manifest says are reported.
pub(super) fn location(options: &config::Checkpoint, format: LogFormat) -> Result<Location, Exit> {
    Location::of(options, &ProcessEnvironment).map_err(|wrong| show(&wrong, format))
}

/// What each pipeline reaches out with; secrets that are not where the manifest says are reported.
pub(super) fn services(manifests: &[Manifest], format: LogFormat) -> Result<Vec<Services>, Exit> {
    let none = Services::new().map_err(|error| report(format, Code::THREAD_FAILED, &error))?;
    let mut wrong = Diagnostics::new();
    let mut services = Vec::new();
    for manifest in manifests {
        match none.of(manifest, &ProcessEnvironment) {
            Ok(found) => services.push(found),
            Err(missing) => wrong.extend(missing),
        }
    }
    if wrong.is_empty() {
        Ok(services)
    } else {
        Err(show(&wrong, format))
    }
}

/// Where compiled code is kept: in the user's cache folder.
pub(super) fn code_cache() -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("jackfield").join("code"))
}

pub(super) fn show(wrong: &Diagnostics, format: LogFormat) -> Exit {
    match format {
        LogFormat::Text => eprint!("{}", wrong.render(format.colours())),
        LogFormat::Json => eprint!("{}", wrong.to_json_lines()),
    }
    Exit::WrongManifest
}
