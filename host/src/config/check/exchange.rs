//! What several processes can share: sources and sinks that all of them reach, and one cluster whose transactions hold them together.

use crate::config::CheckpointStore;
use crate::config::check::Parts;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::exchange::ExchangeKind;
use crate::config::object_place::ObjectUrl;
use crate::config::place::Located;
use crate::config::reader::Context;
use crate::config::sink::{Sink, SinkKind};
use crate::config::source::SourceKind;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    let Some(pipeline) = parts.pipeline else {
        return;
    };
    if pipeline.exchange.kind.value != ExchangeKind::Kafka {
        return;
    }
    let exchange = &pipeline.exchange.kind;
    if pipeline.parallelism.value > 1 {
        context.report(
            contradiction(
                exchange,
                "`parallelism` is for the exchange within a process",
            )
            .related(pipeline.parallelism.place.clone(), "it is set here")
            .help("leave `parallelism` out; `exchange-partitions` says over how many tasks stages with keys are spread"),
        );
    }
    if let Some(checkpoint) = parts.checkpoint
        && let CheckpointStore::Sqlite { path } = &checkpoint.store
    {
        context.report(
            contradiction(
                exchange,
                "several processes need checkpoints that all of them reach",
            )
            .related(path.place.clone(), "this database is one process's")
            .help("use `type = \"object-store\"` in `[checkpoint]`, or `exchange = \"memory\"`"),
        );
    }
    let mut connections: Vec<&Located<String>> = Vec::new();
    for source in parts.sources {
        match &source.kind {
            SourceKind::Kafka(kafka) => connections.push(&kafka.connection),
            SourceKind::File(_) => context.report(
                contradiction(exchange, "a file cannot be read by several processes")
                    .related(source.name.place.clone(), "this source reads files")
                    .help("use `exchange = \"memory\"`, or put the records into a topic"),
            ),
        }
    }
    for sink in parts.sinks {
        match &sink.kind {
            SinkKind::Kafka(kafka) => connections.push(&kafka.connection),
            _ => unreachable_sink(exchange, sink, context),
        }
    }
    let other = connections
        .iter()
        .find(|connection| connection.value != connections[0].value);
    if let Some(other) = other {
        context.report(
            contradiction(
                exchange,
                "the exchange, the sources and the Kafka sinks need one cluster, whose transactions hold them together",
            )
            .related(connections[0].place.clone(), "this one")
            .related(other.place.clone(), "and another one")
            .help("use one connection for all of them, or `exchange = \"memory\"`"),
        );
    }
}

/// A sink that not every process reaches.
fn unreachable_sink(exchange: &Located<ExchangeKind>, sink: &Sink, context: &Context) {
    let diagnostic = match &sink.kind {
        SinkKind::Kafka(_) | SinkKind::Cassandra(_) | SinkKind::Stdout(_) => return,
        SinkKind::ObjectStore(objects) => match &objects.place.url.value {
            ObjectUrl::S3 { .. } => return,
            ObjectUrl::Folder(_) => contradiction(exchange, "a folder is one machine's")
                .related(objects.place.url.place.clone(), "this sink writes to one")
                .help("name a bucket, `url = \"s3://BUCKET/PREFIX\"`, or use `exchange = \"memory\"`"),
        },
        SinkKind::Webhook(webhook) => {
            contradiction(exchange, "the outbox of a webhook is in one process's database")
                .related(webhook.connection.place.clone(), "this sink keeps one")
                .help("write to a topic, and have a pipeline of its own with `exchange = \"memory\"` read it and deliver")
        }
        SinkKind::Sqlite(_) | SinkKind::Jsonl(_) | SinkKind::Audit(_) => {
            contradiction(exchange, "a file cannot be written by several processes")
                .related(sink.name.place.clone(), "this sink writes one")
                .help("use `exchange = \"memory\"`, or a sink that all processes reach")
        }
    };
    context.report(diagnostic);
}

fn contradiction(exchange: &Located<ExchangeKind>, problem: &str) -> Diagnostic {
    Diagnostic::new(&code::CONTRADICTION, exchange.place.clone(), problem)
}
