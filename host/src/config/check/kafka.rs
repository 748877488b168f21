//! What Kafka's transactions ask of a manifest: one cluster, checkpoints that come before a transaction runs out, and sinks beside it that an epoch which
//! is undone leaves as they were.

use std::time::Duration;

use crate::config::check::{Parts, contains, unknown};
use crate::config::code;
use crate::config::connection::{Connection, ConnectionKind, KafkaConnection};
use crate::config::dead_letters::DeadLetters;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Measure};
use crate::config::sink::SinkKind;
use crate::config::source::SourceKind;

/// The least time that is left for a checkpoint itself.
const LEAST_MARGIN: Duration = Duration::from_secs(1);

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for source in parts.sources {
        if let SourceKind::Kafka(options) = &source.kind {
            is_kafka(&options.connection, parts, context);
        }
    }
    let written = written(parts);
    for (_, connection, _) in &written {
        is_kafka(connection, parts, context);
    }
    let Some((_, first, topic)) = written.first() else {
        return;
    };
    for (name, connection, _) in &written[1..] {
        if connection.value != first.value {
            context.report(two_clusters(name, connection, first));
        }
    }
    if let Some(connection) = kafka_connection(first, parts) {
        fits_into_a_transaction(connection, parts, context);
    }
    rows_can_be_undone(topic, parts, context);
}

/// What is written to Kafka: who writes, to which connection, to which topic.
fn written<'a>(parts: &Parts<'a>) -> Vec<(String, &'a Located<String>, &'a Located<String>)> {
    let sinks = parts.sinks.iter().filter_map(|sink| match &sink.kind {
        SinkKind::Kafka(options) => Some((
            format!("the sink `{}`", sink.name),
            &options.connection,
            &options.topic,
        )),
        _ => None,
    });
    let letters = parts.dead_letters.and_then(DeadLetters::topic);
    let letters = letters.map(|options| {
        let name = "the dead-letter queue".to_owned();
        (name, &options.connection, &options.topic)
    });
    sinks.chain(letters).collect()
}

fn kafka_connection<'a>(name: &str, parts: &Parts<'a>) -> Option<&'a KafkaConnection> {
    let found = |connection: &&Connection| **connection.name == *name;
    match &parts.connections.iter().find(found)?.kind {
        ConnectionKind::Kafka(options) => Some(options),
        _ => None,
    }
}

fn is_kafka(name: &Located<String>, parts: &Parts<'_>, context: &Context) {
    let known = &parts.declared.connections;
    if !contains(known, name) {
        context.report(unknown("connection", name, &name.place, known));
        return;
    }
    let found = |connection: &&Connection| **connection.name == *name.value;
    // One that could not be read has been reported.
    let Some(connection) = parts.connections.iter().find(found) else {
        return;
    };
    if kafka_connection(name, parts).is_none() {
        context.report(
            Diagnostic::new(
                &code::UNKNOWN_REFERENCE,
                name.place.clone(),
                format!("the connection `{name}` is not one to a Kafka cluster"),
            )
            .related(connection.name.place.clone(), "the connection")
            .help("name a connection with `type = \"kafka\"`"),
        );
    }
}

fn two_clusters(name: &str, connection: &Located<String>, first: &Located<String>) -> Diagnostic {
    Diagnostic::new(
        &code::CONTRADICTION,
        connection.place.clone(),
        format!("{name} writes to another connection than the first Kafka sink"),
    )
    .found(format!("`{connection}`"))
    .expected(format!("`{first}`"))
    .related(first.place.clone(), "the first")
    .help("two clusters cannot commit together: write to one, and mirror its topics to the other")
}

/// A transaction is open from the first record of an epoch to the end of its checkpoint.
fn fits_into_a_transaction(connection: &KafkaConnection, parts: &Parts<'_>, context: &Context) {
    let Some(checkpoint) = parts.checkpoint else {
        return;
    };
    let interval = checkpoint.interval;
    let needed = interval + (interval / 2).max(LEAST_MARGIN);
    let timeout = &connection.transaction_timeout;
    if timeout.value < needed {
        context.report(
            Diagnostic::new(
                &code::CONTRADICTION,
                timeout.place.clone(),
                "transactions may run out before their checkpoint is committed",
            )
            .found(format!(
                "a transaction timeout of {}, and a checkpoint every {}",
                timeout.value.show(),
                interval.show()
            ))
            .expected(format!(
                "a transaction timeout of at least {}: the interval and half as much for the checkpoint itself, or a second",
                needed.show()
            ))
            .help("raise `transaction-timeout` of the connection, or lower `checkpoint.interval`"),
        );
    }
    let probation = parts
        .reload
        .and_then(|reload| reload.probation.duration.as_ref());
    if let Some(probation) = probation.filter(|probation| timeout.value < probation.value * 3 / 2) {
        context.report(
            Diagnostic::new(
                &code::CONTRADICTION,
                probation.place.clone(),
                "a probation is one transaction, and this one may run out before",
            )
            .found(format!(
                "a probation of {}, and a transaction timeout of {}",
                probation.value.show(),
                timeout.value.show()
            ))
            .expected(format!("at most {}", rounded_down(timeout.value * 2 / 3).show()))
            .help("lower `reload.probation.duration`, or raise `transaction-timeout` of the connection"),
        );
    }
}

/// For people: whole seconds, or whole milliseconds where it is less than one. What is at most this is at most the duration.
fn rounded_down(duration: Duration) -> Duration {
    match duration.as_secs() {
        0 => Duration::from_millis(u64::from(duration.subsec_millis())),
        seconds => Duration::from_secs(seconds),
    }
}

/// When the transaction of an epoch does not come about, the epoch is done again, and with it what other sinks have written.
fn rows_can_be_undone(topic: &Located<String>, parts: &Parts<'_>, context: &Context) {
    for sink in parts.sinks {
        let SinkKind::Sqlite(options) = &sink.kind else {
            continue;
        };
        if options.primary_key.is_empty() {
            context.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    options.table.place.clone(),
                    format!(
                        "the table `{}` has no primary key, and the pipeline writes to Kafka too",
                        options.table
                    ),
                )
                .related(topic.place.clone(), "the topic")
                .help(
                    "add `primary-key`: when a transaction of Kafka does not come about, its epoch is done again, and rows without a key would double",
                ),
            );
        }
    }
}
