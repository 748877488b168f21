//! Pages are of a table that a sink fills, and are asked for by what its columns hold.

use crate::config::check::{Parts, contains, unknown};
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::nearest::{list, nearest};
use crate::config::place::Located;
use crate::config::reader::Context;
use crate::config::sink::{Column, ColumnType, Sink, SinkKind, SqliteSink};
use crate::config::trigger::{PagesTrigger, TriggerKind};

/// SQLite's own name for the number of a row, by which rows are in the order in which they came.
const ROW_NUMBER: &str = "_rowid_";

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for trigger in parts.triggers {
        let TriggerKind::Pages(pages) = &trigger.kind else {
            continue;
        };
        if let Some((sink, table)) = table_of(pages, parts, context) {
            refuse_hidden_order(pages, table, context);
            for filter in &pages.filters {
                check_filter(filter, sink, table, context);
            }
        }
    }
}

/// The sink that is named, and its table; none if that is a mistake, or could not be read.
fn table_of<'p>(
    pages: &PagesTrigger,
    parts: &'p Parts<'_>,
    context: &Context,
) -> Option<(&'p Sink, &'p SqliteSink)> {
    let name = &pages.sink;
    if !contains(&parts.declared.sinks, name) {
        context.report(unknown("sink", name, &name.place, &parts.declared.sinks));
        return None;
    }
    let mut sinks = parts.sinks.iter();
    let sink = sinks.find(|sink| **sink.name == *name.value)?;
    if let SinkKind::Sqlite(table) = &sink.kind {
        return Some((sink, table));
    }
    let problem = format!("`{name}` is not a sink whose rows can be served");
    context.report(
        Diagnostic::new(&code::UNKNOWN_REFERENCE, name.place.clone(), problem)
            .related(sink.name.place.clone(), "it is described here")
            .help("name a sink of `type = \"sqlite\"`"),
    );
    None
}

fn refuse_hidden_order(pages: &PagesTrigger, table: &SqliteSink, context: &Context) {
    let hides = |column: &&Column| column.name.eq_ignore_ascii_case(ROW_NUMBER);
    if let Some(column) = table.columns.iter().find(hides) {
        let problem = format!(
            "the table `{}` cannot be served in the order of its rows",
            table.table
        );
        context.report(
            Diagnostic::new(&code::CONTRADICTION, pages.sink.place.clone(), problem)
                .related(
                    column.name.place.clone(),
                    "SQLite knows the order of rows by this name",
                )
                .help("give the column another name"),
        );
    }
}

fn check_filter(filter: &Located<String>, sink: &Sink, table: &SqliteSink, context: &Context) {
    let columns = || table.columns.iter().map(|column| &**column.name);
    let Some(column) = table
        .columns
        .iter()
        .find(|column| **column.name == **filter)
    else {
        let problem = format!("the table `{}` has no column `{filter}`", table.table);
        let diagnostic = Diagnostic::new(&code::UNKNOWN_REFERENCE, filter.place.clone(), problem)
            .related(sink.name.place.clone(), "the sink")
            .expected(list(columns()));
        return context.report(match nearest(filter, columns()) {
            Some(name) => diagnostic.help(format!("did you mean `{name}`?")),
            None => diagnostic,
        });
    };
    if PagesTrigger::RESERVED.contains(&filter.as_str()) {
        let problem = format!("the parameter `{filter}` says which page is meant");
        context.report(
            Diagnostic::new(&code::CONTRADICTION, filter.place.clone(), problem)
                .help("give the column another name, or do not filter by it"),
        );
    }
    if !matches!(column.kind.value, ColumnType::Text | ColumnType::Integer) {
        let problem = format!("rows cannot be asked for by what `{filter}` holds");
        context.report(
            Diagnostic::new(&code::CONTRADICTION, filter.place.clone(), problem)
                .related(column.kind.place.clone(), "this is what it holds")
                .help("filter by columns of the types `text` and `integer`"),
        );
    }
}
