//! What is wrong with a pattern.

use std::time::Duration;

use thiserror::Error;

/// A pattern that means nothing, or cannot be matched.
///
/// What Apache Flink refuses is refused in the same [`Phase`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A second quantifier.
    #[error("stage \"{stage}\" is told twice how often it is to happen")]
    SecondQuantifier {
        /// The name of the stage.
        stage: String,
    },
    /// A quantifier for what is not to happen.
    #[error(
        "stage \"{stage}\" is not to happen: it cannot be told how often, nor be greedy or optional"
    )]
    QuantifiedNot {
        /// The name of the stage.
        stage: String,
    },
    /// A stage takes no event.
    #[error("stage \"{stage}\" is to happen 0 times: leave it out instead")]
    ZeroTimes {
        /// The name of the stage.
        stage: String,
    },
    /// A range of times that is empty.
    #[error("stage \"{stage}\" is to happen at least {from} and at most {to} times")]
    EmptyRange {
        /// The name of the stage.
        stage: String,
        /// The least number, 1 where 0 was given: that is the same as being optional.
        from: u32,
        /// The greatest number.
        to: u32,
    },
    /// The events of a stage are related to each other, but there is only one, or they are related twice.
    #[error(
        "stage \"{stage}\": `consecutive` and `allow_combinations` go, one of them and once, behind a quantifier"
    )]
    InnerContiguity {
        /// The name of the stage.
        stage: String,
    },
    /// A gap between events of which there is only one.
    #[error(
        "stage \"{stage}\": `gap` goes behind a quantifier, since it is about the events of the stage"
    )]
    GapWithoutQuantifier {
        /// The name of the stage.
        stage: String,
    },
    /// A stage that has no choice cannot be greedy.
    #[error(
        "stage \"{stage}\": `greedy` goes behind a quantifier of a single stage, without `allow_combinations`"
    )]
    Greedy {
        /// The name of the stage.
        stage: String,
    },
    /// Optional twice; a range of times from 0 counts.
    #[error("stage \"{stage}\" is made optional twice")]
    SecondOptional {
        /// The name of the stage.
        stage: String,
    },
    /// Whether a greedy stage goes on could not be decided.
    #[error("stage \"{stage}\" cannot be optional: the stage before it is greedy")]
    OptionalAfterGreedy {
        /// The name of the stage.
        stage: String,
    },
    /// A second `until`.
    #[error("stage \"{stage}\": only one `until` can be given")]
    SecondUntil {
        /// The name of the stage.
        stage: String,
    },
    /// What does not loop cannot be ended.
    #[error("stage \"{stage}\": `until` goes behind `one_or_more` or `times_or_more`")]
    UntilWithoutLoop {
        /// The name of the stage.
        stage: String,
    },
    /// A group takes the events that its stages take.
    #[error("a group has no condition of its own: give it to its stages")]
    ConditionOfGroup,
    /// The stage before it can be left out.
    #[error(
        "stage \"{stage}\" is not to happen, after a stage that is optional: make two patterns, with and without that one"
    )]
    NotAfterOptional {
        /// The name of the stage that is not to happen.
        stage: String,
    },
    /// A time that is none.
    #[error("stage \"{stage}\": {limit:?}, expected between 1 ms and 2^63 ms")]
    TimeLimit {
        /// The name of the stage.
        stage: String,
        /// The time found.
        limit: Duration,
    },
    /// Two stages have one name.
    #[error("two stages are named \"{name}\": a match could not tell their events apart")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// There is no stage to skip to.
    #[error("there is no stage \"{stage}\" outside of groups to skip to")]
    UnknownSkipTarget {
        /// The name of the stage.
        stage: String,
    },
    /// Neighbours may be further apart than first and last.
    #[error(
        "neighbours may be {gap} ms apart, but first and last only {within} ms: the former says nothing"
    )]
    GapBeyondWithin {
        /// The longer, milliseconds.
        gap: i64,
        /// The shorter, milliseconds.
        within: i64,
    },
    /// It could never be said that something did not follow.
    #[error(
        "the last stage \"{stage}\" is not to follow: without `within`, this never comes to an end"
    )]
    EndlessNot {
        /// The name of the stage.
        stage: String,
    },
    /// A group loops that can be passed without an event.
    #[error("a group is to be repeated that can match nothing: there would be no end to it")]
    EmptyLoop,
    /// More states than are worth having.
    #[error(
        "the pattern needs more than {most} states or edges: use `times_or_more` for large numbers"
    )]
    TooLarge {
        /// The limit.
        most: usize,
    },
}

/// When a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A call makes no sense at its place.
    Build,
    /// The parts do not make a whole.
    Compile,
}

impl PatternError {
    /// When it is refused.
    pub fn phase(&self) -> Phase {
        match self {
            Self::DuplicateName { .. }
            | Self::UnknownSkipTarget { .. }
            | Self::GapBeyondWithin { .. }
            | Self::EndlessNot { .. }
            | Self::EmptyLoop
            | Self::TooLarge { .. } => Phase::Compile,
            _ => Phase::Build,
        }
    }
}
