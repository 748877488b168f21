//! What jobs need around them: connections that exist and speak HTTP, a place to be kept, and a pipeline that is one process's.

use crate::config::CheckpointStore;
use crate::config::check::{Parts, contains, unknown};
use crate::config::code;
use crate::config::connection::ConnectionKind;
use crate::config::diagnostic::Diagnostic;
use crate::config::exchange::ExchangeKind;
use crate::config::job::ConnectionGrant;
use crate::config::place::Located;
use crate::config::reader::Context;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for granted in parts.jobs.iter().flat_map(|job| &job.connections) {
        speaks_http(&granted.connection, parts, context);
        is_permitted(granted, parts, context);
    }
    let Some(first) = parts.declared.jobs.first() else {
        if let Some(store) = parts.job_store {
            let problem = "`[job-store]` is given, and there is no job to be kept in it";
            context.report(
                Diagnostic::new(&code::UNCONNECTED, store.path.place.clone(), problem)
                    .help("remove it, or add a job: `[jobs.NAME]`"),
            );
        }
        return;
    };
    if let Some(checkpoint) = parts.checkpoint
        && let CheckpointStore::Objects(_) = &checkpoint.store
        && !parts.declared.job_store
    {
        let problem = "jobs are kept in a database, and none is named: the checkpoints are in an object store";
        context.report(
            Diagnostic::new(&code::MISSING_KEY, first.place.clone(), problem)
                .help("add `[job-store]` with a `path`, such as `path = \"jobs.db\"`"),
        );
    }
    if let Some(pipeline) = parts.pipeline
        && pipeline.exchange.kind.value == ExchangeKind::Kafka
    {
        let problem = "the jobs of a pipeline are one process's, and `exchange = \"kafka\"` shares it among several";
        context.report(
            Diagnostic::new(&code::CONTRADICTION, first.place.clone(), problem)
                .related(pipeline.exchange.kind.place.clone(), "it is set here")
                .help("put the jobs into a pipeline of their own, which writes to a topic that this one reads"),
        );
    }
}

/// A method that the connection permits to nobody is granted in vain. Of paths that cannot be said: patterns may have some in common.
fn is_permitted(granted: &ConnectionGrant, parts: &Parts<'_>, context: &Context) {
    let ConnectionGrant { connection, grant } = granted;
    let mut connections = parts.connections.iter();
    let found = connections.find(|known| known.name.value.to_string() == connection.value);
    let Some(ConnectionKind::Http(http)) = found.map(|found| &found.kind) else {
        return;
    };
    let permitted = &http.permissions.methods;
    for method in &grant.methods {
        if !permitted.is_empty() && !permitted.contains(method) {
            let problem = format!(
                "the job is granted {method}, which the connection `{connection}` does not permit"
            );
            context.report(
                Diagnostic::new(&code::CONTRADICTION, connection.place.clone(), problem)
                    .help("remove it, or add it to the `methods` of the connection"),
            );
        }
    }
}

pub(super) fn speaks_http(name: &Located<String>, parts: &Parts<'_>, context: &Context) {
    if !contains(&parts.declared.connections, name) {
        let known = &parts.declared.connections;
        return context.report(unknown("connection", name, &name.place, known));
    }
    let mut connections = parts.connections.iter();
    let found = connections.find(|connection| connection.name.value.to_string() == name.value);
    if let Some(connection) = found
        && !matches!(connection.kind, ConnectionKind::Http(_))
    {
        let problem = format!("`{name}` is not a connection that requests can be made of");
        context.report(
            Diagnostic::new(&code::UNKNOWN_REFERENCE, name.place.clone(), problem)
                .related(connection.name.place.clone(), "it is described here")
                .help("name a connection of `type = \"http\"`"),
        );
    }
}
