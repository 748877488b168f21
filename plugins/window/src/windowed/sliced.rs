//! Windows that overlap and share slices: a record goes into one slice, and a window is put together when it fires.

use super::{Firing, FiringKind, Incoming, Placement, StateOf, Timing, Windowed};
use crate::state::{Combiner, Slices};
use crate::{Aggregate, SlidingWindows, Trigger, Window};

impl<A: Aggregate, T: Trigger<A::Input>> Windowed<A, T> {
    /// Adds a record to its slice, unless all windows that have this in them are over.
    #[inline]
    pub(super) fn add_to_slice(
        &self,
        state: &mut StateOf<A, T>,
        windows: SlidingWindows,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> Placement {
        let (timestamp, watermark) = (incoming.timestamp, incoming.watermark);
        let last = windows.last_window(timestamp);
        if last.is_late(self.lateness, watermark) {
            return Placement::Late;
        }
        let slices = state
            .slices
            .get_or_insert_with(|| Box::new(Slices::since(watermark)));
        slices.fired = slices.fired.max(watermark);
        let is_new = slices.add(&self.aggregate, windows.slice(timestamp), incoming.input);
        if timestamp <= watermark {
            self.fire_again(slices, windows, incoming, emit);
        }
        let timer = if is_new {
            self.next_slice_timer(slices, windows)
        } else {
            None
        };
        Placement::Placed { timer }
    }

    /// Fires the windows of a record that lie behind the watermark, but not too far.
    fn fire_again(
        &self,
        slices: &mut Slices<A::Accumulator>,
        windows: SlidingWindows,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        let (timestamp, watermark) = (incoming.timestamp, incoming.watermark);
        let first = windows.first_window(timestamp);
        let alive = windows.first_ending_after(watermark.saturating_sub(self.lateness));
        let mut window = first.max(alive);
        // The sums that are kept are of later windows.
        let mut combiner = Combiner::default();
        while window.start <= timestamp && window.max_timestamp() <= watermark {
            let total = combiner.total(&self.aggregate, &slices.slices, windows, window);
            if let Some(total) = total {
                self.emit_total(slices, window, total, Timing::Late, emit);
            }
            let next = windows.next(window);
            if next.start == window.start {
                break;
            }
            window = next;
        }
    }

    /// Everything that is due; whether nothing is left.
    pub(super) fn fire_slices(
        &self,
        slices: &mut Slices<A::Accumulator>,
        windows: SlidingWindows,
        watermark: i64,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> bool {
        while let Some(window) = slices.next_window(windows)
            && window.max_timestamp() <= watermark
        {
            slices.fired = window.max_timestamp();
            if let Some(total) = slices.total(&self.aggregate, windows, window) {
                self.emit_total(slices, window, total, Timing::OnTime, emit);
            }
        }
        slices.fired = slices.fired.max(watermark);
        slices.drop_late(windows, self.lateness, watermark);
        slices.slices.is_empty()
    }

    fn emit_total(
        &self,
        slices: &mut Slices<A::Accumulator>,
        window: Window,
        mut total: A::Accumulator,
        timing: Timing,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        // Without lateness no window fires twice.
        if self.retractions
            && self.lateness > 0
            && let Some(mut before) = slices.replace_emitted(window, total.clone())
        {
            emit(Firing {
                window,
                kind: FiringKind::Retraction,
                timing,
                output: self.aggregate.result(&mut before),
            });
        }
        emit(Firing {
            window,
            kind: FiringKind::Result,
            timing,
            output: self.aggregate.result(&mut total),
        });
    }

    /// The end of the next window that has records; after that, when the last one is over.
    pub(super) fn next_slice_timer(
        &self,
        slices: &Slices<A::Accumulator>,
        windows: SlidingWindows,
    ) -> Option<i64> {
        slices.next_window(windows).map_or_else(
            || {
                let last = slices.slices.back()?;
                let last = windows.last_window(last.span.start);
                Some(last.cleanup_time(self.lateness))
            },
            |window| Some(window.max_timestamp()),
        )
    }
}
