//! What is wrong with a pattern, for the one who wrote it.

use jackfield_cep::PatternError;
use jackfield_expression::{CompileError, FormatError};
use thiserror::Error;

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {place}: {message}; {remedy}")]
pub struct Fault {
    /// Stable, for machines; one of [`code`].
    pub code: &'static str,
    /// The option, and in a text the line and column, both from 1.
    pub place: String,
    /// What was found.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// The codes of faults. They are stable.
pub mod code {
    /// Options that exclude each other, or one that has to be there.
    pub const OPTIONS: &str = "pattern-options";
    /// A name that cannot be one, or is taken.
    pub const NAME: &str = "pattern-name";
    /// An expression that cannot be read, or names what is not there.
    pub const EXPRESSION: &str = "pattern-expression";
    /// A sequence of stages that means nothing, or cannot be matched.
    pub const SEQUENCE: &str = "pattern-sequence";
    /// A clause that is not as the grammar has it.
    pub const SYNTAX: &str = "match-recognize-syntax";
    /// A part of the grammar that is not of the subset that is understood.
    pub const UNSUPPORTED: &str = "match-recognize-unsupported";
    /// A format of records that makes no sense.
    pub const FORMAT: &str = "record-format";
    /// State that belongs to a pattern of which nothing is known.
    pub const UNKNOWN_RULE: &str = "pattern-unknown-rule";
}

impl Fault {
    pub(crate) fn new(
        code: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code,
            place: place.into(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Of a sequence of stages.
    pub(crate) fn of_sequence(place: &str, error: &PatternError) -> Self {
        Self::new(code::SEQUENCE, place, error.to_string(), remedy(error))
    }
}

impl From<CompileError> for Fault {
    fn from(error: CompileError) -> Self {
        let place = format!(
            "{}, line {}, column {}",
            error.name, error.line, error.column
        );
        Self::new(code::EXPRESSION, place, error.message, error.remedy)
    }
}

impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        Self::new(
            code::FORMAT,
            error.place,
            error.message,
            "describe records as their maker declares them",
        )
    }
}

fn remedy(error: &PatternError) -> &'static str {
    match error {
        PatternError::SecondQuantifier { .. } => {
            "keep one of `times`, `times-or-more` and `one-or-more`"
        }
        PatternError::QuantifiedNot { .. } => "leave the quantifier out",
        PatternError::ZeroTimes { .. } => "leave the stage out, or make it `optional`",
        PatternError::EmptyRange { .. } => "put the smaller number first",
        PatternError::InnerContiguity { .. } => "give the stage one quantifier and one of the two",
        PatternError::GapWithoutQuantifier { .. } => {
            "give the stage a quantifier, or say `within-previous`"
        }
        PatternError::Greedy { .. } => "leave `greedy` out, or give the stage a quantifier",
        PatternError::SecondOptional { .. } => "leave `optional` out",
        PatternError::OptionalAfterGreedy { .. } => "make the stage before it not `greedy`",
        PatternError::SecondUntil { .. } => "join the two conditions by ||",
        PatternError::UntilWithoutLoop { .. } => "give the stage `one-or-more` or `times-or-more`",
        PatternError::ConditionOfGroup => "move `where` to the stages in the group",
        PatternError::NotAfterOptional { .. } => "write a pattern for each case",
        PatternError::TimeLimit { .. } => "give a positive length of time",
        PatternError::DuplicateName { .. } => "rename one of them",
        PatternError::UnknownSkipTarget { .. } => "name a stage outside of groups",
        PatternError::GapBeyondWithin { .. } => {
            "shorten `gap` or `within-previous`, or lengthen `within`"
        }
        PatternError::EndlessNot { .. } => "give the pattern `within`",
        PatternError::EmptyLoop => "make a stage in the group not `optional`",
        PatternError::TooLarge { .. } => "ask for fewer events, or split the pattern",
        _ => "change the stage",
    }
}
