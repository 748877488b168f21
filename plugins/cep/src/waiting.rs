//! Events that wait for the watermark: mostly one, which then takes no memory of its own.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Events with their times, by time, and those of one time by arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Waiting<E> {
    None,
    One(i64, E),
    /// Two or more at first; it may fall below.
    Many(VecDeque<(i64, E)>),
}

impl<E> Waiting<E> {
    pub(crate) fn first_timestamp(&self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::One(timestamp, _) => Some(*timestamp),
            Self::Many(events) => events.front().map(|(timestamp, _)| *timestamp),
        }
    }

    /// Adds an event behind those of its time.
    pub(crate) fn add(&mut self, timestamp: i64, event: E) {
        match std::mem::replace(self, Self::None) {
            Self::None => *self = Self::One(timestamp, event),
            Self::One(other, first) => {
                let (first, event) = ((other, first), (timestamp, event));
                let events = if other <= timestamp {
                    [first, event]
                } else {
                    [event, first]
                };
                *self = Self::Many(events.into());
            }
            Self::Many(mut events) => {
                // Events come nearly in order: the place is near the end.
                let before = events.iter().rposition(|(other, _)| *other <= timestamp);
                events.insert(before.map_or(0, |before| before + 1), (timestamp, event));
                *self = Self::Many(events);
            }
        }
    }

    /// Takes the first event, if the watermark has reached its time.
    pub(crate) fn take_due(&mut self, watermark: i64) -> Option<(i64, E)> {
        if self.first_timestamp()? > watermark {
            return None;
        }
        if let Self::Many(events) = self {
            let due = events.pop_front();
            if events.is_empty() {
                *self = Self::None;
            }
            return due;
        }
        match std::mem::replace(self, Self::None) {
            Self::One(timestamp, event) => Some((timestamp, event)),
            Self::None | Self::Many(_) => None,
        }
    }
}
