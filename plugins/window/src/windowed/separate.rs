//! Windows that each hold what is theirs.

use super::{Firing, FiringKind, Incoming, Placement, StateOf, Timing, Windowed};
use super::{earlier, timing, timing_of_record};
use crate::state::Open;
use crate::trigger::{Arrival, Decision};
use crate::{Aggregate, Assigner, Trigger, Window};

/// A window of a [`StateOf<A, T>`].
pub(super) type OpenOf<A, T> =
    Open<<A as Aggregate>::Accumulator, <T as Trigger<<A as Aggregate>::Input>>::State>;

impl<A: Aggregate, T: Trigger<A::Input>> Windowed<A, T> {
    /// Adds a record to a window, unless that is over.
    #[inline]
    pub(super) fn add_to(
        &self,
        state: &mut StateOf<A, T>,
        window: Window,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> Placement {
        if self
            .cleanup_time(window)
            .is_some_and(|time| time <= incoming.watermark)
        {
            return Placement::Late;
        }
        let (place, found) = state.find_or_open(window);
        let open = &mut state.open[place];
        let before = found.then(|| open.trigger.clone());
        self.take_in(open, incoming, emit);
        // By far the most records change nothing but what their window holds.
        if open.accumulator.is_some() && before.as_ref() == Some(&open.trigger) {
            return Placement::Placed { timer: None };
        }
        if self.is_nothing(open) {
            state.open.remove(place);
            return Placement::Placed { timer: None };
        }
        let after = self.next_time(open);
        let before = before.and_then(|before| self.due(window, &before));
        Placement::Placed {
            timer: after.filter(|after| before.is_none_or(|before| *after < before)),
        }
    }

    /// Adds a record to each of its windows that is not over.
    pub(super) fn add_to_each(
        &self,
        state: &mut StateOf<A, T>,
        windows: impl IntoIterator<Item = Window>,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) -> Placement {
        self.add_each(incoming, windows, |window| {
            self.add_to(state, window, incoming, emit)
        })
    }

    /// What became of a record that goes into several windows.
    pub(super) fn add_each(
        &self,
        incoming: Incoming<'_, A::Input>,
        windows: impl IntoIterator<Item = Window>,
        mut add: impl FnMut(Window) -> Placement,
    ) -> Placement {
        let (mut taken, mut earliest) = (false, None);
        for window in windows {
            if let Placement::Placed { timer } = add(window) {
                taken = true;
                earliest = earlier(earliest, timer);
            }
        }
        if taken {
            Placement::Placed { timer: earliest }
        } else if incoming.timestamp.saturating_add(self.lateness) <= incoming.watermark {
            Placement::Late
        } else {
            Placement::Outside
        }
    }

    /// Adds a record to a window, and does what the trigger makes of it.
    #[inline]
    pub(super) fn take_in(
        &self,
        open: &mut OpenOf<A, T>,
        incoming: Incoming<'_, A::Input>,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        match &mut open.accumulator {
            Some(accumulator) => self.aggregate.add(accumulator, incoming.input),
            none => *none = Some(self.aggregate.begin(incoming.input)),
        }
        let arrival = Arrival {
            timestamp: incoming.timestamp,
            window: open.window,
            watermark: incoming.watermark,
        };
        let decision = self
            .trigger
            .on_record(incoming.input, arrival, &mut open.trigger);
        if decision != Decision::Continue {
            let timing = timing_of_record(incoming.watermark, open.window);
            self.carry_out(decision, open, timing, emit);
        }
    }

    #[inline(never)]
    pub(super) fn carry_out(
        &self,
        decision: Decision,
        open: &mut OpenOf<A, T>,
        timing: Timing,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        if decision.fires() && open.accumulator.is_some() {
            self.retract(open, timing, emit);
            if self.retractions && !decision.purges() {
                open.emitted = open.accumulator.clone().map(Box::new);
            }
            if let Some(accumulator) = &mut open.accumulator {
                emit(Firing {
                    window: open.window,
                    kind: FiringKind::Result,
                    timing,
                    output: self.aggregate.result(accumulator),
                });
                if self.aggregate.is_spent(accumulator) {
                    open.accumulator = None;
                }
            }
        }
        if decision.purges() {
            open.accumulator = None;
            open.emitted = None;
        }
    }

    /// Takes back what a window emitted last, if anything.
    pub(super) fn retract(
        &self,
        open: &mut OpenOf<A, T>,
        timing: Timing,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        if let Some(mut emitted) = open.emitted.take() {
            emit(Firing {
                window: open.window,
                kind: FiringKind::Retraction,
                timing,
                output: self.aggregate.result(&mut emitted),
            });
        }
    }

    /// Everything that is due of windows, by rising time.
    pub(super) fn fire_separate(
        &self,
        state: &mut StateOf<A, T>,
        watermark: i64,
        emit: &mut impl FnMut(Firing<A::Output>),
    ) {
        while let Some((place, time)) = self.earliest(state)
            && time <= watermark
        {
            let open = &mut state.open[place];
            if self.trigger.next_time(open.window, &open.trigger) == Some(time) {
                let decision = self.trigger.on_time(time, open.window, &mut open.trigger);
                self.carry_out(decision, open, timing(time, open.window), emit);
            }
            if self.cleanup_time(open.window) == Some(time) || self.is_nothing(open) {
                state.open.remove(place);
            }
        }
    }

    /// The window for which something is due first, and when.
    pub(super) fn earliest(&self, state: &StateOf<A, T>) -> Option<(usize, i64)> {
        let at_end_only = self.trigger.fires_at_end_only();
        let mut earliest: Option<(usize, i64)> = None;
        for (place, open) in state.open.iter().enumerate() {
            // Windows lie by rising end, and nothing is due before it.
            if at_end_only
                && let Some((_, time)) = earliest
                && time <= open.window.max_timestamp()
            {
                break;
            }
            if let Some(time) = self.next_time(open)
                && earliest.is_none_or(|(_, earliest)| time < earliest)
            {
                earliest = Some((place, time));
            }
        }
        earliest
    }

    /// When something is due for a window: it may fire, or be over.
    #[inline]
    pub(super) fn next_time(&self, open: &OpenOf<A, T>) -> Option<i64> {
        self.due(open.window, &open.trigger)
    }

    fn due(&self, window: Window, state: &T::State) -> Option<i64> {
        earlier(
            self.trigger.next_time(window, state),
            self.cleanup_time(window),
        )
    }

    /// When nothing is left to wait for. The window of all of time is kept for ever.
    #[inline]
    fn cleanup_time(&self, window: Window) -> Option<i64> {
        let is_for_ever = matches!(self.assigner, Assigner::Global) && window.is_global();
        (!is_for_ever).then(|| window.cleanup_time(self.lateness))
    }

    /// Whether a window is as if it had never been. A session is not, for it joins those that touch it.
    fn is_nothing(&self, open: &OpenOf<A, T>) -> bool {
        open.accumulator.is_none()
            && open.emitted.is_none()
            && open.trigger == T::State::default()
            && !matches!(self.assigner, Assigner::Session(_))
    }
}
