//! Patterns as an author writes them, and what is wrong with some.

use std::collections::BTreeSet;
use std::time::Duration;

use thiserror::Error;

use crate::Matcher;
use crate::matcher::{Stage, Step};

/// What the stage of an event is asked about the event.
pub(crate) type Condition<E> = Box<dyn Fn(&E) -> bool>;

/// A sequence of stages, each of which takes one or more events.
///
/// Calls after [`begin`](Self::begin) or a link ([`next`](Self::next) and its like) speak of the stage that it has begun.
#[must_use = "a pattern finds nothing until it is compiled"]
pub struct Pattern<E> {
    stages: Vec<StagePattern<E>>,
    fault: Option<PatternError>,
}

struct StagePattern<E> {
    name: String,
    link: Contiguity,
    conditions: Vec<Condition<E>>,
    times: Option<u32>,
    inner: Option<Contiguity>,
    within: Option<Duration>,
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

/// A pattern that means nothing, or cannot be matched yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Two stages have one name.
    #[error("two stages are named \"{name}\": a match could not tell their events apart")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A stage takes no event.
    #[error("stage \"{stage}\" is to happen 0 times: leave it out instead")]
    ZeroTimes {
        /// The name of the stage.
        stage: String,
    },
    /// A second `times`.
    #[error("stage \"{stage}\" is told twice how often it is to happen")]
    SecondTimes {
        /// The name of the stage.
        stage: String,
    },
    /// The events of a stage are related to each other, but there is only one, or they are related twice.
    #[error(
        "stage \"{stage}\": `consecutive` and `allow_combinations` go, one of them and once, behind `times`"
    )]
    InnerContiguity {
        /// The name of the stage.
        stage: String,
    },
    /// A time that is none.
    #[error("stage \"{stage}\": within {within:?}, expected between 1 ms and 2^63 ms")]
    Within {
        /// The name of the stage.
        stage: String,
        /// The time found.
        within: Duration,
    },
}

impl<E> Pattern<E> {
    /// A pattern whose first stage has this name.
    pub fn begin(name: impl Into<String>) -> Self {
        let pattern = Self {
            stages: Vec::new(),
            fault: None,
        };
        // Where the first event stands has no bearing on what came before it.
        pattern.link(name, Contiguity::Strict)
    }

    /// Another stage, whose first event follows directly on the last of the stage before.
    pub fn next(self, name: impl Into<String>) -> Self {
        self.link(name, Contiguity::Strict)
    }

    /// Another stage, whose first event is the first to fit after the last of the stage before.
    pub fn followed_by(self, name: impl Into<String>) -> Self {
        self.link(name, Contiguity::Relaxed)
    }

    /// Another stage, whose first event is any that fits after the last of the stage before.
    pub fn followed_by_any(self, name: impl Into<String>) -> Self {
        self.link(name, Contiguity::NonDeterministicRelaxed)
    }

    /// The stage takes events of which `condition` holds. Given more than once, all of them have to hold; without any, every
    /// event fits.
    pub fn filter(mut self, condition: impl Fn(&E) -> bool + 'static) -> Self {
        self.stage().conditions.push(Box::new(condition));
        self
    }

    /// The stage takes exactly so many events. Others may come in between, unless it is [`consecutive`](Self::consecutive).
    pub fn times(mut self, times: u32) -> Self {
        let stage = self.stage();
        let name = || stage.name.clone();
        let fault = match stage.times {
            Some(_) => Some(PatternError::SecondTimes { stage: name() }),
            None if times == 0 => Some(PatternError::ZeroTimes { stage: name() }),
            None => None,
        };
        stage.times = Some(times);
        self.fault = self.fault.or(fault);
        self
    }

    /// The events of the stage follow each other directly.
    pub fn consecutive(self) -> Self {
        self.inner(Contiguity::Strict)
    }

    /// Between the events of the stage may come others, also some that would have fitted.
    pub fn allow_combinations(self) -> Self {
        self.inner(Contiguity::NonDeterministicRelaxed)
    }

    /// The last event of a match comes less than this after the first. It holds for the whole pattern, whichever stage it is
    /// said of; of several the shortest.
    pub fn within(mut self, within: Duration) -> Self {
        self.stage().within = Some(within);
        self
    }

    /// Makes a matcher of the pattern.
    ///
    /// # Errors
    /// What about the pattern makes no sense.
    pub fn compile(self) -> Result<Matcher<E>, PatternError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut names = BTreeSet::new();
        if let Some(stage) = self
            .stages
            .iter()
            .find(|stage| !names.insert(stage.name.as_str()))
        {
            return Err(PatternError::DuplicateName {
                name: stage.name.clone(),
            });
        }
        let mut within = None;
        for limit in self.stages.iter().filter_map(StagePattern::within_millis) {
            let limit = limit?;
            within = Some(within.map_or(limit, |least: i64| least.min(limit)));
        }
        let steps = (0..)
            .zip(&self.stages)
            .flat_map(|(index, stage)| stage.steps(index))
            .collect();
        let stages = self
            .stages
            .into_iter()
            .map(|stage| Stage {
                name: stage.name,
                conditions: stage.conditions,
            })
            .collect();
        Ok(Matcher::new(stages, steps, within))
    }

    fn link(mut self, name: impl Into<String>, link: Contiguity) -> Self {
        let name = name.into();
        self.stages.push(StagePattern {
            name,
            link,
            conditions: Vec::new(),
            times: None,
            inner: None,
            within: None,
        });
        self
    }

    fn inner(mut self, contiguity: Contiguity) -> Self {
        let stage = self.stage();
        let misplaced = stage.times.is_none() || stage.inner.is_some();
        let fault = misplaced.then(|| PatternError::InnerContiguity {
            stage: stage.name.clone(),
        });
        stage.inner = Some(contiguity);
        self.fault = self.fault.or(fault);
        self
    }

    #[expect(
        clippy::expect_used,
        reason = "the only constructor, `begin`, adds a stage"
    )]
    fn stage(&mut self) -> &mut StagePattern<E> {
        self.stages.last_mut().expect("a pattern has a stage")
    }
}

impl<E> StagePattern<E> {
    fn within_millis(&self) -> Option<Result<i64, PatternError>> {
        let within = self.within?;
        let millis = i64::try_from(within.as_millis())
            .ok()
            .filter(|millis| *millis > 0);
        Some(millis.ok_or_else(|| PatternError::Within {
            stage: self.name.clone(),
            within,
        }))
    }

    /// One step an event.
    fn steps(&self, stage: usize) -> impl Iterator<Item = Step> + use<E> {
        let inner = self.inner.unwrap_or(Contiguity::Relaxed);
        let repeated = std::iter::repeat_n(inner, self.times.unwrap_or(1) as usize - 1);
        std::iter::once(self.link)
            .chain(repeated)
            .map(move |contiguity| Step { stage, contiguity })
    }
}
