//! A stage as the builder leaves it.

use crate::condition::ConditionIndex;

/// A stage, or a group of stages that takes the place of one.
pub(crate) struct Stage {
    /// That of all groups is the same.
    pub(crate) name: String,
    pub(crate) group: Option<Vec<Stage>>,
    pub(crate) link: Link,
    /// None if every event fits.
    pub(crate) condition: Option<ConditionIndex>,
    pub(crate) until: Option<ConditionIndex>,
    pub(crate) quantifier: Quantifier,
    pub(crate) is_optional: bool,
    pub(crate) is_greedy: bool,
    /// None where nothing was said: relaxed.
    pub(crate) inner: Option<Contiguity>,
    /// Milliseconds from the first event to the last.
    pub(crate) within: Option<i64>,
    /// Milliseconds from an event to the next.
    pub(crate) within_previous: Option<i64>,
}

/// How a stage stands to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Takes(Contiguity),
    NotNext,
    NotFollowedBy,
}

/// What may come between an event of a match and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contiguity {
    /// Nothing: the next event of the key has to fit.
    Strict,
    /// Events that do not fit.
    Relaxed,
    /// Any events, also some that would have fitted: each choice is a match of its own.
    NonDeterministicRelaxed,
}

/// How many events a stage takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    One,
    Times(Times),
    /// At least so many: from and to are the same.
    Looping(Times),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Milliseconds from one of them to the next.
    pub(crate) gap: Option<i64>,
}

/// What a group is called where a name is needed.
pub(crate) const GROUP: &str = "GroupPattern";

impl Stage {
    pub(crate) fn new(name: String, group: Option<Vec<Self>>, link: Link) -> Self {
        Self {
            name,
            group,
            link,
            condition: None,
            until: None,
            quantifier: Quantifier::One,
            is_optional: false,
            is_greedy: false,
            inner: None,
            within: None,
            within_previous: None,
        }
    }

    pub(crate) fn is_not(&self) -> bool {
        !matches!(self.link, Link::Takes(_))
    }

    pub(crate) fn times(&self) -> Option<Times> {
        match self.quantifier {
            Quantifier::One => None,
            Quantifier::Times(times) | Quantifier::Looping(times) => Some(times),
        }
    }

    /// Makes room for the conditions that stand before those of this stage.
    pub(crate) fn shift_conditions(&mut self, by: ConditionIndex) {
        for index in [&mut self.condition, &mut self.until].into_iter().flatten() {
            *index = index.saturating_add(by);
        }
        for stage in self.group.iter_mut().flatten() {
            stage.shift_conditions(by);
        }
    }
}
