//! Windows that last as long as records keep coming.

use super::AssignerError;
use crate::Window;

/// Windows that last as long as records keep coming: a session ends a gap after its last record. Two sessions that touch, by
/// a distance equal to the gap, are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionWindows {
    gap: i64,
}

impl SessionWindows {
    /// Sessions that end `gap` milliseconds after their last record.
    ///
    /// # Errors
    /// If the gap is not positive.
    pub const fn with_gap(gap: i64) -> Result<Self, AssignerError> {
        if gap > 0 {
            Ok(Self { gap })
        } else {
            Err(AssignerError::Gap { gap })
        }
    }

    /// The session of a record that is alone.
    #[inline]
    pub const fn assign(self, timestamp: i64) -> Window {
        Window {
            start: timestamp,
            end: timestamp.saturating_add(self.gap),
        }
    }
}
