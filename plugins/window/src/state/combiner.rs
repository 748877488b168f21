//! Sums over a window that slides, at a cost that does not grow with how many slices it has.
//!
//! Time is cut into blocks, such that each window has the boundary of two in it. What a window holds is then the end of one block
//! and the beginning of the next: the ends are summed up from the boundary backwards, once for all the windows that have that
//! boundary, and the beginning grows as the windows move on. That makes three merges a window however long it is (van
//! Herk 1992; Gil and Werman 1993, for running maxima).
//!
//! Where the boundaries are and what is added to what depends on the slices alone, not on what was asked before. So what is
//! kept here need not be stored: made anew it is the same to the last bit, even for sums that are rounded.

use std::collections::VecDeque;

use super::slices::Slice;
use crate::{Aggregate, SlidingWindows, Window};

/// The sums of a window, ready to move on to later windows.
#[derive(Clone, Debug)]
pub(crate) struct Combiner<Accumulator> {
    /// The boundary that the window has in it.
    boundary: i64,
    /// For slices before the boundary, latest first: where they start, and the sum from there to the boundary.
    ends: Vec<(i64, Accumulator)>,
    /// The sum from the boundary to `until`.
    beginning: Option<Accumulator>,
    /// The end of the last window.
    until: i64,
}

impl<Accumulator> Default for Combiner<Accumulator> {
    fn default() -> Self {
        Self {
            boundary: i64::MIN,
            ends: Vec::new(),
            beginning: None,
            until: i64::MIN,
        }
    }
}

impl<Accumulator: Clone> Combiner<Accumulator> {
    /// A slice that starts at `start` has changed: what it is part of is forgotten.
    #[inline]
    pub(crate) fn invalidate(&mut self, start: i64) {
        if start < self.until {
            *self = Self::default();
        }
    }

    /// What `window` holds; windows are asked for by rising end.
    pub(crate) fn total<A: Aggregate<Accumulator = Accumulator>>(
        &mut self,
        aggregate: &A,
        slices: &VecDeque<Slice<Accumulator>>,
        windows: SlidingWindows,
        window: Window,
    ) -> Option<Accumulator> {
        if window.start > self.boundary || self.until == i64::MIN {
            self.begin_block(
                aggregate,
                slices,
                windows.block_boundary(window.start),
                window,
            );
        }
        while self
            .ends
            .last()
            .is_some_and(|(start, _)| *start < window.start)
        {
            self.ends.pop();
        }
        let from = slices.partition_point(|slice| slice.span.start < self.until);
        for slice in slices.range(from..) {
            if slice.span.start >= window.end {
                break;
            }
            match &mut self.beginning {
                Some(beginning) => aggregate.merge(beginning, &slice.accumulator),
                none => *none = Some(slice.accumulator.clone()),
            }
        }
        self.until = window.end;
        let end = self.ends.last().map(|(_, end)| end.clone());
        match (end, &self.beginning) {
            (Some(mut end), Some(beginning)) => {
                aggregate.merge(&mut end, beginning);
                Some(end)
            }
            (Some(end), None) => Some(end),
            (None, beginning) => beginning.clone(),
        }
    }

    fn begin_block<A: Aggregate<Accumulator = Accumulator>>(
        &mut self,
        aggregate: &A,
        slices: &VecDeque<Slice<Accumulator>>,
        boundary: i64,
        window: Window,
    ) {
        self.boundary = boundary;
        self.beginning = None;
        self.until = boundary;
        self.ends.clear();
        let from = slices.partition_point(|slice| slice.span.start < window.start);
        let to = slices.partition_point(|slice| slice.span.start < boundary);
        for slice in slices.range(from..to).rev() {
            let mut end = slice.accumulator.clone();
            if let Some((_, later)) = self.ends.last() {
                aggregate.merge(&mut end, later);
            }
            self.ends.push((slice.span.start, end));
        }
    }
}
