//! Patterns as an author writes them.

mod error;
mod quantifier;
mod stage;

use std::time::Duration;

pub use error::{PatternError, Phase};
pub use stage::Contiguity;
pub(crate) use stage::{GROUP, Link, Quantifier, Stage, Times};

use crate::automaton::compile;
use crate::condition::{Condition, ConditionIndex, Joint, Predicate};
use crate::{Match, Matcher, SkipStrategy};

/// A sequence of stages, each of which takes one or more events, or is not to happen.
///
/// Calls after [`begin`](Self::begin) or a link ([`next`](Self::next) and its like) speak of the stage that it has begun. A
/// call that makes no sense is remembered, and refused by [`compile`](Self::compile).
#[must_use = "a pattern finds nothing until it is compiled"]
pub struct Pattern<E> {
    stages: Vec<Stage>,
    conditions: Vec<Condition<E>>,
    skip: SkipStrategy,
    /// The first call that made no sense.
    fault: Option<PatternError>,
    /// What a label would name.
    labelled: Option<ConditionIndex>,
}

impl<E> Pattern<E> {
    /// A pattern whose first stage has this name.
    pub fn begin(name: impl Into<String>) -> Self {
        // Where the first event stands has no bearing on what came before it.
        Self::empty().link(name, Link::Takes(Contiguity::Strict))
    }

    /// A pattern whose first part is a pattern.
    pub fn begin_group(group: Self) -> Self {
        Self::empty().link_group(group, Contiguity::Strict)
    }

    /// Another stage, whose first event follows directly on the last of the stage before.
    pub fn next(self, name: impl Into<String>) -> Self {
        self.link(name, Link::Takes(Contiguity::Strict))
    }

    /// A group, as [`next`](Self::next).
    pub fn next_group(self, group: Self) -> Self {
        self.link_group(group, Contiguity::Strict)
    }

    /// Another stage, whose first event is the first to fit after the last of the stage before.
    pub fn followed_by(self, name: impl Into<String>) -> Self {
        self.link(name, Link::Takes(Contiguity::Relaxed))
    }

    /// A group, as [`followed_by`](Self::followed_by).
    pub fn followed_by_group(self, group: Self) -> Self {
        self.link_group(group, Contiguity::Relaxed)
    }

    /// Another stage, whose first event is any that fits after the last of the stage before.
    pub fn followed_by_any(self, name: impl Into<String>) -> Self {
        self.link(name, Link::Takes(Contiguity::NonDeterministicRelaxed))
    }

    /// A group, as [`followed_by_any`](Self::followed_by_any).
    pub fn followed_by_any_group(self, group: Self) -> Self {
        self.link_group(group, Contiguity::NonDeterministicRelaxed)
    }

    /// The event directly after the stage before must not fit what follows. As the last stage, it takes another event to say so.
    pub fn not_next(self, name: impl Into<String>) -> Self {
        self.not(name, Link::NotNext)
    }

    /// No event between the stage before and the one after must fit what follows. As the last stage it needs
    /// [`within`](Self::within) or [`within_previous`](Self::within_previous), and has its match when that time has passed.
    pub fn not_followed_by(self, name: impl Into<String>) -> Self {
        self.not(name, Link::NotFollowedBy)
    }

    /// The stage takes events of which `condition` holds. Given more than once, all of them have to hold; without any, every
    /// event fits.
    pub fn filter(self, condition: impl Fn(&E) -> bool + 'static) -> Self {
        self.join(Joint::And, Predicate::Simple(Box::new(condition)))
    }

    /// As [`filter`](Self::filter), with a look at the events that the partial match has taken before.
    pub fn filter_with(self, condition: impl Fn(&E, &Match<'_, E>) -> bool + 'static) -> Self {
        self.join(Joint::And, Predicate::Iterative(Box::new(condition)))
    }

    /// The stage also takes events of which `condition` holds, whatever was asked of them before: `a.filter(b)` after `or` asks
    /// for `(… or a) and b`.
    pub fn or(self, condition: impl Fn(&E) -> bool + 'static) -> Self {
        self.join(Joint::Or, Predicate::Simple(Box::new(condition)))
    }

    /// As [`or`](Self::or), with a look at the events that the partial match has taken before.
    pub fn or_with(self, condition: impl Fn(&E, &Match<'_, E>) -> bool + 'static) -> Self {
        self.join(Joint::Or, Predicate::Iterative(Box::new(condition)))
    }

    /// What the last condition is called in drawings. It is part of the pattern's [`Fingerprint`](crate::Fingerprint).
    pub fn label(mut self, label: impl Into<String>) -> Self {
        let index = self.labelled.map(usize::from);
        if let Some(condition) = index.and_then(|index| self.conditions.get_mut(index)) {
            condition.label(label.into());
        }
        self
    }

    /// The last event of a match comes less than this after the first. It holds for the whole pattern, whichever stage it is
    /// said of; of several the shortest. What is said of the last stage of a group is passed over.
    pub fn within(mut self, limit: Duration) -> Self {
        let millis = self.millis(limit);
        self.stage().within = millis;
        self
    }

    /// The event of this stage comes less than this after the event before it. For the events inside of a stage that has
    /// several, say [`gap`](Self::gap).
    pub fn within_previous(mut self, limit: Duration) -> Self {
        let millis = self.millis(limit);
        self.stage().within_previous = millis;
        self
    }

    /// What becomes of other matches once one is found. That of a group says nothing.
    pub fn skip(mut self, strategy: SkipStrategy) -> Self {
        self.skip = strategy;
        self
    }

    /// Makes a matcher of the pattern.
    ///
    /// # Errors
    /// What about the pattern makes no sense: the first call that does not, else the first thing about the whole.
    pub fn compile(self) -> Result<Matcher<E>, PatternError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut texts = vec![String::new(); self.conditions.len()];
        self.describe(&self.stages, &mut texts);
        let automaton = compile(&self.stages, &self.skip, texts)?;
        Ok(Matcher::new(automaton, self.conditions, self.skip))
    }

    fn empty() -> Self {
        Self {
            stages: Vec::new(),
            conditions: Vec::new(),
            skip: SkipStrategy::NoSkip,
            fault: None,
            labelled: None,
        }
    }

    fn link(mut self, name: impl Into<String>, link: Link) -> Self {
        self.stages.push(Stage::new(name.into(), None, link));
        self.labelled = None;
        self
    }

    fn link_group(mut self, mut group: Self, contiguity: Contiguity) -> Self {
        let before = ConditionIndex::try_from(self.conditions.len()).unwrap_or(ConditionIndex::MAX);
        for stage in &mut group.stages {
            stage.shift_conditions(before);
        }
        self.conditions.append(&mut group.conditions);
        self.fault = self.fault.or(group.fault);
        let link = Link::Takes(contiguity);
        let stage = Stage::new(GROUP.to_owned(), Some(group.stages), link);
        self.stages.push(stage);
        self.labelled = None;
        self
    }

    fn not(mut self, name: impl Into<String>, link: Link) -> Self {
        let stage = name.into();
        if self.stage().is_optional {
            let stage = stage.clone();
            self.refuse(PatternError::NotAfterOptional { stage });
        }
        self.link(stage, link)
    }

    fn join(mut self, joint: Joint, predicate: Predicate<E>) -> Self {
        if self.stage().group.is_some() {
            self.refuse(PatternError::ConditionOfGroup);
            return self;
        }
        let index = self.stage().condition;
        match index.and_then(|index| self.conditions.get_mut(usize::from(index))) {
            Some(condition) => condition.join(joint, predicate),
            None => self.stage().condition = self.add(Condition::new(predicate)),
        }
        self.labelled = self.stage().condition;
        self
    }

    fn add(&mut self, condition: Condition<E>) -> Option<ConditionIndex> {
        let index = ConditionIndex::try_from(self.conditions.len()).ok();
        if index.is_none() {
            let most = usize::from(ConditionIndex::MAX);
            self.refuse(PatternError::TooLarge { most });
        }
        self.conditions.push(condition);
        index
    }

    /// A limit of time, which has to be one.
    fn millis(&mut self, limit: Duration) -> Option<i64> {
        let millis = i64::try_from(limit.as_millis()).ok();
        let millis = millis.filter(|millis| *millis > 0);
        if millis.is_none() {
            let stage = self.stage().name.clone();
            self.refuse(PatternError::TimeLimit { stage, limit });
        }
        millis
    }

    /// The texts of the conditions by their numbers: their labels, else what they are for.
    fn describe(&self, stages: &[Stage], texts: &mut [String]) {
        for stage in stages {
            let of_stage = [
                (stage.condition, stage.name.clone()),
                (stage.until, format!("end of {}", stage.name)),
            ];
            for (index, name) in of_stage {
                let Some(index) = index.map(usize::from) else {
                    continue;
                };
                texts[index] = self.conditions[index].text(&name);
            }
            self.describe(stage.group.as_deref().unwrap_or_default(), texts);
        }
    }

    /// Remembers what is wrong, if nothing was before.
    fn refuse(&mut self, fault: PatternError) {
        self.fault.get_or_insert(fault);
    }

    #[expect(
        clippy::expect_used,
        reason = "the only constructors, `begin` and `begin_group`, add a stage"
    )]
    fn stage(&mut self) -> &mut Stage {
        self.stages.last_mut().expect("a pattern has a stage")
    }
}
