//! Checks of a manifest's `[[preflight]]` that must pass before anything is read.

use super::{Exit, LogFormat, report};
use crate::config::{
    ConnectionKind, Diagnostic, HttpConnection, Manifest, PreflightKind, ProcessEnvironment,
};
use crate::connection::http::{ConnectionOptions, Connections, RetryOptions};
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
        options.push(connection_options(name, service).map_err(|wrong| {
            eprint!(
                "{}",
                crate::config::Diagnostics::from(*wrong).render(format.colours())
            );
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

fn connection_options(
    name: String,
    connection: &HttpConnection,
) -> Result<ConnectionOptions, Box<Diagnostic>> {
    Ok(ConnectionOptions {
        name,
        base_url: connection.base_url.value.to_string(),
        token_path: connection.token_path.value.to_string(),
        client_id: connection.client_id.reveal(&ProcessEnvironment)?.into(),
        client_secret: connection.client_secret.reveal(&ProcessEnvironment)?.into(),
        scope: connection.scope.as_ref().map(|scope| scope.value.clone()),
        timeout: connection.timeout,
        retry: RetryOptions::default(),
    })
}
