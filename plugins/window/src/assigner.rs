//! Which window a record belongs to.

use thiserror::Error;

/// A span of event time: `start` belongs to it, `end` does not. Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first millisecond.
    pub start: i64,
    /// The millisecond after the last.
    pub end: i64,
}

impl Window {
    /// The last millisecond: the window fires when the watermark reaches it, and what it emits has this event time.
    pub const fn max_timestamp(self) -> i64 {
        self.end.saturating_sub(1)
    }
}

/// Windows of one size, end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TumblingWindows {
    size: i64,
    offset: i64,
}

/// Windows that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AssignerError {
    /// The size is not positive.
    #[error("a window of {size} ms: its size has to be positive")]
    Size {
        /// The size, in milliseconds.
        size: i64,
    },
    /// The offset is as long as a window or longer.
    #[error(
        "windows of {size} ms offset by {offset} ms: the offset has to be shorter than the window"
    )]
    Offset {
        /// The offset, in milliseconds.
        offset: i64,
        /// The size, in milliseconds.
        size: i64,
    },
}

impl TumblingWindows {
    /// Windows of `size` milliseconds, one of which starts at the epoch.
    ///
    /// # Errors
    /// If the size is not positive.
    pub const fn of(size: i64) -> Result<Self, AssignerError> {
        if size > 0 {
            Ok(Self { size, offset: 0 })
        } else {
            Err(AssignerError::Size { size })
        }
    }

    /// The same, shifted by `offset` milliseconds, forwards or backwards.
    ///
    /// # Errors
    /// If the offset is not shorter than a window, as in Flink.
    pub const fn with_offset(self, offset: i64) -> Result<Self, AssignerError> {
        if offset.unsigned_abs() < self.size.unsigned_abs() {
            Ok(Self { offset, ..self })
        } else {
            Err(AssignerError::Offset {
                offset,
                size: self.size,
            })
        }
    }

    /// The window of a record. At either end of time it is cut short to what can be counted.
    #[inline]
    pub fn assign(self, timestamp: i64) -> Window {
        // An event time of milliseconds in 64 bits minus an offset may overflow; a remainder of it may not.
        let into = (timestamp.rem_euclid(self.size) - self.offset.rem_euclid(self.size))
            .rem_euclid(self.size);
        let start = timestamp.saturating_sub(into);
        let remaining = self.size - into;
        Window {
            start,
            end: timestamp.saturating_add(remaining),
        }
    }
}
