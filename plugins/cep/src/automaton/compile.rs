//! From stages to states, last to first, as Flink goes: which states there are, and what they are called, is the same.
//!
//! This is where most of the finer points of the semantics come from, also those that surprise, so that the order of what is
//! done matters throughout: a state's time limit, for one, depends on whether it is the first of its name.

use super::check;
use super::flatten::flatten;
use super::states::{Node, States};
use super::{Automaton, Guard, StageIndex, StateIndex, StateKind};
use crate::SkipStrategy;
use crate::condition::ConditionIndex;
use crate::pattern::{Contiguity, Link, PatternError, Quantifier, Stage};

/// Beyond this many states, or edges, a pattern is a mistake.
pub(super) const MOST_STATES: usize = 50_000;

/// Compiles the stages of a pattern. `texts` is what its conditions are called.
pub(crate) fn compile(
    stages: &[Stage],
    skip: &SkipStrategy,
    texts: Vec<String>,
) -> Result<Automaton, PatternError> {
    check::names(stages)?;
    check::skip_target(stages, skip)?;
    let mut compiler = Compiler::new(stages);
    let start = compiler.pattern()?;
    let (nodes, within) = (compiler.states.nodes, compiler.within);
    check::time_limits(&nodes, within)?;
    if let Some(last) = stages.last() {
        check::last_stage(last, &nodes, within)?;
    }
    check::no_empty_loop(&nodes)?;
    let within = within.unwrap_or(0);
    Automaton::new(compiler.names, flatten(nodes)?, start, within, skip, texts)
}

/// Where in the pattern the compiler stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) chain: &'p [Stage],
    pub(super) index: usize,
}

pub(super) struct Compiler<'p> {
    pub(super) states: States,
    names: Vec<String>,
    /// Milliseconds from first to last, as far as it is known.
    within: Option<i64>,
    pub(super) place: Place<'p>,
    /// The stage that was compiled before, which is the one after.
    following: Option<&'p Stage>,
    /// The group around the place.
    pub(super) group: Option<&'p Stage>,
    /// Of each repeated group, whether its first repetition is being made.
    first_of_loop: Vec<(&'p Stage, bool)>,
    /// One for each stage that is not to happen.
    stops: Vec<(&'p str, StateIndex)>,
    /// What a greedy loop with `until` goes on to once it is ended, by the state that it goes on to otherwise.
    pub(super) ended: Vec<(StateIndex, StateIndex)>,
}

impl<'p> Compiler<'p> {
    fn new(stages: &'p [Stage]) -> Self {
        let mut names = Vec::new();
        name(stages, &mut names);
        let place = Place {
            chain: stages,
            index: stages.len().saturating_sub(1),
        };
        Self {
            states: States::default(),
            names,
            within: None,
            place,
            following: None,
            group: None,
            first_of_loop: Vec::new(),
            stops: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Makes all states, and returns the one to begin in.
    fn pattern(&mut self) -> Result<StateIndex, PatternError> {
        self.within = self.stage().within;
        let end = self.states.add(check::FINAL, None, StateKind::Final);
        let middle = self.middle(end)?;
        let start = self.convert(middle)?;
        self.states.node_mut(start).kind = StateKind::Start;
        Ok(start)
    }

    /// All stages of a chain but the first.
    fn middle(&mut self, end: StateIndex) -> Result<StateIndex, PatternError> {
        let mut sink = end;
        while self.place.index > 0 {
            sink = match self.stage().link {
                Link::NotFollowedBy => self.not_followed_by(sink),
                Link::NotNext => self.not_next(sink),
                Link::Takes(_) => self.convert(sink)?,
            };
            self.following = Some(self.stage());
            self.place.index -= 1;
            let shorter = self.stage().within;
            self.within = [self.within, shorter].into_iter().flatten().min();
        }
        Ok(sink)
    }

    /// Elsewhere it is a condition of edges; as the last stage it is a state that waits for its time to pass.
    fn not_followed_by(&mut self, sink: StateIndex) -> StateIndex {
        let has_limit = self.stage().within_previous.is_some() || self.within.is_some();
        if !has_limit || self.states.node(sink).kind != StateKind::Final {
            return sink;
        }
        let stage = self.stage();
        let not = self.take_guard(stage);
        let pending = self.add_taking(StateKind::Pending);
        let stop = self.stop(stage, &not);
        self.states.proceed(pending, stop, not.clone());
        self.states.ignore(pending, pending, not.not());
        pending
    }

    fn not_next(&mut self, sink: StateIndex) -> StateIndex {
        let stage = self.stage();
        let not = self.take_guard(stage);
        let state = self.add_taking(StateKind::Normal);
        let stop = self.stop(stage, &not);
        if self.states.node(sink).kind == StateKind::Final {
            // A match is complete by an event: to proceed would not be enough.
            self.states.ignore(state, sink, not.not());
        } else {
            self.states.proceed(state, sink, not.not());
        }
        self.states.proceed(state, stop, not);
        state
    }

    /// A stage that takes events, or a group.
    fn convert(&mut self, sink: StateIndex) -> Result<StateIndex, PatternError> {
        let state = match self.stage().quantifier {
            Quantifier::Looping(times) => {
                self.set_first_of_loop(false);
                // Once the loop has begun, what was not to happen before it may.
                let free = self.without_stops(sink);
                let looping = self.looping(free)?;
                self.set_first_of_loop(true);
                self.times(looping, sink, times)?
            }
            Quantifier::Times(times) => self.times(sink, sink, times)?,
            Quantifier::One => self.once(sink)?,
        };
        self.add_stops(state);
        self.check_size()?;
        Ok(state)
    }

    pub(super) fn check_size(&self) -> Result<(), PatternError> {
        let most = MOST_STATES;
        if self.states.nodes.len() > most {
            return Err(PatternError::TooLarge { most });
        }
        Ok(())
    }

    /// The states of a group, once.
    pub(super) fn inside(
        &mut self,
        group: &'p Stage,
        sink: StateIndex,
    ) -> Result<StateIndex, PatternError> {
        let (place, following, around) = (self.place, self.following, self.group);
        let chain = group.group.as_deref().unwrap_or_default();
        self.group = Some(group);
        self.place = Place {
            chain,
            index: chain.len().saturating_sub(1),
        };
        let middle = self.middle(sink)?;
        let first = self.convert(middle)?;
        (self.place, self.following, self.group) = (place, following, around);
        Ok(first)
    }

    /// The state in which a partial match ends because of what was not to happen.
    fn stop(&mut self, stage: &'p Stage, not: &Guard) -> StateIndex {
        let made = self.stops.iter().find(|(name, _)| *name == stage.name);
        if let Some((_, stop)) = made {
            return *stop;
        }
        let index = self.stage_index(&stage.name);
        let stop = self.states.add(&stage.name, index, StateKind::Stop);
        self.states.take(stop, stop, not.clone());
        self.stops.push((&stage.name, stop));
        stop
    }

    /// What is not to happen before this stage: directly before it, or before optional stages.
    fn nots(&self) -> Vec<&'p Stage> {
        let Place { chain, index } = self.place;
        let before = chain[..index].iter().rev();
        let reached = before.take_while(|stage| stage.is_optional || is_not_follow(stage));
        reached.filter(|stage| is_not_follow(stage)).collect()
    }

    pub(super) fn add_stops(&mut self, state: StateIndex) {
        for stage in self.nots() {
            let not = self.take_guard(stage);
            let stop = self.stop(stage, &not);
            self.states.proceed(state, stop, not);
        }
    }

    pub(super) fn add_stop_to_loop(&mut self, state: StateIndex) {
        if let Some(stage) = self.following.filter(|stage| is_not_follow(stage)) {
            let not = self.take_guard(stage);
            let stop = self.stop(stage, &not);
            self.states.proceed(state, stop, not);
        }
    }

    /// A copy of the state for those who have taken an event of an optional stage: what was not to happen before that stage
    /// does not matter to them any more.
    pub(super) fn without_stops(&mut self, sink: StateIndex) -> StateIndex {
        let nots = self.nots();
        if nots.is_empty() || !self.stage().is_optional {
            return sink;
        }
        let original = self.states.node(sink);
        let (name, stage, kind) = (original.name.clone(), original.stage, original.kind);
        let transitions = original.transitions.clone();
        let copy = self.states.add(&name, stage, kind);
        for mut transition in transitions {
            if transition.action == super::Action::Proceed {
                let Some(target) = transition.target else {
                    continue;
                };
                let node = self.states.node(target);
                if node.kind != StateKind::Stop {
                    transition.target = Some(self.without_stops(target));
                } else if nots.iter().any(|not| not.name == node.name) {
                    continue;
                }
            } else if transition.target == Some(sink) {
                transition.target = Some(copy);
            }
            let (action, target) = (transition.action, transition.target);
            self.states.connect(copy, action, target, transition.guard);
        }
        copy
    }

    /// A state of the stage that the compiler stands at, with its limit of time.
    pub(super) fn add_taking(&mut self, kind: StateKind) -> StateIndex {
        let stage = self.stage();
        let index = self.stage_index(&stage.name);
        let state = self.states.add(&stage.name, index, kind);
        let node: &mut Node = self.states.node_mut(state);
        node.within_previous = match stage.times() {
            None => stage.within_previous,
            // Flink gives it to all states of the stage but the one that it makes first.
            Some(times) if node.name.contains(':') => times.gap,
            Some(_) => None,
        };
        state
    }

    /// A state of the stage without a limit of time.
    pub(super) fn add_waiting(&mut self) -> StateIndex {
        let stage = self.stage();
        let index = self.stage_index(&stage.name);
        self.states.add(&stage.name, index, StateKind::Normal)
    }

    pub(super) fn stage(&self) -> &'p Stage {
        &self.place.chain[self.place.index]
    }

    /// The number of a named stage. A group has none: nothing is taken for it.
    fn stage_index(&self, name: &str) -> Option<StageIndex> {
        let index = self.names.iter().position(|other| other == name)?;
        StageIndex::try_from(index).ok()
    }

    pub(super) fn set_first_of_loop(&mut self, is_first: bool) {
        let stage = self.stage();
        if stage.group.is_none() {
            return;
        }
        self.first_of_loop
            .retain(|(other, _)| !std::ptr::eq(*other, stage));
        self.first_of_loop.push((stage, is_first));
    }

    /// Whether the first repetition of the group around the place is being made.
    pub(super) fn is_first_of_loop(&self) -> bool {
        let is_group = |other: &Stage| self.group.is_some_and(|group| std::ptr::eq(group, other));
        let known = self.first_of_loop.iter().find(|(other, _)| is_group(other));
        known.is_none_or(|(_, is_first)| *is_first)
    }

    /// The group whose first stage the compiler stands at.
    pub(super) fn group_of_head(&self) -> Option<&'p Stage> {
        self.group.filter(|_| self.place.index == 0)
    }

    /// The condition that ends the group around the place.
    fn until_of_group(&self) -> Option<ConditionIndex> {
        self.group?.until
    }

    /// What an event has to be like to belong to a stage.
    pub(super) fn take_guard(&self, stage: &Stage) -> Guard {
        let condition = Guard::of(stage.condition);
        not_ended(self.until_of_group()).and(&condition)
    }

    /// What it takes to proceed.
    pub(super) fn proceed_guard(&self) -> Guard {
        not_ended(self.until_of_group())
    }

    /// What events may come before the first of the stage; none if it has to come directly.
    pub(super) fn ignore_guard(&self) -> Option<Guard> {
        let contiguity = match self.group_of_head() {
            None => self.stage().link.contiguity(),
            Some(group) if self.is_first_of_loop() => group.link.contiguity(),
            Some(group) => group.inner.unwrap_or(Contiguity::Relaxed),
        };
        self.between(contiguity)
    }

    /// What events may come between those of the stage.
    pub(super) fn inner_ignore_guard(&self) -> Option<Guard> {
        let stage = self.group_of_head().unwrap_or(self.stage());
        self.between(stage.inner.unwrap_or(Contiguity::Relaxed))
    }

    fn between(&self, contiguity: Contiguity) -> Option<Guard> {
        let guard = match contiguity {
            Contiguity::Strict => return None,
            Contiguity::Relaxed => Guard::of(self.stage().condition).not(),
            Contiguity::NonDeterministicRelaxed => Guard::Always,
        };
        Some(not_ended(self.until_of_group()).and(&guard))
    }
}

fn name(stages: &[Stage], names: &mut Vec<String>) {
    for stage in stages {
        match &stage.group {
            Some(group) => name(group, names),
            None => names.push(stage.name.clone()),
        }
    }
}

fn is_not_follow(stage: &Stage) -> bool {
    stage.link == Link::NotFollowedBy
}

/// That the event does not end a loop.
pub(super) fn not_ended(until: Option<ConditionIndex>) -> Guard {
    until.map_or(Guard::Always, Guard::Fails)
}
