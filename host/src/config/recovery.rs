//! How long a pipeline goes on trying after failures.

use std::time::Duration;

use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What becomes of a pipeline whose plugins fail: `[recovery]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Failures of a stage in a row, with no checkpoint between them and no record to blame, after which its breaker opens; 3 by default.
    pub maximum_restarts: u32,
    /// Failures of a stage within [`breaker_window`](Self::breaker_window) with which its breaker opens; 100 by default. A record that is set aside
    /// costs two: one finds the batch, one the record.
    pub breaker_failures: u32,
    /// The time in which failures are counted; 10 minutes by default.
    pub breaker_window: Duration,
    /// What happens when a breaker opens.
    pub on_breaker: OnBreaker,
}

/// What a pipeline does when the plugin of a stage keeps failing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBreaker {
    /// It stops. The default.
    #[default]
    Stop,
    /// It waits, reading nothing, and tries again after a pause that grows.
    Pause,
    /// It goes on without the stage, whose records go to the dead-letter queue, and tries it again after a pause that grows.
    BypassToDlq,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            maximum_restarts: 3,
            breaker_failures: 100,
            breaker_window: Duration::from_secs(10 * 60),
            on_breaker: OnBreaker::default(),
        }
    }
}

impl Read for OnBreaker {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let choices = [
            ("stop", Self::Stop),
            ("pause", Self::Pause),
            ("bypass-to-dlq", Self::BypassToDlq),
        ];
        context.choice(node, &choices)
    }
}

impl Recovery {
    pub(crate) fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default();
        Self {
            maximum_restarts: table
                .optional_within("maximum-restarts", 0..=1000)
                .map_or(default.maximum_restarts, |found| found.value),
            breaker_failures: table
                .optional_within("breaker-failures", 1..=100_000)
                .map_or(default.breaker_failures, |found| found.value),
            breaker_window: table
                .optional_within("breaker-window", Duration::from_secs(1)..=DAY)
                .map_or(default.breaker_window, |found| found.value),
            on_breaker: table
                .optional("on-breaker")
                .map_or(default.on_breaker, |found| found.value),
        }
    }
}
