//! A clause once it is read.

use jackfield_sdk::Duration;

use super::token::Place;
use crate::definition::Skip;

/// An expression, and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) at: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Of a symbol's rows, or of all.
    Column(Option<String>, String),
    /// `*`, or all rows of a symbol.
    Rows(Option<String>),
    /// In the language that it is translated to.
    Literal(String),
    Null,
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary(Sign, Box<[Expr; 2]>),
    IsNull(Box<Expr>),
    Between(Box<[Expr; 3]>),
    In(Box<Expr>, Vec<Expr>),
    Like(Box<Expr>, String),
    /// Conditions with their values, and what else.
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Cast(Box<Expr>, String),
    /// In capitals.
    Call(String, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    Join,
}

/// A symbol of the pattern, and how often.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    pub(super) at: Place,
    pub(super) name: String,
    pub(super) quantifier: Option<Quantifier>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Quantifier {
    pub(super) from: u32,
    pub(super) to: Option<u32>,
    pub(super) is_reluctant: bool,
}

/// The whole of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Clause {
    pub(super) partition: Vec<(String, Place)>,
    pub(super) measures: Vec<(String, Expr)>,
    pub(super) skip: Skip,
    pub(super) symbols: Vec<Symbol>,
    pub(super) within: Option<Duration>,
    pub(super) definitions: Vec<(String, Expr)>,
}
