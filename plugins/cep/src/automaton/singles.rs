//! The states of one stage: taken once, several times, or in a loop.

use super::compile::{Compiler, not_ended};
use super::{Guard, StateIndex, StateKind};
use crate::pattern::{PatternError, Times};

/// A state that takes one event, and where it leads.
struct Single {
    /// Behind the event.
    sink: StateIndex,
    /// Where to go on without an event. None where Flink forgets to say.
    proceed: Option<StateIndex>,
    take: Guard,
    /// What may come before the event; none if nothing may.
    ignore: Option<Guard>,
    is_optional: bool,
}

impl<'p> Compiler<'p> {
    pub(super) fn once(&mut self, sink: StateIndex) -> Result<StateIndex, PatternError> {
        let stage = self.stage();
        self.single(Single {
            sink,
            proceed: Some(sink),
            take: self.take_guard(stage),
            ignore: self.ignore_guard(),
            is_optional: stage.is_optional,
        })
    }

    /// As many states as there are events: the last of them first.
    pub(super) fn times(
        &mut self,
        sink: StateIndex,
        proceed: StateIndex,
        times: Times,
    ) -> Result<StateIndex, PatternError> {
        self.set_first_of_loop(false);
        let stage = self.stage();
        let ended = not_ended(stage.until);
        let take = ended.and(&self.take_guard(stage));
        let inner = self.inner_ignore_guard().map(|guard| ended.and(&guard));
        if stage.is_greedy && times.from != times.to {
            if stage.until.is_some() {
                self.keep_for_the_end(sink);
            }
            self.states.yield_to(sink, &take);
        }
        let mut last = sink;
        for place in 1..times.to {
            let is_optional = place <= times.to - times.from;
            let single = Single {
                sink: last,
                proceed: is_optional.then_some(proceed),
                take: take.clone(),
                ignore: inner.clone(),
                is_optional,
            };
            last = self.single(single)?;
            self.check_size()?;
            self.add_stop_to_loop(last);
        }
        self.set_first_of_loop(true);
        self.single(Single {
            sink: last,
            proceed: Some(proceed),
            take,
            ignore: self.ignore_guard(),
            is_optional: stage.is_optional,
        })
    }

    /// A state that takes events and leads to itself.
    pub(super) fn looping(&mut self, sink: StateIndex) -> Result<StateIndex, PatternError> {
        let stage = self.stage();
        if stage.group.is_some() {
            return self.looping_group(sink);
        }
        let ended = not_ended(stage.until);
        let ignore = self.inner_ignore_guard().map(|guard| ended.and(&guard));
        let take = ended.and(&self.take_guard(stage));
        let proceed = self.proceed_guard();
        let state = self.add_taking(StateKind::Normal);
        if stage.is_greedy {
            if stage.until.is_some() {
                let end = self.keep_for_the_end(sink);
                self.states.proceed(state, end, proceed.and(&ended.not()));
            }
            self.states.proceed(state, sink, proceed.and(&ended));
            let taken = self.take_guard(stage);
            self.states.yield_to(sink, &taken);
        } else {
            self.states.proceed(state, sink, proceed);
        }
        self.states.take(state, state, take.clone());
        self.add_stop_to_loop(state);
        if let Some(ignore) = ignore {
            let waiting = self.add_waiting();
            self.states.take(waiting, state, take);
            self.states.ignore(waiting, waiting, ignore.clone());
            self.states.ignore(state, waiting, ignore);
            self.add_stop_to_loop(waiting);
        }
        Ok(state)
    }

    /// A group that leads to itself through a state of its own, so that the circle can be closed before its head is known.
    fn looping_group(&mut self, sink: StateIndex) -> Result<StateIndex, PatternError> {
        let group = self.stage();
        let proceed = self.proceed_guard();
        let again = self.add_taking(StateKind::Normal);
        let head = self.inside(group, again)?;
        self.states.proceed(head, sink, proceed.clone());
        self.states.proceed(again, head, proceed);
        Ok(head)
    }

    fn single(&mut self, single: Single) -> Result<StateIndex, PatternError> {
        let stage = self.stage();
        if stage.group.is_some() {
            let proceed = self.proceed_guard();
            let head = self.inside(stage, single.sink)?;
            if let Some(target) = single.proceed.filter(|_| single.is_optional) {
                self.states.proceed(head, target, proceed);
            }
            return Ok(head);
        }
        let state = self.add_taking(StateKind::Normal);
        let sink = self.without_stops(single.sink);
        self.states.take(state, sink, single.take.clone());
        if single.is_optional {
            self.pass_by(state, single.proceed);
        }
        let Some(ignore) = single.ignore else {
            return Ok(state);
        };
        // Who waits for an optional event has chosen to: the way without it is not open any more.
        if single.is_optional || self.is_head_of_optional_group() {
            let waiting = self.add_waiting();
            self.states.take(waiting, sink, single.take);
            self.states.ignore(waiting, waiting, ignore.clone());
            self.add_stops(waiting);
            self.states.ignore(state, waiting, ignore);
        } else {
            self.states.ignore(state, state, ignore);
        }
        Ok(state)
    }

    /// Leads from an optional state on without an event.
    fn pass_by(&mut self, state: StateIndex, target: Option<StateIndex>) {
        let stage = self.stage();
        let proceed = self.proceed_guard();
        let (Some(target), Some(until), true) = (target, stage.until, stage.is_greedy) else {
            if let Some(target) = target {
                self.states.proceed(state, target, proceed);
            }
            return;
        };
        let kept = self.ended.iter().rfind(|(sink, _)| *sink == target);
        let end = kept.map(|(_, end)| *end);
        let ended = Guard::Holds(until);
        let action = super::Action::Proceed;
        self.states.connect(state, action, end, proceed.and(&ended));
        self.states
            .proceed(state, target, proceed.and(&ended.not()));
    }

    /// A copy of what follows a greedy loop, before that yields to it: for when the loop is ended.
    fn keep_for_the_end(&mut self, sink: StateIndex) -> StateIndex {
        let name = self.states.node(sink).name.clone();
        let original = name.split(':').next().unwrap_or_default();
        let copy = self.states.copy(sink, original);
        self.ended.push((sink, copy));
        copy
    }

    fn is_head_of_optional_group(&self) -> bool {
        let group = self.group_of_head();
        self.is_first_of_loop() && group.is_some_and(|group| group.is_optional)
    }
}
