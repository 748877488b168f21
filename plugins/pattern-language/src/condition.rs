//! Conditions: those that look at an event alone, asked once for all patterns, and those that look at what was taken before.

use std::cell::{Cell, RefCell};

use jackfield_cep::Match;
use jackfield_expression::{Expression, Names, Refusal, Value};

use crate::Event;
use crate::compile::label;
use crate::definition::OnError;
use crate::fault::{Fault, code};

/// How many different conditions there may be that look at an event alone.
const MOST: usize = 256;

/// What was answered by the conditions that look at an event alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers([u64; MOST / 64]);

impl Answers {
    #[inline]
    pub(crate) fn get(&self, condition: usize) -> bool {
        self.0
            .get(condition / 64)
            .is_some_and(|word| word >> (condition % 64) & 1 == 1)
    }

    fn set(&mut self, condition: usize) {
        if let Some(word) = self.0.get_mut(condition / 64) {
            *word |= 1 << (condition % 64);
        }
    }
}

/// The variables of conditions. What stands behind them are the stages.
pub(crate) mod variable {
    pub(crate) const EVENT: usize = 0;
    pub(crate) const TIMESTAMP: usize = 1;
    pub(crate) const MATCHED: usize = 2;
    pub(crate) const STAGES: usize = 3;
    pub(crate) const NAMES: [&str; STAGES] = ["event", "timestamp", "matched"];
}

/// The conditions of all patterns that look at an event alone, equal ones once.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    simple: Vec<(Expression, OnError)>,
}

/// A condition of a stage.
pub(crate) enum Kind {
    /// By its number.
    Simple(usize),
    Iterative(Iterative),
}

impl Conditions {
    /// Compiles a condition of a pattern whose stages are among `names`.
    pub(crate) fn compile(
        &mut self,
        place: &str,
        text: &str,
        (names, stages): (&Names, &[String]),
        on_error: OnError,
    ) -> Result<Kind, Fault> {
        let expression = Expression::compile(place, text, names)?;
        let looks_back = (variable::MATCHED..names.len()).any(|place| expression.uses(place));
        if looks_back {
            return Ok(Kind::Iterative(Iterative::new(expression, stages)));
        }
        let known = self
            .simple
            .iter_mut()
            .position(|(known, _)| known.source() == text);
        if let Some(index) = known {
            if on_error == OnError::Reject {
                self.simple[index].1 = on_error;
            }
            return Ok(Kind::Simple(index));
        }
        if self.simple.len() == MOST {
            let message = format!("there are more than {MOST} different conditions");
            return Err(Fault::new(
                code::OPTIONS,
                place,
                message,
                "put some of the patterns into another stage",
            ));
        }
        self.simple.push((expression, on_error));
        Ok(Kind::Simple(self.simple.len() - 1))
    }

    /// Asks all of them of an event.
    ///
    /// # Errors
    /// Why one of them cannot say, if an event is to be rejected then.
    pub(crate) fn ask(&self, event: &Value<'_>, timestamp: i64) -> Result<Answers, Refusal> {
        let mut answers = Answers::default();
        let variables = [event.clone(), Value::Int(timestamp)];
        for (index, (condition, on_error)) in self.simple.iter().enumerate() {
            match condition.holds(&variables) {
                Ok(true) => answers.set(index),
                Ok(false) => {}
                Err(refusal) if *on_error == OnError::Reject => return Err(refusal),
                Err(_) => {}
            }
        }
        Ok(answers)
    }

    /// Why a condition, by its label, cannot say whether it holds of an event; none if it can.
    pub(crate) fn failure(
        &self,
        wanted: &str,
        event: &Value<'_>,
        timestamp: i64,
    ) -> Option<String> {
        let mut simple = self.simple.iter();
        let (condition, _) = simple.find(|(condition, _)| label(condition.source()) == wanted)?;
        let held = condition.holds(&[event.clone(), Value::Int(timestamp)]);
        held.err().map(|refusal| refusal.to_string())
    }

    /// Asks all of them of an event that was taken in: what cannot say does not hold.
    pub(crate) fn ask_again(&self, event: &Value<'_>, timestamp: i64) -> Answers {
        let mut answers = Answers::default();
        let variables = [event.clone(), Value::Int(timestamp)];
        for (index, (condition, _)) in self.simple.iter().enumerate() {
            if condition.holds(&variables) == Ok(true) {
                answers.set(index);
            }
        }
        answers
    }
}

/// A condition that looks at what was taken before.
pub(crate) struct Iterative {
    expression: Expression,
    /// The stages that it looks at, with their places.
    stages: Vec<(usize, String)>,
    looks_at_all: bool,
    scratch: RefCell<Vec<Value<'static>>>,
    /// How often it could not say.
    pub(crate) failures: Cell<u64>,
    /// Why it could not, the last time.
    last_failure: RefCell<Option<Refusal>>,
}

impl Iterative {
    fn new(expression: Expression, stages: &[String]) -> Self {
        Self {
            stages: looked_at(&expression, stages, variable::STAGES),
            looks_at_all: expression.uses(variable::MATCHED),
            scratch: RefCell::new(vec![Value::Null; variable::STAGES + stages.len()]),
            expression,
            failures: Cell::new(0),
            last_failure: RefCell::default(),
        }
    }

    /// Whether it holds; what cannot say does not.
    pub(crate) fn holds(&self, event: &Event, taken: &Match<'_, Event>) -> bool {
        self.evaluate(event, taken).unwrap_or_else(|refusal| {
            self.failures.set(self.failures.get() + 1);
            self.last_failure.replace(Some(refusal));
            false
        })
    }

    /// Why it could not say the last time, since that was [forgotten](Self::forget_failure).
    pub(crate) fn failure(&self) -> Option<String> {
        let failure = self.last_failure.borrow();
        failure.as_ref().map(Refusal::to_string)
    }

    pub(crate) fn forget_failure(&self) {
        self.last_failure.replace(None);
    }

    fn evaluate(&self, event: &Event, taken: &Match<'_, Event>) -> Result<bool, Refusal> {
        let mut variables = self.scratch.borrow_mut();
        variables[variable::EVENT] = event.value().clone();
        variables[variable::TIMESTAMP] = Value::Int(taken.timestamp());
        if self.looks_at_all {
            variables[variable::MATCHED] = all_events(taken);
        }
        for (place, stage) in &self.stages {
            variables[*place] = events_of(taken, stage);
        }
        let holds = self.expression.holds(&variables);
        variables.fill(Value::Null);
        holds
    }
}

/// The stages whose lists an expression looks at, with their places; that of the first stage is `first`.
pub(crate) fn looked_at(
    expression: &Expression,
    stages: &[String],
    first: usize,
) -> Vec<(usize, String)> {
    let places = (first..).zip(stages);
    let looked_at = places.filter(|(place, _)| expression.uses(*place));
    looked_at
        .map(|(place, stage)| (place, stage.clone()))
        .collect()
}

/// The events of a stage, as expressions see them.
pub(crate) fn events_of(taken: &Match<'_, Event>, stage: &str) -> Value<'static> {
    Value::list(
        taken
            .stage(stage)
            .map(|event| event.value().clone())
            .collect(),
    )
}

/// All events, as expressions see them.
pub(crate) fn all_events(taken: &Match<'_, Event>) -> Value<'static> {
    Value::list(
        taken
            .events()
            .map(|taken| taken.event.value().clone())
            .collect(),
    )
}
