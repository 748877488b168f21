//! Windows of one size, end to end.

use super::{AssignerError, check_offset, into_period};
use crate::Window;

/// Windows of one size, end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TumblingWindows {
    size: i64,
    offset: i64,
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
    /// If the offset is not shorter than a window.
    pub const fn with_offset(self, offset: i64) -> Result<Self, AssignerError> {
        match check_offset(offset, self.size) {
            Ok(()) => Ok(Self { offset, ..self }),
            Err(error) => Err(error),
        }
    }

    /// The window of a record. At either end of time it is cut short to what can be counted.
    #[inline]
    pub const fn assign(self, timestamp: i64) -> Window {
        let into = into_period(timestamp, self.offset, self.size);
        Window {
            start: timestamp.saturating_sub(into),
            end: timestamp.saturating_add(self.size - into),
        }
    }
}
