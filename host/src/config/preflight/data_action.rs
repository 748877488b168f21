//! Whether the credentials of a connection may read the data action that the pipeline serves.

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, TableReader};

/// The options of `type = "data-action"`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataActionPreflight {
    /// The name of a connection of the manifest, which exists.
    pub connection: Located<String>,
    /// The identifier of the data action; empty only where the check is not enabled.
    pub action: Located<String>,
}

impl DataActionPreflight {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let action = table.required("action");
        Some(Self {
            connection: connection?,
            action: action?,
        })
    }

    pub(super) fn require_complete(&self, context: &Context) {
        if !self.action.is_empty() {
            return;
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                self.action.place.clone(),
                "the pre-flight check is enabled, but names no data action",
            )
            .found("an empty string")
            .expected("the identifier of a data action")
            .help("give the identifier, or set `enabled = false`"),
        );
    }
}
