//! What can be seen only when a manifest is looked at as a whole. Checks work on whatever could be read, so that a
//! misspelled reference is reported in the same round as a missing key elsewhere.

mod cassandra;
mod exchange;
mod graph;
mod jobs;
mod kafka;
mod pages;
mod tables;
mod targets;
mod triggers;
mod watermarks;
mod webhooks;

pub(crate) use targets::between;

use crate::config::checkpoint::Checkpoint;
use crate::config::code;
use crate::config::connection::Connection;
use crate::config::dead_letters::DeadLetters;
use crate::config::diagnostic::Diagnostic;
use crate::config::job::{Job, JobStoreOptions};
use crate::config::manifest::PipelineSettings;
use crate::config::nearest::nearest;
use crate::config::place::{Located, Place};
use crate::config::preflight::Preflight;
use crate::config::reader::{Context, one_of};
use crate::config::reload::Reload;
use crate::config::sink::Sink;
use crate::config::source::Source;
use crate::config::stage::Stage;
use crate::config::trigger::Trigger;

/// The parts of a manifest that could be read, and the names of all.
pub(crate) struct Parts<'a> {
    pub(crate) pipeline: Option<&'a PipelineSettings>,
    pub(crate) checkpoint: Option<&'a Checkpoint>,
    pub(crate) preflight: &'a [Preflight],
    pub(crate) connections: &'a [Connection],
    pub(crate) sources: &'a [Source],
    pub(crate) jobs: &'a [Job],
    pub(crate) job_store: Option<&'a JobStoreOptions>,
    pub(crate) stages: &'a [Stage],
    pub(crate) sinks: &'a [Sink],
    pub(crate) dead_letters: Option<&'a DeadLetters>,
    pub(crate) triggers: &'a [Trigger],
    pub(crate) reload: Option<&'a Reload>,
    pub(crate) declared: Declared,
}

/// Names that references may use, also of what could not be read: its own mistakes are reported already.
pub(crate) struct Declared {
    pub(crate) connections: Vec<Located<String>>,
    pub(crate) sources: Vec<Located<String>>,
    pub(crate) jobs: Vec<Located<String>>,
    pub(crate) job_store: bool,
    pub(crate) stages: Vec<Located<String>>,
    pub(crate) sinks: Vec<Located<String>>,
}

pub(crate) fn manifest(parts: &Parts<'_>, context: &Context) {
    unique_names(&parts.declared, context);
    graph::check(parts, context);
    jobs::check(parts, context);
    watermarks::check(parts, context);
    targets::check(parts, context);
    exchange::check(parts, context);
    cassandra::check(parts, context);
    kafka::check(parts, context);
    tables::check(parts, context);
    triggers::check(parts, context);
    pages::check(parts, context);
    webhooks::check(parts, context);
    for preflight in parts.preflight {
        connection_exists(preflight, &parts.declared, context);
    }
}

fn unique_names(declared: &Declared, context: &Context) {
    let Declared {
        sources,
        jobs,
        stages,
        ..
    } = declared;
    for (first, firsts, second, seconds) in [
        ("source", sources, "stage", stages),
        ("source", sources, "job", jobs),
        ("job", jobs, "stage", stages),
    ] {
        for named in seconds {
            if let Some(other) = firsts.iter().find(|other| other.value == named.value) {
                context.report(
                    Diagnostic::new(
                        &code::DUPLICATE,
                        named.place.clone(),
                        format!("a {first} and a {second} are both named `{named}`"),
                    )
                    .related(other.place.clone(), format!("the {first}"))
                    .help("rename one of them: inputs refer to both by name"),
                );
            }
        }
    }
}

fn connection_exists(preflight: &Preflight, declared: &Declared, context: &Context) {
    let Some(connection) = preflight.kind.connection() else {
        return;
    };
    if !contains(&declared.connections, connection) {
        context.report(unknown(
            "connection",
            connection,
            &connection.place,
            &declared.connections,
        ));
    }
}

fn contains(names: &[Located<String>], name: &str) -> bool {
    names.iter().any(|known| known.value == name)
}

/// A reference to something that the manifest does not have.
fn unknown(what: &str, name: &str, place: &Place, known: &[Located<String>]) -> Diagnostic {
    let names = || known.iter().map(|known| known.value.as_str());
    let diagnostic = Diagnostic::new(
        &code::UNKNOWN_REFERENCE,
        place.clone(),
        format!("there is no {what} `{name}`"),
    );
    match nearest(name, names()) {
        _ if known.is_empty() => diagnostic.help(format!("add `[{what}s.{name}]`")),
        Some(nearest) => diagnostic
            .expected(one_of(names()))
            .help(format!("did you mean `{nearest}`?")),
        None => diagnostic.expected(one_of(names())),
    }
}
