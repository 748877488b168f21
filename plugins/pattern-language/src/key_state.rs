//! What is remembered of a key: events that wait, once for all patterns, and what each pattern has begun.

use std::collections::VecDeque;

use jackfield_cep::{PatternState, Usage};
use serde::{Deserialize, Serialize};

use crate::Event;

/// What is remembered of one key.
///
/// It is empty as soon as nothing that has happened can become part of a match any more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeyState {
    /// By time, and those of one time by arrival.
    pub(crate) waiting: VecDeque<(i64, Event)>,
    pub(crate) parts: Vec<Part>,
}

/// What one pattern has begun under one definition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The tag of its name.
    pub(crate) pattern: u32,
    pub(crate) state: PatternState<Event>,
}

impl KeyState {
    /// Whether nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.parts.is_empty()
    }

    /// Adds an event, which then waits for the watermark to reach its time, milliseconds since the Unix epoch.
    pub fn add(&mut self, timestamp: i64, event: Event) {
        let place = self
            .waiting
            .partition_point(|(other, _)| *other <= timestamp);
        self.waiting.insert(place, (timestamp, event));
    }

    /// How much is remembered; without the events that wait.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for part in &self.parts {
            usage += part.state.usage();
        }
        usage.waiting_events += self.waiting.len();
        usage
    }
}
