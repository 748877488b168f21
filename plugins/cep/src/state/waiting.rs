//! Events that wait for the watermark: mostly one, which then takes no memory of its own.

use std::cmp::Ordering;
use std::collections::VecDeque;

/// Events with their times, by time, and those of one time by arrival or as the caller sorts them.
#[derive(Clone, Debug)]
pub(crate) enum Waiting<E> {
    None,
    One(i64, E),
    /// Two or more at first; it may fall below.
    Many(VecDeque<(i64, E)>),
}

impl<E> Waiting<E> {
    #[inline]
    pub(crate) fn first_timestamp(&self) -> Option<i64> {
        match self {
            Self::None => None,
            Self::One(timestamp, _) => Some(*timestamp),
            Self::Many(events) => events.front().map(|(timestamp, _)| *timestamp),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &E)> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(timestamp, event) => (Some((*timestamp, event)), None),
            Self::Many(events) => (None, Some(events.iter())),
        };
        let many = many.into_iter().flatten();
        one.into_iter()
            .chain(many.map(|(timestamp, event)| (*timestamp, event)))
    }

    /// How many there are, and for how many there is room outside of the value itself.
    pub(crate) fn count(&self) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::One(..) => (1, 0),
            Self::Many(events) => (events.len(), events.capacity()),
        }
    }

    /// Adds an event behind those of its time that `order` does not put after it.
    pub(crate) fn add(&mut self, timestamp: i64, event: E, order: impl Fn(&E, &E) -> Ordering) {
        let stays_before = |other: i64, before: &E| {
            let by_time = other.cmp(&timestamp);
            by_time.then_with(|| order(before, &event)) != Ordering::Greater
        };
        match std::mem::replace(self, Self::None) {
            Self::None => *self = Self::One(timestamp, event),
            Self::One(other, first) => {
                let in_order = stays_before(other, &first);
                let (first, event) = ((other, first), (timestamp, event));
                let events = if in_order {
                    [first, event]
                } else {
                    [event, first]
                };
                *self = Self::Many(events.into());
            }
            Self::Many(mut events) => {
                // Events come nearly in order: mostly the place is the end.
                let is_last = events
                    .back()
                    .is_none_or(|(other, last)| stays_before(*other, last));
                if is_last {
                    events.push_back((timestamp, event));
                } else {
                    let place =
                        events.partition_point(|(other, before)| stays_before(*other, before));
                    events.insert(place, (timestamp, event));
                }
                *self = Self::Many(events);
            }
        }
    }

    /// Takes the first event, if the watermark has reached its time.
    #[inline]
    pub(crate) fn take_due(&mut self, watermark: i64) -> Option<(i64, E)> {
        if self.first_timestamp()? > watermark {
            return None;
        }
        if let Self::Many(events) = self {
            let due = events.pop_front();
            if events.is_empty() {
                *self = Self::None;
            }
            return due;
        }
        match std::mem::replace(self, Self::None) {
            Self::One(timestamp, event) => Some((timestamp, event)),
            Self::None | Self::Many(_) => None,
        }
    }
}
