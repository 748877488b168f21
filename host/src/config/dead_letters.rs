//! Where rejected records are kept until someone looks at them and replays them.

use crate::config::kind::{self, Kind};
use crate::config::reader::TableReader;

/// The dead-letter queue: `[dead-letters]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadLetters {
    /// Kept with the checkpoints: a table in their SQLite file, or objects beside them, true together with the checkpoint. The default.
    #[default]
    Sqlite,
}

const KINDS: &[Kind<DeadLetters>] = &[Kind {
    name: "sqlite",
    read: |_| Some(DeadLetters::Sqlite),
}];

impl DeadLetters {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        kind::read(table, KINDS)
    }
}
