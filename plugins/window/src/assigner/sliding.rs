//! Windows of one size, starting at regular intervals.

use super::{AssignerError, check_offset, into_period};
use crate::Window;

/// Windows of one size, one starting every slide. They overlap where the slide is shorter than the size, and leave gaps
/// where it is longer.
///
/// Windows that overlap are put together from *slices*: spans that lie between the neighbouring starts and ends of windows,
/// at most two a slide. A record goes into one slice, however many windows it is in. Cutting at both starts and ends is the
/// scheme of "paired windows" (Krishnamurthy, Wu, Franklin: On-the-Fly Sharing for Streamed Aggregation, 2006); unlike
/// panes of the greatest common divisor, it makes no more slices when size and slide have little in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindows {
    size: i64,
    slide: i64,
    offset: i64,
}

impl SlidingWindows {
    /// Windows of `size` milliseconds, one starting every `slide` milliseconds, and one at the epoch.
    ///
    /// # Errors
    /// If size or slide is not positive.
    pub const fn of(size: i64, slide: i64) -> Result<Self, AssignerError> {
        if size <= 0 {
            Err(AssignerError::Size { size })
        } else if slide <= 0 {
            Err(AssignerError::Slide { slide })
        } else {
            Ok(Self {
                size,
                slide,
                offset: 0,
            })
        }
    }

    /// The same, shifted by `offset` milliseconds, forwards or backwards.
    ///
    /// # Errors
    /// If the offset is not shorter than the slide.
    pub const fn with_offset(self, offset: i64) -> Result<Self, AssignerError> {
        match check_offset(offset, self.slide) {
            Ok(()) => Ok(Self { offset, ..self }),
            Err(error) => Err(error),
        }
    }

    /// Whether windows overlap.
    pub(crate) const fn overlap(self) -> bool {
        self.slide < self.size
    }

    /// The windows of a record, by rising end: none in a gap.
    pub fn assign(self, timestamp: i64) -> impl Iterator<Item = Window> {
        let last = self.last_start(timestamp);
        // As many slides back as the record is still inside: start > timestamp - size.
        let reach = self.size - 1 - timestamp.saturating_sub(last);
        let more = if reach < 0 { -1 } else { reach / self.slide };
        (0..=more).rev().map(move |slides| {
            self.starting(last.saturating_sub(slides.saturating_mul(self.slide)))
        })
    }

    /// The slice of a record.
    #[inline]
    pub(crate) const fn slice(self, timestamp: i64) -> Window {
        let into = into_period(timestamp, self.offset, self.slide);
        // Windows end this far into a slide; 0 if they end where others start.
        let cut = self.size % self.slide;
        let (from, to) = if into < cut {
            (0, cut)
        } else {
            (cut, self.slide)
        };
        Window {
            start: timestamp.saturating_sub(into - from),
            end: timestamp.saturating_add(to - into),
        }
    }

    /// The earliest window that has `timestamp` in it, where windows overlap.
    pub(crate) const fn first_window(self, timestamp: i64) -> Window {
        let into_slide = timestamp.saturating_sub(self.last_start(timestamp));
        let back = (self.size - 1 - into_slide) / self.slide;
        self.starting(
            timestamp
                .saturating_sub(into_slide)
                .saturating_sub(back.saturating_mul(self.slide)),
        )
    }

    /// The latest window that has `timestamp` in it, where windows overlap.
    pub(crate) const fn last_window(self, timestamp: i64) -> Window {
        self.starting(self.last_start(timestamp))
    }

    /// The window after another.
    pub(crate) const fn next(self, window: Window) -> Window {
        self.starting(window.start.saturating_add(self.slide))
    }

    /// The earliest window whose last millisecond is after `time`.
    pub(crate) const fn first_ending_after(self, time: i64) -> Window {
        // It ends after time + 1, which the window starting a size earlier does not reach.
        let start = self.last_start(time.saturating_add(1).saturating_sub(self.size));
        self.next(self.starting(start))
    }

    /// The earliest boundary of blocks at or after the start of a window. Blocks are as many slides as fit into a window, so that
    /// every window has a boundary in it: see [`Combiner`](crate::state::Combiner).
    pub(crate) const fn block_boundary(self, start: i64) -> i64 {
        let block = self.size / self.slide * self.slide;
        let into = into_period(start, self.offset, block);
        if into == 0 {
            start
        } else {
            start.saturating_add(block - into)
        }
    }

    #[inline]
    const fn last_start(self, timestamp: i64) -> i64 {
        timestamp.saturating_sub(into_period(timestamp, self.offset, self.slide))
    }

    const fn starting(self, start: i64) -> Window {
        Window {
            start,
            end: start.saturating_add(self.size),
        }
    }
}
