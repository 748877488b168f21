//! How much is remembered of a key.

use super::{PartialMatch, PatternState};

/// How much is remembered of a key, to be exported and summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Events that wait for the watermark.
    pub waiting_events: usize,
    /// Matches that have begun.
    pub partial_matches: usize,
    /// Matches that wait, under a skip strategy, for partial matches that began before them.
    pub complete_matches: usize,
    /// Events that those hold, each counted once.
    pub taken_events: usize,
    /// Bytes that all of it takes, and has room for; what an event keeps elsewhere, as text does, is not counted.
    pub bytes: usize,
}

impl<E> PatternState<E> {
    /// How much is remembered.
    pub fn usage(&self) -> Usage {
        let (waiting_events, room) = self.waiting.count();
        let mut usage = Usage {
            waiting_events,
            bytes: size_of::<Self>() + room * size_of::<(i64, E)>(),
            ..Usage::default()
        };
        let Some(begun) = &self.begun else {
            return usage;
        };
        usage.complete_matches = begun.complete.len();
        usage.partial_matches = begun.matches() - begun.complete.len();
        usage.taken_events = begun.buffer.live_events();
        let matches = begun.partial.capacity() + begun.complete.capacity();
        usage.bytes += size_of_val(&**begun)
            + matches * size_of::<PartialMatch>()
            + begun.buffer.capacity_bytes()
            + begun.timers.capacity() * size_of::<i64>();
        usage
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.waiting_events += other.waiting_events;
        self.partial_matches += other.partial_matches;
        self.complete_matches += other.complete_matches;
        self.taken_events += other.taken_events;
        self.bytes += other.bytes;
    }
}
