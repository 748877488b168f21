//! Patterns on given events, with the reason for each step: for those who want to know why a pattern does what it does.
//!
//! Events are taken one by one, in the order of their times. Before each, time passes up to it; then it is asked what it would do to
//! every match that has begun, and then it is taken. What was to go on and did not was dropped by the skip strategy.

mod step;
mod text;

pub use step::{Answer, Attempt, Fate, Outcome, Partial, Reaction, Step, Way};

use std::collections::BTreeMap;
use std::convert::Infallible;

use jackfield_cep::{Action, Match, Matcher, Output, PatternState, Standing, TriedEdge};
use serde_json::Value as Json;

use crate::compile::Rule;
use crate::definition::{Definition, Definitions};
use crate::report::Told;
use crate::set::NamedPattern;
use crate::{Event, Fault, Intake, PatternSet};

/// Patterns that are watched at work. Former definitions have no part in it.
pub struct Trace {
    patterns: PatternSet,
    keys: BTreeMap<String, Vec<PatternState<Event>>>,
    /// Events by their number, from 1, with what they were made of.
    events: Vec<Event>,
}

impl Trace {
    /// Watches patterns.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(definitions: &Definitions, intake: Intake) -> Result<Self, Fault> {
        let without_history = |(name, definition): (&String, &Definition)| {
            let definition = Definition {
                previous: Vec::new(),
                ..definition.clone()
            };
            (name.clone(), definition)
        };
        let definitions = definitions.iter().map(without_history).collect();
        Ok(Self {
            patterns: PatternSet::compile(&definitions, intake)?,
            keys: BTreeMap::new(),
            events: Vec::new(),
        })
    }

    /// Takes a record, whose time must not be less than that of the one before.
    pub fn take(&mut self, key: &str, timestamp: i64, record: &[u8]) -> Step {
        let shown = serde_json::from_slice(record)
            .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(record).into_owned()));
        let mut step = Step {
            event: None,
            key: key.to_owned(),
            timestamp: Some(timestamp),
            record: shown,
            rejected: None,
            patterns: Vec::new(),
        };
        let event = match self.patterns.take_in(record, timestamp) {
            Ok(Some(event)) => event,
            Ok(None) => {
                step.rejected = Some("the filter leaves it out".to_owned());
                return step;
            }
            Err(refusal) => {
                step.rejected = Some(refusal.to_string());
                return step;
            }
        };
        self.events.push(event.clone());
        step.event = Some(self.events.len());
        let fresh = || {
            self.patterns
                .patterns
                .iter()
                .map(|_| PatternState::default())
                .collect()
        };
        let mut states: Vec<PatternState<Event>> = self.keys.remove(key).unwrap_or_else(fresh);
        for (pattern, state) in self.patterns.patterns.iter().zip(&mut states) {
            let reaction = self.react(pattern, key, state, (timestamp, &event));
            step.patterns.push(reaction);
        }
        self.keys.insert(key.to_owned(), states);
        step
    }

    /// Lets time pass to its end, and tells what comes of it, key by key.
    pub fn finish(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (key, mut states) in std::mem::take(&mut self.keys) {
            let mut patterns = Vec::new();
            for (pattern, state) in self.patterns.patterns.iter().zip(&mut states) {
                let before = self.pass(pattern, &key, state, i64::MAX);
                let partial = self.partial(&pattern.rule.matcher, state);
                if !before.is_empty() || !partial.is_empty() {
                    patterns.push(Reaction {
                        pattern: pattern.name.clone(),
                        before,
                        partial,
                        ..Reaction::default()
                    });
                }
            }
            if !patterns.is_empty() {
                steps.push(Step {
                    event: None,
                    key,
                    timestamp: None,
                    record: Json::Null,
                    rejected: None,
                    patterns,
                });
            }
        }
        steps
    }

    fn react(
        &self,
        pattern: &NamedPattern,
        key: &str,
        state: &mut PatternState<Event>,
        (timestamp, event): (i64, &Event),
    ) -> Reaction {
        let rule = &pattern.rule;
        let before = self.pass(pattern, key, state, timestamp);
        let mut attempts = self.attempts(rule, state, (timestamp, event));
        rule.matcher.add(state, timestamp, i64::MIN, event.clone());
        let after = self.pass(pattern, key, state, timestamp);
        let partial = self.partial(&rule.matcher, state);
        let number = self.number(event);
        for attempt in &mut attempts {
            let stays = attempt
                .ways
                .iter()
                .any(|way| is_followed(attempt, way, number, &partial, &after));
            if !stays && matches!(attempt.fate, Fate::Advanced | Fate::Waits | Fate::Begun) {
                attempt.fate = Fate::Dropped;
            }
        }
        Reaction {
            pattern: pattern.name.clone(),
            before,
            attempts,
            after,
            partial,
        }
    }

    fn attempts(
        &self,
        rule: &Rule,
        state: &PatternState<Event>,
        (timestamp, event): (i64, &Event),
    ) -> Vec<Attempt> {
        for (_, condition) in &rule.iterative {
            condition.forget_failure();
        }
        let trials = rule.matcher.trials(state, timestamp, event);
        let attempt = |trial: jackfield_cep::Trial<'_, Event>| Attempt {
            fate: fate_of(&trial),
            from: self.standing(&trial.standing),
            ways: trial
                .edges
                .iter()
                .map(|edge| self.way(rule, edge, (timestamp, event)))
                .collect(),
        };
        trials.into_iter().map(attempt).collect()
    }

    fn way(&self, rule: &Rule, edge: &TriedEdge<'_>, (timestamp, event): (i64, &Event)) -> Way {
        let answer = |(label, holds): &(&str, bool)| {
            let failure = || {
                let iterative = rule.iterative.iter().find(|(known, _)| known == label);
                match iterative {
                    Some((_, condition)) => condition.failure(),
                    None => self
                        .patterns
                        .conditions
                        .failure(label, event.value(), timestamp),
                }
            };
            let answer = match holds {
                true => Answer::Yes,
                false => failure().map_or(Answer::No, Answer::Failed),
            };
            ((*label).to_owned(), answer)
        };
        Way {
            action: match edge.action {
                Action::Take => "take",
                Action::Ignore => "ignore",
                Action::Proceed => "proceed",
            },
            to: edge.to.unwrap_or_default().to_owned(),
            condition: edge.condition.clone(),
            answers: edge.answers.iter().map(answer).collect(),
            is_open: edge.is_open,
            completes: edge.completes,
        }
    }

    /// Lets a pattern take what waits, and time pass.
    fn pass(
        &self,
        pattern: &NamedPattern,
        key: &str,
        state: &mut PatternState<Event>,
        watermark: i64,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let advanced = pattern.rule.matcher.advance(state, watermark, |output| {
            outcomes.push(match &output {
                Output::Match(found) => self.outcome(pattern, key, "match", Told::Match, found),
                Output::TimedOut(found) => {
                    self.outcome(pattern, key, "timed-out", Told::TimedOut, found)
                }
                Output::Evicted(gone) => {
                    self.outcome(pattern, key, "given-up", Told::TimedOut, gone)
                }
            });
            Ok::<(), Infallible>(())
        });
        if let Err(error) = advanced {
            *state = PatternState::default();
            outcomes.push(Outcome {
                what: "failed",
                events: Vec::new(),
                timestamp: watermark,
                output: Json::String(error.to_string()),
            });
        }
        outcomes
    }

    fn outcome(
        &self,
        pattern: &NamedPattern,
        key: &str,
        what: &'static str,
        told: Told,
        found: &Match<'_, Event>,
    ) -> Outcome {
        let mut json = Vec::new();
        let written = pattern.rule.reports.write(told, key, found, &mut json);
        let output = match written {
            Ok(()) => serde_json::from_slice(&json).unwrap_or_default(),
            Err(refusal) => Json::String(refusal.to_string()),
        };
        let events = found
            .events()
            .map(|taken| (taken.stage.to_owned(), self.number(taken.event)));
        Outcome {
            what,
            events: events.collect(),
            timestamp: found.timestamp(),
            output,
        }
    }

    fn partial(&self, matcher: &Matcher<Event>, state: &PatternState<Event>) -> Vec<Partial> {
        matcher
            .standings(state)
            .iter()
            .map(|standing| self.standing(standing))
            .collect()
    }

    fn standing(&self, standing: &Standing<'_, Event>) -> Partial {
        let events = standing
            .taken
            .iter()
            .map(|taken| (taken.stage.to_owned(), self.number(taken.event)));
        Partial {
            state: standing.state.to_owned(),
            events: events.collect(),
            is_complete: standing.is_complete,
        }
    }

    /// The number of an event, from 1.
    fn number(&self, event: &Event) -> usize {
        let place = self.events.iter().rposition(|known| known.is(event));
        place.map_or(0, |place| place + 1)
    }
}

/// What the ways that are open make of a match, if nothing else drops it.
fn fate_of(trial: &jackfield_cep::Trial<'_, Event>) -> Fate {
    let is_beginning = trial.standing.taken.is_empty();
    let open = || trial.edges.iter().filter(|edge| edge.is_open);
    if open().any(|edge| edge.stops) {
        return Fate::Stopped;
    }
    let takes = open().any(|edge| edge.action == Action::Take);
    match (is_beginning, takes, open().next().is_some()) {
        (true, true, _) => Fate::Begun,
        (true, false, _) => Fate::NotBegun,
        (false, true, _) => Fate::Advanced,
        (false, false, true) => Fate::Waits,
        (false, false, false) => Fate::Ended,
    }
}

/// Whether what a way leads to is there.
fn is_followed(
    attempt: &Attempt,
    way: &Way,
    number: usize,
    partial: &[Partial],
    found: &[Outcome],
) -> bool {
    if !way.is_open {
        return false;
    }
    let mut events: Vec<usize> = attempt
        .from
        .events
        .iter()
        .map(|(_, number)| *number)
        .collect();
    if way.action == "take" {
        events.push(number);
    }
    let same = |other: &[(String, usize)]| other.iter().map(|(_, number)| number).eq(&events);
    let goes_on = partial.iter().any(|partial| same(&partial.events));
    goes_on || found.iter().any(|found| same(&found.events))
}
