//! Tables of sqlite sinks are in the database of the checkpoints, so there has to be one.

use crate::config::check::Parts;
use crate::config::checkpoint::CheckpointStore;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::Context;
use crate::config::sink::SinkKind;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    let Some(CheckpointStore::Objects(objects)) =
        parts.checkpoint.map(|checkpoint| &checkpoint.store)
    else {
        return;
    };
    for sink in parts.sinks {
        if let SinkKind::Sqlite(options) = &sink.kind {
            context.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    options.table.place.clone(),
                    format!(
                        "the table `{}` has no database: checkpoints are kept in an object store",
                        options.table
                    ),
                )
                .related(objects.place.url.place.clone(), "this is where checkpoints are kept")
                .help("keep checkpoints in a database, `[checkpoint]` with `path` alone, or use another kind of sink: rows and checkpoint have to be one transaction"),
            );
        }
    }
}
