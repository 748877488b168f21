//! What the passing of time does to matches.

use super::{AdvanceError, Matcher, Output, Scratch, Timers};
use crate::StateKind;
use crate::state::{Begun, PartialMatch, PatternState, heap};

impl<E> Matcher<E> {
    /// When [`advance`](Self::advance) has something to do: once the watermark reaches this time.
    #[inline]
    pub fn next_timer(&self, state: &PatternState<E>) -> Option<i64> {
        let event = state.waiting.first_timestamp();
        let Some(begun) = &state.begun else {
            return event;
        };
        event.into_iter().chain(self.time_limit(begun)).min()
    }

    /// The time at which the first match is given up, or has to be looked at.
    fn time_limit(&self, begun: &Begun<E>) -> Option<i64> {
        let has_timer =
            |partial: &&PartialMatch| self.timers == Timers::Prompt || partial.started > 0;
        let within = (self.automaton.within > 0).then_some(self.automaton.within);
        let first = begun.earliest().filter(has_timer);
        let first = first.zip(within);
        let first = first.and_then(|(partial, within)| partial.started.checked_add(within));
        let noted = begun.timers.front().copied();
        let mut limit = first.into_iter().chain(noted).min();
        if self.limits_gaps && self.timers == Timers::Prompt {
            let gaps = begun
                .partial
                .iter()
                .filter_map(|partial| self.gap_limit(begun, partial));
            limit = limit.into_iter().chain(gaps).min();
        }
        limit
    }

    fn gap_limit(&self, begun: &Begun<E>, partial: &PartialMatch) -> Option<i64> {
        let (since, limit) = self.gap(begun, partial)?;
        since.checked_add(limit)
    }

    /// The time of the last event of a match, and for how long it may stand where it stands.
    fn gap(&self, begun: &Begun<E>, partial: &PartialMatch) -> Option<(i64, i64)> {
        let limit = self.automaton.state(partial.state)?.within_previous?;
        Some((begun.buffer.timestamp(partial.step)?, limit))
    }

    /// Gives up what cannot be completed at `now` any more, and completes what had only to wait.
    #[inline]
    pub(super) fn advance_time<X>(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        now: i64,
        on_output: &mut impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        if self.may_time_out(begun, now) {
            self.time_out(begun, scratch, now, on_output)?;
        }
        Ok(())
    }

    fn time_out<X>(
        &self,
        begun: &mut Begun<E>,
        scratch: &mut Scratch,
        now: i64,
        on_output: &mut impl FnMut(Output<'_, E>) -> Result<(), X>,
    ) -> Result<(), AdvanceError<X>> {
        std::mem::swap(&mut scratch.before, &mut begun.partial);
        for partial in scratch.before.drain(..) {
            let Some(limit) = self.timed_out(begun, &partial, now) else {
                heap::push(&mut begun.partial, partial);
                continue;
            };
            let state = self.automaton.state(partial.state);
            if state.is_some_and(|state| state.kind == StateKind::Pending) {
                heap::push(&mut scratch.complete, partial);
            } else {
                scratch.timed_out.push((partial, limit));
            }
        }
        for complete in scratch.complete.drain(..) {
            heap::push(&mut begun.complete, complete);
        }
        self.hand_on(begun, scratch, now, on_output)?;
        let mut timed_out = std::mem::take(&mut scratch.timed_out);
        for (partial, limit) in timed_out.drain(..) {
            begun.path(partial, &mut scratch.path);
            on_output(Output::TimedOut(self.matched(begun, scratch, limit)))
                .map_err(AdvanceError::Output)?;
            begun.buffer.release(partial.step);
        }
        scratch.timed_out = timed_out;
        Ok(())
    }

    /// Whether it is worth looking: the match that began first is the first to run out of time, unless gaps count too.
    #[inline]
    fn may_time_out(&self, begun: &Begun<E>, now: i64) -> bool {
        begun.earliest().is_some_and(|first| {
            let within = self.automaton.within;
            let wraps = self.timers == Timers::AsFlink && first.started < 0;
            self.limits_gaps || within > 0 && (wraps || self.has_passed(first.started, within, now))
        })
    }

    /// The limit that a match has reached, if it has.
    fn timed_out(&self, begun: &Begun<E>, partial: &PartialMatch, now: i64) -> Option<i64> {
        if partial.is_beginning() {
            return None;
        }
        let within = self.automaton.within;
        let gap = self.gap(begun, partial);
        let whole = (within > 0).then_some((partial.started, within));
        let mut limits = gap.into_iter().chain(whole);
        let (since, limit) = limits.find(|(since, limit)| self.has_passed(*since, *limit, now))?;
        Some(since.wrapping_add(limit))
    }

    /// Whether so much time has passed. Flink's clock overflows, at the end of an input that began before 1970.
    fn has_passed(&self, since: i64, limit: i64, now: i64) -> bool {
        let passed = match self.timers {
            Timers::Prompt => now.saturating_sub(since),
            Timers::AsFlink => now.wrapping_sub(since),
        };
        passed >= limit
    }

    /// Notes that Flink will look at the key again: within the limit after every event that a call takes once it has taken one
    /// that begins a match. It only matters where what times out has no timer of its own.
    pub(super) fn note_timer(&self, begun: &mut Begun<E>, now: i64, has_begun: bool) {
        if self.timers == Timers::Prompt || !has_begun || self.automaton.within <= 0 {
            return;
        }
        let is_without_timer = |partial: &PartialMatch| partial.started <= 0;
        if !self.limits_gaps && !begun.earliest().is_some_and(is_without_timer) {
            return;
        }
        let timer = now.checked_add(self.automaton.within);
        begun
            .timers
            .extend(timer.filter(|timer| begun.timers.back() != Some(timer)));
    }
}
