//! A span of event time.

use serde::{Deserialize, Serialize};

/// A span of event time: `start` belongs to it, `end` does not. Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first millisecond.
    pub start: i64,
    /// The millisecond after the last.
    pub end: i64,
}

impl Window {
    /// All of time: the one window of [`GlobalWindows`](crate::GlobalWindows).
    pub const GLOBAL: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// The last millisecond: the window is complete when the watermark reaches it, and what it emits has this event time.
    /// That of [`GLOBAL`](Self::GLOBAL) is the end of time, which the watermark reaches when all input has ended.
    pub const fn max_timestamp(self) -> i64 {
        if self.is_global() {
            i64::MAX
        } else {
            self.end.saturating_sub(1)
        }
    }

    /// Whether this is the window of all of time.
    pub const fn is_global(self) -> bool {
        self.start == i64::MIN && self.end == i64::MAX
    }

    /// When nothing is left to wait for: the last millisecond plus the allowed lateness.
    #[inline]
    pub(crate) const fn cleanup_time(self, lateness: i64) -> i64 {
        self.max_timestamp().saturating_add(lateness)
    }

    /// Whether the watermark has passed everything that the window could still wait for.
    #[inline]
    pub(crate) const fn is_late(self, lateness: i64, watermark: i64) -> bool {
        self.cleanup_time(lateness) <= watermark
    }

    /// The least span that has both in it.
    pub(crate) fn cover(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The order in which windows are kept: that in which they end.
    #[inline]
    pub(crate) const fn order(self) -> (i64, i64) {
        (self.end, self.start)
    }
}
