//! How a matcher is to go about it.

use std::cmp::Ordering;

use super::Matcher;

/// How much a key may remember of matches that have begun. Beyond it, the match that began first is given up, and handed on as
/// [`Output::Evicted`](crate::Output::Evicted), until the rest is within the limits.
///
/// Events that wait for the watermark do not count: how many these are is for those to limit who let the watermark lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Matches that have begun and are not complete.
    pub partial_matches: usize,
    /// Bytes that matches and their events take; what an event keeps elsewhere counts as
    /// [`weighing`](crate::Matcher::weighing) says.
    pub bytes: usize,
}

impl Default for Limits {
    /// 100,000 partial matches, and 64 MiB.
    fn default() -> Self {
        Self {
            partial_matches: 100_000,
            bytes: 64 << 20,
        }
    }
}

/// When a key is looked at though no event of it is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timers {
    /// As soon as a partial match is out of time, so that nothing that cannot be completed is kept or waited for.
    #[default]
    Prompt,
    /// When Flink does: `within_previous` and `gap` set no timer, nor do matches that begin at or before 1970-01-01T00:00:00Z,
    /// so that they are noticed together with what happens next. Matches are the same, but some come later, as do time-outs.
    /// A key of which nothing more is heard may then be remembered for ever.
    AsFlink,
}

impl<E> Matcher<E> {
    /// Sets how much a key may remember.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets when a key is looked at.
    #[must_use]
    pub fn timers(mut self, timers: Timers) -> Self {
        self.timers = timers;
        self
    }

    /// Sets how many bytes an event keeps elsewhere, such as those of its text: they then count for [`Limits::bytes`]. An
    /// event's weight must not change.
    #[must_use]
    pub fn weighing(mut self, weigh: fn(&E) -> usize) -> Self {
        self.weigh = Some(weigh);
        self
    }

    /// Sorts events of one time by this, instead of by arrival alone.
    #[must_use]
    pub fn order_ties(mut self, order: impl Fn(&E, &E) -> Ordering + 'static) -> Self {
        self.order = Some(Box::new(order));
        self
    }

    /// Begins no matches any more: for what a pattern has begun before another takes its place.
    #[must_use]
    pub fn finishing(mut self) -> Self {
        self.begins = false;
        self
    }
}
