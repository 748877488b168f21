//! How often a stage is to happen.

use std::time::Duration;

use super::{Contiguity, Link, Pattern, PatternError, Quantifier, Times};
use crate::Match;
use crate::condition::{Condition, Predicate};

/// Quantifiers. What they are given behind the name of a group counts for the group.
impl<E> Pattern<E> {
    /// The stage takes exactly so many events. Others may come in between, unless it is [`consecutive`](Self::consecutive).
    pub fn times(self, times: u32) -> Self {
        self.quantify(times, times, Quantifier::Times)
    }

    /// The stage takes at least `from` and at most `to` events; from 0 means that it is [`optional`](Self::optional).
    pub fn times_range(mut self, from: u32, to: u32) -> Self {
        if from > 0 {
            return self.quantify(from, to, Quantifier::Times);
        }
        self = self.quantify(1, to, Quantifier::Times);
        self.stage().is_optional = true;
        self
    }

    /// The stage takes `times` events or more.
    pub fn times_or_more(self, times: u32) -> Self {
        self.quantify(times, times, Quantifier::Looping)
    }

    /// The stage takes an event or more. As the last stage it has a match at every event that it takes.
    pub fn one_or_more(self) -> Self {
        self.times_or_more(1)
    }

    /// Each event of the stage comes less than this after the one before it.
    pub fn gap(mut self, limit: Duration) -> Self {
        let millis = self.millis(limit);
        match &mut self.stage().quantifier {
            Quantifier::Times(times) | Quantifier::Looping(times) => times.gap = millis,
            Quantifier::One => {
                let stage = self.stage().name.clone();
                self.refuse(PatternError::GapWithoutQuantifier { stage });
            }
        }
        self
    }

    /// The events of the stage follow each other directly.
    pub fn consecutive(self) -> Self {
        self.relate(Contiguity::Strict)
    }

    /// Between the events of the stage may come others, also some that would have fitted.
    pub fn allow_combinations(self) -> Self {
        self.relate(Contiguity::NonDeterministicRelaxed)
    }

    /// The stage takes as many events as it can, before the next stage is tried.
    pub fn greedy(mut self) -> Self {
        let stage = self.stage();
        let name = stage.name.clone();
        let fault = if stage.is_not() {
            Some(PatternError::QuantifiedNot { stage: name })
        } else if stage.group.is_some()
            || stage.inner == Some(Contiguity::NonDeterministicRelaxed)
            || stage.quantifier == Quantifier::One
        {
            Some(PatternError::Greedy { stage: name })
        } else {
            None
        };
        stage.is_greedy = true;
        self.refuse_if(fault)
    }

    /// The stage may be left out.
    pub fn optional(mut self) -> Self {
        let before = self.stages.len().checked_sub(2);
        let after_greedy = before.is_some_and(|before| self.stages[before].is_greedy);
        let stage = self.stage();
        let name = stage.name.clone();
        let fault = if after_greedy {
            Some(PatternError::OptionalAfterGreedy { stage: name })
        } else if stage.is_optional {
            Some(PatternError::SecondOptional { stage: name })
        } else if stage.is_not() {
            Some(PatternError::QuantifiedNot { stage: name })
        } else {
            None
        };
        stage.is_optional = true;
        self.refuse_if(fault)
    }

    /// The loop ends, without it, at the first event of which `condition` holds.
    pub fn until(self, condition: impl Fn(&E) -> bool + 'static) -> Self {
        self.end_loop(Predicate::Simple(Box::new(condition)))
    }

    /// As [`until`](Self::until), with a look at the events that the partial match has taken before.
    pub fn until_with(self, condition: impl Fn(&E, &Match<'_, E>) -> bool + 'static) -> Self {
        self.end_loop(Predicate::Iterative(Box::new(condition)))
    }

    fn quantify(mut self, from: u32, to: u32, quantifier: impl Fn(Times) -> Quantifier) -> Self {
        let stage = self.stage();
        let name = stage.name.clone();
        let fault = if stage.is_not() {
            Some(PatternError::QuantifiedNot { stage: name })
        } else if stage.quantifier != Quantifier::One {
            Some(PatternError::SecondQuantifier { stage: name })
        } else if from == 0 {
            Some(PatternError::ZeroTimes { stage: name })
        } else if to < from {
            let stage = name;
            Some(PatternError::EmptyRange { stage, from, to })
        } else {
            None
        };
        let gap = None;
        stage.quantifier = quantifier(Times { from, to, gap });
        // The quantifier takes the place of all that was said before, as it does in Flink.
        stage.is_optional = false;
        stage.inner = None;
        self.refuse_if(fault)
    }

    fn relate(mut self, contiguity: Contiguity) -> Self {
        let stage = self.stage();
        let misplaced = stage.quantifier == Quantifier::One || stage.inner.is_some();
        let fault = misplaced.then(|| PatternError::InnerContiguity {
            stage: stage.name.clone(),
        });
        stage.inner = Some(contiguity);
        self.refuse_if(fault)
    }

    fn end_loop(mut self, predicate: Predicate<E>) -> Self {
        let stage = self.stage();
        let name = stage.name.clone();
        let fault = if stage.until.is_some() {
            Some(PatternError::SecondUntil { stage: name })
        } else if !matches!(stage.quantifier, Quantifier::Looping(_)) {
            Some(PatternError::UntilWithoutLoop { stage: name })
        } else {
            None
        };
        let until = self.add(Condition::new(predicate));
        self.stage().until = until;
        self.labelled = until;
        self.refuse_if(fault)
    }

    fn refuse_if(mut self, fault: Option<PatternError>) -> Self {
        if let Some(fault) = fault {
            self.refuse(fault);
        }
        self
    }
}

impl Link {
    /// What may come before the first event of the stage.
    pub(crate) fn contiguity(self) -> Contiguity {
        match self {
            Self::Takes(contiguity) => contiguity,
            Self::NotNext | Self::NotFollowedBy => Contiguity::Strict,
        }
    }
}
