//! Asks each condition as few times as its answer can differ.

use super::Matcher;
use crate::Match;
use crate::automaton::StageIndex;
use crate::condition::ConditionIndex;
use crate::state::{Buffer, EventIndex, StepIndex};

/// The answers about one event: once for all matches, but for conditions that look at what a match has taken.
#[derive(Default)]
pub(super) struct Question {
    answers: Vec<Answer>,
    /// What the match has taken that iterative conditions are asked about; empty until one is.
    path: Vec<(StageIndex, EventIndex)>,
    is_path_known: bool,
    /// Whether an iterative condition was asked.
    asked_iterative: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Unknown,
    No,
    Yes,
}

impl Question {
    /// Forgets all answers: they were about another event.
    #[inline]
    pub(super) fn ask_anew(&mut self, conditions: usize) {
        self.answers.clear();
        self.answers.resize(conditions, Answer::Unknown);
        self.is_path_known = false;
        self.asked_iterative = false;
    }

    /// Forgets the answers that were about another match.
    #[inline]
    pub(super) fn ask_of_another(&mut self, iterative: &[bool]) {
        self.is_path_known = false;
        if !self.asked_iterative {
            return;
        }
        self.asked_iterative = false;
        for (answer, is_iterative) in self.answers.iter_mut().zip(iterative) {
            if *is_iterative {
                *answer = Answer::Unknown;
            }
        }
    }

    /// Asks of the match that has gone so far.
    #[inline]
    pub(super) fn ask<E>(
        &mut self,
        matcher: &Matcher<E>,
        index: ConditionIndex,
        timestamp: i64,
        event: &E,
        (buffer, step): (&Buffer<E>, StepIndex),
    ) -> bool {
        match self.answers[usize::from(index)] {
            Answer::Unknown => self.find_out(matcher, index, timestamp, event, (buffer, step)),
            answer => answer == Answer::Yes,
        }
    }

    fn find_out<E>(
        &mut self,
        matcher: &Matcher<E>,
        index: ConditionIndex,
        timestamp: i64,
        event: &E,
        (buffer, step): (&Buffer<E>, StepIndex),
    ) -> bool {
        let index = usize::from(index);
        let condition = &matcher.conditions[index];
        let holds = if matcher.iterative[index] {
            self.asked_iterative = true;
            if !self.is_path_known {
                self.is_path_known = true;
                buffer.path(step, &mut self.path);
            }
            let taken = Match {
                stages: &matcher.automaton.stages,
                path: &self.path,
                slots: &buffer.events,
                timestamp,
            };
            condition.holds(event, &taken)
        } else {
            condition.holds_of(event)
        };
        self.answers[index] = if holds { Answer::Yes } else { Answer::No };
        holds
    }
}
