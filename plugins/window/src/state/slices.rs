//! What windows that overlap share.

use std::collections::VecDeque;

use super::Combiner;
use crate::{Aggregate, SlidingWindows, Window};

/// The slices of one key.
#[derive(Clone, Debug)]
pub(crate) struct Slices<Accumulator> {
    /// By rising start; each has records in it.
    pub(crate) slices: VecDeque<Slice<Accumulator>>,
    /// Windows whose last millisecond is not later than this have fired, or had nothing in them when they should have.
    pub(crate) fired: i64,
    /// What windows held when they last fired, where results are retracted. By rising start.
    pub(crate) emitted: VecDeque<(Window, Accumulator)>,
    /// Follows from the slices, and is not stored.
    pub(crate) combiner: Combiner<Accumulator>,
}

/// A span that lies wholly inside or outside of every window.
#[derive(Clone, Debug)]
pub(crate) struct Slice<Accumulator> {
    pub(crate) span: Window,
    pub(crate) accumulator: Accumulator,
}

impl<Accumulator> Slices<Accumulator> {
    /// No slices yet, with the watermark at `watermark`.
    pub(crate) fn since(watermark: i64) -> Self {
        Self {
            slices: VecDeque::new(),
            fired: watermark,
            emitted: VecDeque::new(),
            combiner: Combiner::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slices.len()
    }

    /// The next window to fire by the watermark: the earliest after those that have which has records.
    pub(crate) fn next_window(&self, windows: SlidingWindows) -> Option<Window> {
        let next = windows.first_ending_after(self.fired);
        let from = self
            .slices
            .partition_point(|slice| slice.span.start < next.start);
        let slice = self.slices.get(from)?.span;
        let window = if slice.start < next.end {
            next
        } else {
            windows.first_window(slice.start)
        };
        // At the end of time windows are cut short, and do not move on any more.
        (window.max_timestamp() > self.fired).then_some(window)
    }

    /// What `window` holds, which is to be the next to fire.
    pub(crate) fn total<A>(
        &mut self,
        aggregate: &A,
        windows: SlidingWindows,
        window: Window,
    ) -> Option<Accumulator>
    where
        A: Aggregate<Accumulator = Accumulator>,
        Accumulator: Clone,
    {
        self.combiner
            .total(aggregate, &self.slices, windows, window)
    }

    /// Adds a record to a slice; whether that is new.
    #[inline]
    pub(crate) fn add<A>(&mut self, aggregate: &A, span: Window, input: &A::Input) -> bool
    where
        A: Aggregate<Accumulator = Accumulator>,
        Accumulator: Clone,
    {
        self.combiner.invalidate(span.start);
        let place = match self.slices.back() {
            Some(last) if last.span.start < span.start => self.slices.len(),
            _ => self
                .slices
                .partition_point(|slice| slice.span.start < span.start),
        };
        match self.slices.get_mut(place) {
            Some(slice) if slice.span.start == span.start => {
                aggregate.add(&mut slice.accumulator, input);
                false
            }
            _ => {
                let accumulator = aggregate.begin(input);
                self.slices.insert(place, Slice { span, accumulator });
                true
            }
        }
    }

    /// Notes what a window has emitted, and gives what it had emitted before.
    pub(crate) fn replace_emitted(
        &mut self,
        window: Window,
        accumulator: Accumulator,
    ) -> Option<Accumulator> {
        let place = self.emitted.partition_point(|(other, _)| *other < window);
        match self.emitted.get_mut(place) {
            Some((other, emitted)) if *other == window => {
                Some(std::mem::replace(emitted, accumulator))
            }
            _ => {
                self.emitted.insert(place, (window, accumulator));
                None
            }
        }
    }

    /// Drops what no window can need any more.
    pub(crate) fn drop_late(&mut self, windows: SlidingWindows, lateness: i64, watermark: i64) {
        let is_late = |slice: &mut Slice<Accumulator>| {
            windows
                .last_window(slice.span.start)
                .is_late(lateness, watermark)
        };
        while self.slices.pop_front_if(is_late).is_some() {}
        while self
            .emitted
            .pop_front_if(|(window, _)| window.is_late(lateness, watermark))
            .is_some()
        {}
    }
}
