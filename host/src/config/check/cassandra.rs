//! Who writes to Cassandra needs a connection that leads there.

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
            is_cassandra(&options.connection, parts, context);
        }
    }
}

fn is_cassandra(name: &Located<String>, parts: &Parts<'_>, context: &Context) {
    let known = &parts.declared.connections;
    if !contains(known, name) {
        context.report(unknown("connection", name, &name.place, known));
        return;
    }
    let mut connections = parts.connections.iter();
    // One that could not be read has been reported.
    let Some(connection) = connections.find(|connection| **connection.name == **name) else {
        return;
    };
    if !matches!(connection.kind, ConnectionKind::Cassandra(_)) {
        context.report(
            Diagnostic::new(
                &code::UNKNOWN_REFERENCE,
                name.place.clone(),
                format!("the connection `{name}` is not one to a Cassandra cluster"),
            )
            .related(connection.name.place.clone(), "the connection")
            .help("name a connection with `type = \"cassandra\"`"),
        );
    }
}
