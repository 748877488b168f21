//! How far a partition was read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::source::{Partition, Scale, Unit};

/// Stands for an end that is not known. No partition is that long.
const NOT_KNOWN: u64 = u64::MAX;

/// A partition that is read; the worker that reads it writes here, whoever looks on reads.
#[derive(Debug)]
pub struct PartitionProgress {
    /// The source.
    pub source: String,
    /// Its name among the partitions of its source.
    pub name: String,
    scale: Scale,
    read: AtomicU64,
    length: AtomicU64,
}

impl PartitionProgress {
    /// Of a partition as it was opened.
    pub(in crate::pipeline) fn of(source: &str, partition: &dyn Partition) -> Self {
        let progress = Self {
            source: source.to_owned(),
            name: partition.name().to_owned(),
            scale: partition.scale(),
            read: AtomicU64::new(0),
            length: AtomicU64::new(NOT_KNOWN),
        };
        progress.reach(partition.progress());
        progress
    }

    /// What positions are counted in.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.scale.unit
    }

    /// Where reading goes on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.scale.origin.saturating_add(self.read())
    }

    /// The position behind all that there is now, if that is known.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.length()
            .map(|length| self.scale.origin.saturating_add(length))
    }

    /// How much was read of what the partition began with.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// How much there is, if that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        Some(self.length.load(Relaxed)).filter(|&length| length != NOT_KNOWN)
    }

    /// What [`Partition::progress`] says.
    pub(in crate::pipeline) fn reach(&self, (read, length): (u64, Option<u64>)) {
        self.read.store(read, Relaxed);
        self.length.store(length.unwrap_or(NOT_KNOWN), Relaxed);
    }
}
