//! What a pattern cannot go on with.

use std::fmt;

use thiserror::Error;

use crate::Fingerprint;

/// What a pattern cannot go on with while it is at work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MatchError {
    /// A skip strategy that is strict about it has nothing to skip to.
    #[error("a match has no event of stage \"{stage}\" to skip to")]
    NothingToSkipTo {
        /// The name of the stage.
        stage: String,
    },
    /// A skip strategy that is strict about it would go on with the very same event.
    #[error("a match begins with the event that it is to skip to: it would be found for ever")]
    SkipsToItself,
    /// What comes before a stage that is not to happen can all be left out, and it happened first.
    #[error(
        "stage \"{stage}\", which is not to happen, happened before a match had begun, since all before it is optional"
    )]
    StoppedBeforeStart {
        /// The name of the stage.
        stage: String,
    },
    /// A greedy loop with `until`, optional, after a stage that is not to follow, has no way on once it has ended.
    #[error(
        "an optional, greedy loop behind `not_followed_by` was ended by `until`: there is no way on from there"
    )]
    NoWayOn {
        /// Whether it was looked for after an event had been taken, not before.
        after_taking: bool,
    },
    /// The matches that have begun are those of another pattern.
    #[error(
        "the state belongs to the pattern {found}, not to {expected}: adopt, finish or restart it"
    )]
    OtherPattern {
        /// The pattern of the state.
        found: Fingerprint,
        /// The pattern of the matcher.
        expected: Fingerprint,
    },
}

/// Why a key could not be advanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdvanceError<X> {
    /// What was handed on was not taken.
    Output(X),
    /// The pattern cannot go on.
    Pattern(MatchError),
}

impl<X> From<MatchError> for AdvanceError<X> {
    fn from(error: MatchError) -> Self {
        Self::Pattern(error)
    }
}

impl<X: fmt::Display> fmt::Display for AdvanceError<X> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(error) => error.fmt(formatter),
            Self::Pattern(error) => error.fmt(formatter),
        }
    }
}

impl<X: std::error::Error + 'static> std::error::Error for AdvanceError<X> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Output(error) => Some(error),
            Self::Pattern(error) => Some(error),
        }
    }
}
