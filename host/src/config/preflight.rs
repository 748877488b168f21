//! Checks that must pass before a pipeline reads anything. A kind of check is one file here and one line in `KINDS`.

mod data_action;

pub use data_action::DataActionPreflight;

use crate::config::kind::{self, Kind};
use crate::config::place::{Located, Place};
use crate::config::reader::{Context, TableReader};

/// A check before the start: `[[preflight]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Preflight {
    /// Where it stands in the manifest.
    pub place: Place,
    /// Whether it is made; true by default.
    pub enabled: bool,
    /// What kind of check it is, with the options of that kind.
    pub kind: PreflightKind,
}

/// The kinds of check, each with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum PreflightKind {
    /// A data action of CXone can be read.
    DataAction(DataActionPreflight),
}

const KINDS: &[Kind<PreflightKind>] = &[Kind {
    name: "data-action",
    read: |table| DataActionPreflight::read(table).map(PreflightKind::DataAction),
}];

impl Preflight {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        let enabled = table.optional("enabled").is_none_or(|found| found.value);
        let kind = kind::read(table, KINDS)?;
        if enabled {
            kind.require_complete(table.context());
        }
        Some(Self {
            place: table.header().clone(),
            enabled,
            kind,
        })
    }
}

impl PreflightKind {
    /// The name of the connection that the check uses, if it uses one.
    pub(crate) fn connection(&self) -> Option<&Located<String>> {
        match self {
            Self::DataAction(check) => Some(&check.connection),
        }
    }

    /// Reports what only a check that is made has to have.
    fn require_complete(&self, context: &Context) {
        match self {
            Self::DataAction(check) => check.require_complete(context),
        }
    }
}
