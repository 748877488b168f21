//! What becomes of other matches once one is found.

/// Where to go on after a match.
///
/// With any but [`NoSkip`](Self::NoSkip), matches are handed on by their start, the earliest first: one waits until no partial
/// match that began earlier is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipStrategy {
    /// Every match there is.
    #[default]
    NoSkip,
    /// Drops all other matches that began with the same event.
    ToNext,
    /// Drops all matches that began with an event of the match.
    PastLastEvent,
    /// Drops all matches that began before the first event of a stage.
    ToFirst(SkipTarget),
    /// Drops all matches that began before the last event of a stage.
    ToLast(SkipTarget),
}

/// The stage that is skipped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipTarget {
    /// Its name, outside of groups.
    pub stage: String,
    /// Whether a match without an event of that stage, or one that begins with the event to go to, is an error. If not, the
    /// former drops nothing.
    pub error_on_miss: bool,
}

impl SkipStrategy {
    /// To the first event of a stage; a match without one drops nothing.
    pub fn to_first(stage: impl Into<String>) -> Self {
        Self::ToFirst(SkipTarget::lenient(stage))
    }

    /// To the last event of a stage; a match without one drops nothing.
    pub fn to_last(stage: impl Into<String>) -> Self {
        Self::ToLast(SkipTarget::lenient(stage))
    }

    /// Makes it an error if there is nothing to skip to, or nothing would be skipped.
    #[must_use]
    pub fn error_on_miss(mut self) -> Self {
        if let Self::ToFirst(target) | Self::ToLast(target) = &mut self {
            target.error_on_miss = true;
        }
        self
    }

    pub(crate) fn target(&self) -> Option<&SkipTarget> {
        match self {
            Self::ToFirst(target) | Self::ToLast(target) => Some(target),
            Self::NoSkip | Self::ToNext | Self::PastLastEvent => None,
        }
    }
}

impl SkipTarget {
    fn lenient(stage: impl Into<String>) -> Self {
        Self {
            stage: stage.into(),
            error_on_miss: false,
        }
    }
}
