//! Checks of a manifest's `[[preflight]]` that must pass before anything is read.

use super::{Exit, LogFormat, report};
use crate::config::{ConnectionKind, Manifest, PreflightKind, ProcessEnvironment};
use crate::connection::http::{ConnectionOptions, Connections};
use crate::error::Code;
use crate::preflight::{self, Check, DataActionCheck};

/// Makes the checks of all manifests that are enabled; every failure is reported.
pub(super) fn run(manifests: &[Manifest], format: LogFormat) -> Result<(), Exit> {
    let mut exit = Ok(());
    for manifest in manifests {
        if let Err(failed) = of(manifest, format) {
            exit = exit.and(Err(failed));
        }
    }
    exit
}

fn of(manifest: &Manifest, format: LogFormat) -> Result<(), Exit> {
    let enabled = || {
        manifest
            .preflight
            .iter()
            .filter(|preflight| preflight.enabled)
    };
    let checks: Vec<Check> = enabled()
        .map(|preflight| match &preflight.kind {
            PreflightKind::DataAction(options) => Check::DataAction(DataActionCheck {
                connection: options.connection.value.to_string(),
                action: options.action.value.clone(),
            }),
        })
        .collect();
    if checks.is_empty() {
        return Ok(());
    }
    let needed = |name: &str| {
        enabled().any(|preflight| match &preflight.kind {
            PreflightKind::DataAction(options) => **options.connection == *name,
        })
    };
    let mut options = Vec::new();
    let services = manifest
        .connections
        .iter()
        .filter(|connection| needed(&connection.name.value))
        .filter_map(|connection| match &connection.kind {
            ConnectionKind::Http(service) => Some((connection.name.value.to_string(), service)),
            _ => None,
        });
    for (name, service) in services {
        let described = ConnectionOptions::of(&name, service, &ProcessEnvironment);
        options.push(described.map_err(|wrong| {
            eprint!("{}", wrong.render(format.colours()));
            Exit::WrongManifest
        })?);
    }
    let connections =
        Connections::open(options).map_err(|error| report(format, error.code(), &error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| report(format, Code::THREAD_FAILED, &error))?;
    runtime
        .block_on(preflight::run(&checks, &connections))
        .map_err(|failures| {
            for failure in &failures {
                report(format, failure.code(), failure);
            }
            Exit::PreflightFailed
        })
}
