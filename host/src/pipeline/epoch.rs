//! Epochs: the stretches between checkpoints, and the write timestamps that are made of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::clock::now;

/// Bits of a write timestamp that count the writes of an epoch.
const SEQUENCE_BITS: u32 = 28;

/// The most writes that an epoch has timestamps for: 268,435,456.
pub const MAXIMUM_SEQUENCE: u64 = 1 << SEQUENCE_BITS;

/// The start of 2020 in milliseconds since the Unix epoch.
const START_OF_2020: i64 = 1_577_836_800_000;

/// The time now in tenths of a second since the start of 2020: the origin of a pipeline that begins.
#[must_use]
pub fn tenths_since_2020() -> u64 {
    u64::try_from((now() - START_OF_2020) / 100).unwrap_or(0)
}

/// The epoch that is under way, shared by all threads of an attempt. Epochs of a pipeline only rise, over attempts and processes: what a process that
/// was taken for dead still writes belongs to a lower one.
#[derive(Debug)]
pub struct EpochClock {
    /// Tenths of a second from the start of 2020 to the first epoch of the pipeline: a pipeline that is started afresh goes on above what it wrote before.
    origin: u64,
    epoch: AtomicU64,
}

impl EpochClock {
    /// A clock of a pipeline with that origin, in that epoch.
    #[must_use]
    pub fn new(origin: u64, epoch: u64) -> Self {
        Self {
            origin,
            epoch: AtomicU64::new(epoch),
        }
    }

    /// The epoch that is under way.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// When the pipeline began its first epoch, tenths of a second since the start of 2020.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.origin
    }

    /// The write timestamp of the first write of the epoch that is under way; that of write `n` of it, below [`MAXIMUM_SEQUENCE`], is `n` more.
    #[must_use]
    pub fn first_timestamp(&self) -> i64 {
        let high = self.origin.saturating_add(self.epoch());
        i64::try_from(high << SEQUENCE_BITS).unwrap_or(i64::MAX)
    }

    pub(super) fn begin(&self, epoch: u64) {
        self.epoch.store(epoch, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_write_of_a_later_epoch_has_a_greater_timestamp() {
        let clock = EpochClock::new(2_200_000_000, 7);
        let last = clock.first_timestamp() + i64::try_from(MAXIMUM_SEQUENCE).unwrap() - 1;
        clock.begin(8);
        assert!(clock.first_timestamp() > last);
    }

    #[test]
    fn timestamps_last_until_the_next_century() {
        let tenths_until_2120 = 100 * 366 * 24 * 36_000;
        assert!(EpochClock::new(tenths_until_2120, 0).first_timestamp() < i64::MAX);
    }
}
