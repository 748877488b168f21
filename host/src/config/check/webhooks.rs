//! What webhooks need around them: a connection that speaks HTTP, and a database for their outbox.

use crate::config::check::Parts;
use crate::config::check::jobs::speaks_http;
use crate::config::checkpoint::CheckpointStore;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::exchange::ExchangeKind;
use crate::config::reader::Context;
use crate::config::sink::SinkKind;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    let is_shared = parts
        .pipeline
        .is_some_and(|pipeline| pipeline.exchange.kind.value == ExchangeKind::Kafka);
    for sink in parts.sinks {
        let SinkKind::Webhook(webhook) = &sink.kind else {
            continue;
        };
        speaks_http(&webhook.connection, parts, context);
        let checkpoints = parts.checkpoint.map(|checkpoint| &checkpoint.store);
        // Of a shared pipeline that is said already, with another remedy.
        if let Some(CheckpointStore::Objects(objects)) = checkpoints
            && !is_shared
        {
            let problem =
                "the outbox of a webhook has no database: checkpoints are kept in an object store";
            context.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    webhook.connection.place.clone(),
                    problem,
                )
                .related(
                    objects.place.url.place.clone(),
                    "this is where checkpoints are kept",
                )
                .help("keep checkpoints in a database, `[checkpoint]` with `path` alone: what is to be delivered and checkpoint have to be one transaction"),
            );
        }
    }
}
