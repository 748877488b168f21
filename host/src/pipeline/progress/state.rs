//! What a task is doing.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// What a task is doing. In JSON a word in lower case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// It restores the last checkpoint and opens what it reads and writes.
    #[default]
    Starting,
    /// It works.
    Running,
    /// It works as far as it can: something outside does not answer, or the breaker of a stage is open.
    Waiting,
    /// Something failed, and it goes back to the last checkpoint.
    Recovering,
    /// It was told to stop, and finishes what is in flight.
    Stopping,
    /// Its run is over.
    Ended,
}

const STATES: [TaskState; 6] = [
    TaskState::Starting,
    TaskState::Running,
    TaskState::Waiting,
    TaskState::Recovering,
    TaskState::Stopping,
    TaskState::Ended,
];

/// The state of a task, shared with those who look on.
#[derive(Debug, Default)]
pub struct StateCell(AtomicU8);

impl StateCell {
    /// The state.
    #[must_use]
    pub fn get(&self) -> TaskState {
        let state = STATES.get(usize::from(self.0.load(Relaxed)));
        state.copied().unwrap_or_default()
    }

    pub(in crate::pipeline) fn enter(&self, state: TaskState) {
        self.0.store(state as u8, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_that_was_entered_is_the_one_that_is_seen() {
        let cell = StateCell::default();
        assert_eq!(cell.get(), TaskState::Starting);
        for state in STATES {
            cell.enter(state);
            assert_eq!(cell.get(), state);
        }
    }
}
