//! Which windows a record belongs to.

mod session;
mod sliding;
mod tumbling;

use thiserror::Error;

pub use session::SessionWindows;
pub use sliding::SlidingWindows;
pub use tumbling::TumblingWindows;

/// One window for all of time, which a trigger has to make something of: by count, for example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GlobalWindows;

/// How windows are laid over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigner {
    /// Of one size, end to end.
    Tumbling(TumblingWindows),
    /// Of one size, starting at regular intervals.
    Sliding(SlidingWindows),
    /// As long as records keep coming.
    Session(SessionWindows),
    /// One for all of time.
    Global,
}

impl From<TumblingWindows> for Assigner {
    fn from(windows: TumblingWindows) -> Self {
        Self::Tumbling(windows)
    }
}

impl From<SlidingWindows> for Assigner {
    fn from(windows: SlidingWindows) -> Self {
        Self::Sliding(windows)
    }
}

impl From<SessionWindows> for Assigner {
    fn from(windows: SessionWindows) -> Self {
        Self::Session(windows)
    }
}

impl From<GlobalWindows> for Assigner {
    fn from(_: GlobalWindows) -> Self {
        Self::Global
    }
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
    /// The slide is not positive.
    #[error("windows that slide by {slide} ms: the slide has to be positive")]
    Slide {
        /// The slide, in milliseconds.
        slide: i64,
    },
    /// The offset is as long as the distance of two windows or longer.
    #[error(
        "windows every {period} ms offset by {offset} ms: the offset has to be shorter than that"
    )]
    Offset {
        /// The offset, in milliseconds.
        offset: i64,
        /// From the start of one window to the start of the next, in milliseconds.
        period: i64,
    },
    /// The gap is not positive.
    #[error("sessions with a gap of {gap} ms: the gap has to be positive")]
    Gap {
        /// The gap, in milliseconds.
        gap: i64,
    },
}

/// How far into its period a time is, when one period starts at `offset`: at least 0, less than `period`.
#[inline]
const fn into_period(timestamp: i64, offset: i64, period: i64) -> i64 {
    // A time minus an offset may overflow 64 bits; a difference of remainders may not.
    (timestamp.rem_euclid(period) - offset.rem_euclid(period)).rem_euclid(period)
}

/// Refuses an offset that is not shorter than a period, as Flink does.
const fn check_offset(offset: i64, period: i64) -> Result<(), AssignerError> {
    if offset.unsigned_abs() < period.unsigned_abs() {
        Ok(())
    } else {
        Err(AssignerError::Offset { offset, period })
    }
}
