//! The timers of one key: mostly none or one, which then take no memory of their own.

/// Distinct times, milliseconds since the Unix epoch, in rising order.
pub(super) enum Timers {
    None,
    One(i64),
    Many(Vec<i64>),
}

impl Timers {
    pub(super) fn as_slice(&self) -> &[i64] {
        match self {
            Self::None => &[],
            Self::One(time) => std::slice::from_ref(time),
            Self::Many(times) => times,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn first(&self) -> Option<i64> {
        self.as_slice().first().copied()
    }

    pub(super) fn contains(&self, time: i64) -> bool {
        self.as_slice().binary_search(&time).is_ok()
    }

    /// Adds a time; whether it is new.
    pub(super) fn insert(&mut self, time: i64) -> bool {
        match self {
            Self::None => *self = Self::One(time),
            Self::One(other) if *other == time => return false,
            Self::One(other) => *self = Self::Many(vec![time.min(*other), time.max(*other)]),
            Self::Many(times) => match times.binary_search(&time) {
                Ok(_) => return false,
                Err(place) => times.insert(place, time),
            },
        }
        true
    }

    /// Removes a time; whether it was there.
    pub(super) fn remove(&mut self, time: i64) -> bool {
        match self {
            Self::None => false,
            Self::One(other) => {
                let there = *other == time;
                if there {
                    *self = Self::None;
                }
                there
            }
            Self::Many(times) => times
                .binary_search(&time)
                .map(|place| times.remove(place))
                .is_ok(),
        }
    }
}
