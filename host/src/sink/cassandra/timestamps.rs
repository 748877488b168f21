//! Write timestamps, by which a cluster decides which of two writes of a cell is the later one.
//!
//! Cassandra settles equal timestamps cell by cell, larger bytes first, which can make a row that nobody wrote. So each row has a timestamp of its own: the
//! epoch in its upper bits, and the number of the row in the epoch in the lower ones. What an epoch that was never committed has written, a later
//! one overrides, and what a process that was taken for dead still writes is overridden already.

use std::sync::Arc;

use crate::pipeline::epoch::{EpochClock, MAXIMUM_SEQUENCE};

/// Gives each row a timestamp of its own.
#[derive(Debug)]
pub(super) struct Timestamps {
    clock: Arc<EpochClock>,
    epoch: u64,
    written: u64,
}

impl Timestamps {
    pub(super) fn new(clock: &Arc<EpochClock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            epoch: clock.epoch(),
            written: 0,
        }
    }

    /// The next row's, microseconds by Cassandra's own reckoning; none where the epoch has no more.
    pub(super) fn next(&mut self) -> Option<i64> {
        let epoch = self.clock.epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.written = 0;
        }
        if self.written >= MAXIMUM_SEQUENCE {
            return None;
        }
        let timestamp = self
            .clock
            .first_timestamp()
            .checked_add_unsigned(self.written)?;
        self.written += 1;
        Some(timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_an_epoch_has_its_own() {
        let clock = Arc::new(EpochClock::new(10, 1));
        let mut timestamps = Timestamps::new(&clock);
        let first = clock.first_timestamp();
        assert_eq!(timestamps.next(), Some(first));
        assert_eq!(timestamps.next(), Some(first + 1));
    }

    #[test]
    fn an_epoch_does_not_reach_into_the_next() {
        let clock = Arc::new(EpochClock::new(10, 1));
        let mut timestamps = Timestamps::new(&clock);
        timestamps.written = MAXIMUM_SEQUENCE - 1;
        let last = timestamps.next().unwrap();
        assert_eq!(timestamps.next(), None);
        assert!(last < EpochClock::new(10, 2).first_timestamp());
    }
}
