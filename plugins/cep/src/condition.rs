//! What a stage asks of an event.

use crate::Match;

/// The number of a condition within its pattern.
pub(crate) type ConditionIndex = u16;

/// A predicate over an event alone.
type Simple<E> = Box<dyn Fn(&E) -> bool>;
/// A predicate over an event and what its partial match has taken before.
type Iterative<E> = Box<dyn Fn(&E, &Match<'_, E>) -> bool>;

/// All that is asked of the events of one stage, or of the event that ends a loop.
///
/// Conditions have to be pure: the same question has the same answer. They are asked at most once about an event, and once
/// about an event and a partial match if they look at the latter.
pub(crate) struct Condition<E> {
    first: Predicate<E>,
    first_label: Option<String>,
    /// What is joined to it, from left to right.
    others: Vec<Term<E>>,
}

struct Term<E> {
    joint: Joint,
    predicate: Predicate<E>,
    label: Option<String>,
}

/// How a term is joined to what stands to its left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    And,
    Or,
}

pub(crate) enum Predicate<E> {
    Simple(Simple<E>),
    Iterative(Iterative<E>),
}

impl<E> Condition<E> {
    pub(crate) fn new(predicate: Predicate<E>) -> Self {
        Self {
            first: predicate,
            first_label: None,
            others: Vec::new(),
        }
    }

    /// Adds a term to the right: `a and b or c` is `(a and b) or c`.
    pub(crate) fn join(&mut self, joint: Joint, predicate: Predicate<E>) {
        let label = None;
        self.others.push(Term {
            joint,
            predicate,
            label,
        });
    }

    /// Names the last term.
    pub(crate) fn label(&mut self, label: String) {
        let last = self.others.last_mut().map(|term| &mut term.label);
        *last.unwrap_or(&mut self.first_label) = Some(label);
    }

    /// Whether the answer depends on what a partial match has taken.
    pub(crate) fn is_iterative(&self) -> bool {
        let mut others = self.others.iter();
        self.first.is_iterative() || others.any(|term| term.predicate.is_iterative())
    }

    pub(crate) fn holds(&self, event: &E, taken: &Match<'_, E>) -> bool {
        self.join_up(|predicate| match predicate {
            Predicate::Simple(ask) => ask(event),
            Predicate::Iterative(ask) => ask(event, taken),
        })
    }

    /// Asks of the event alone; only for conditions that are not iterative.
    #[inline]
    pub(crate) fn holds_of(&self, event: &E) -> bool {
        self.join_up(|predicate| match predicate {
            Predicate::Simple(ask) => ask(event),
            Predicate::Iterative(_) => false,
        })
    }

    #[inline]
    fn join_up(&self, asked: impl Fn(&Predicate<E>) -> bool) -> bool {
        let first = asked(&self.first);
        let others = self.others.iter();
        others.fold(first, |holds, term| match term.joint {
            Joint::And => holds && asked(&term.predicate),
            Joint::Or => holds || asked(&term.predicate),
        })
    }

    /// The labels of the terms, or `name` where a term has none.
    pub(crate) fn text(&self, name: &str) -> String {
        let label = |label: &Option<String>| label.clone().unwrap_or_else(|| name.to_owned());
        let first = label(&self.first_label);
        self.others
            .iter()
            .fold(first, |text, term| match term.joint {
                Joint::And => format!("({text} and {})", label(&term.label)),
                Joint::Or => format!("({text} or {})", label(&term.label)),
            })
    }
}

impl<E> Predicate<E> {
    fn is_iterative(&self) -> bool {
        matches!(self, Self::Iterative(_))
    }
}
