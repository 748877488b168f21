//! What a sink is connected by has to be there, and lead to a system of its kind.

use crate::config::check::{Parts, contains, unknown};
use crate::config::code;
use crate::config::connection::ConnectionKind;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::Context;
use crate::config::sink::SinkKind;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for sink in parts.sinks {
        if let SinkKind::Cassandra(options) = &sink.kind {
            is_of_kind(&options.connection, "cassandra", parts, context);
        }
    }
}

fn is_of_kind(name: &Located<String>, kind: &str, parts: &Parts<'_>, context: &Context) {
    let declared = &parts.declared.connections;
    if !contains(declared, name) {
        context.report(unknown("connection", name, &name.place, declared));
        return;
    }
    // One that could not be read has been reported.
    let mut connections = parts.connections.iter();
    let Some(connection) = connections.find(|connection| **connection.name == **name) else {
        return;
    };
    let found = match connection.kind {
        ConnectionKind::Http(_) => "http",
        ConnectionKind::Kafka(_) => "kafka",
        ConnectionKind::Cassandra(_) => "cassandra",
    };
    if found != kind {
        context.report(
            Diagnostic::new(
                &code::UNKNOWN_REFERENCE,
                name.place.clone(),
                format!("the connection `{name}` leads to another kind of system"),
            )
            .found(format!("a connection of the type `{found}`"))
            .expected(format!("one of the type `{kind}`"))
            .related(connection.name.place.clone(), "the connection"),
        );
    }
}
