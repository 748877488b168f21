//! How long a pipeline goes on trying after failures.

use crate::config::reader::TableReader;

/// How often a pipeline is restarted from its last checkpoint: `[recovery]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Failures in a row, with no checkpoint between them, after which the pipeline stops; 3 by default.
    pub maximum_restarts: u32,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            maximum_restarts: 3,
        }
    }
}

impl Recovery {
    pub(crate) fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default();
        Self {
            maximum_restarts: table
                .optional_within("maximum-restarts", 0..=1000)
                .map_or(default.maximum_restarts, |found| found.value),
        }
    }
}
