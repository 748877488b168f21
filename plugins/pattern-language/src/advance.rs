//! Patterns at work on a key, and what becomes of what another definition had begun.

use std::fmt;

use jackfield_cep::{AdvanceError, Fingerprint, Match, MatchError, Matcher, Output, PatternState};
use thiserror::Error;

use crate::compile::Rule;
use crate::definition::OnChange;
use crate::fault::Fault;
use crate::key_state::Part;
use crate::report::{Reports, Told};
use crate::set::NamedPattern;
use crate::{Event, KeyState, PatternSet};

/// What comes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'f> {
    /// A match, in the form of the pattern's template.
    Match(Record<'f>),
    /// A match that was not complete in time.
    TimedOut(Record<'f>),
    /// Matches that were given up: for the sake of limits, because the definition has changed, or since the template cannot be
    /// filled from them.
    Abandoned(Record<'f>),
}

/// A record to send on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'f> {
    /// The name of the pattern; empty if it is gone.
    pub pattern: &'f str,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// JSON.
    pub json: &'f [u8],
}

/// Why a key could not be advanced. Its state is not to be used any more.
#[derive(Debug, Error)]
pub enum Stuck<X: fmt::Display> {
    /// What was found was not taken.
    #[error("{0}")]
    Output(X),
    /// A pattern cannot go on.
    #[error("pattern {pattern:?}: {error}")]
    Pattern {
        /// Its name.
        pattern: String,
        /// Why.
        error: MatchError,
    },
    /// The state belongs to a definition that is not there.
    #[error(transparent)]
    Rule(Fault),
}

impl<X: fmt::Display> Stuck<X> {
    fn of(pattern: &NamedPattern, error: AdvanceError<X>) -> Self {
        match error {
            AdvanceError::Output(error) => Self::Output(error),
            AdvanceError::Pattern(error) => Self::Pattern {
                pattern: pattern.name.clone(),
                error,
            },
        }
    }
}

impl PatternSet {
    /// When [`advance`](Self::advance) has something to do: once the watermark reaches this time.
    pub fn next_timer(&self, state: &KeyState) -> Option<i64> {
        let event = state.waiting.front().map(|(timestamp, _)| *timestamp);
        let timers = state.parts.iter().filter_map(|part| {
            let pattern = self
                .patterns
                .iter()
                .find(|pattern| pattern.tag == part.pattern)?;
            let rule = part.state.pattern().and_then(|rule| pattern.rule_of(rule));
            rule.unwrap_or(&pattern.rule)
                .matcher
                .next_timer(&part.state)
        });
        event.into_iter().chain(timers).min()
    }

    /// Takes the events of a key that have waited for `watermark`, gives up what is not complete in time, and hands on what comes
    /// of it: pattern by pattern, in the order of their names.
    ///
    /// # Errors
    /// The first error of `on_found`, or what a pattern cannot go on with.
    pub fn advance<X: fmt::Display>(
        &self,
        key: &str,
        state: &mut KeyState,
        watermark: i64,
        mut on_found: impl FnMut(Found<'_>) -> Result<(), X>,
    ) -> Result<(), Stuck<X>> {
        let due = state
            .waiting
            .partition_point(|(timestamp, _)| *timestamp <= watermark);
        let due: Vec<(i64, Event)> = state.waiting.drain(..due).collect();
        for (timestamp, event) in &due {
            self.ask(event, *timestamp);
        }
        let mut parts = std::mem::take(&mut state.parts);
        let mut work = Work {
            key,
            watermark,
            json: Vec::new(),
            on_found: &mut on_found,
        };
        for pattern in &self.patterns {
            let mut own: Vec<Part> = parts
                .extract_if(.., |part| part.pattern == pattern.tag)
                .collect();
            if own.is_empty() && due.is_empty() {
                continue;
            }
            work.change(pattern, &mut own)?;
            work.run(pattern, &mut own, &due)?;
            state
                .parts
                .extend(own.into_iter().filter(|part| !part.state.is_empty()));
        }
        parts
            .into_iter()
            .try_for_each(|part| work.drop_nameless(part))
    }
}

/// One call.
struct Work<'w, F> {
    key: &'w str,
    watermark: i64,
    json: Vec<u8>,
    on_found: &'w mut F,
}

impl<X: fmt::Display, F: FnMut(Found<'_>) -> Result<(), X>> Work<'_, F> {
    /// Does with what former definitions have begun as the pattern says.
    fn change(&mut self, pattern: &NamedPattern, parts: &mut Vec<Part>) -> Result<(), Stuck<X>> {
        let current = pattern.rule.matcher.fingerprint();
        for part in parts.iter_mut() {
            let Some(found) = part.state.pattern().filter(|found| *found != current) else {
                continue;
            };
            match (pattern.on_change, pattern.rule_of(found)) {
                (OnChange::Finish, Some(_)) => {}
                (OnChange::Map, Some(former)) => self.map(pattern, former, part)?,
                (OnChange::Restart, former) => self.restart(pattern, former, found, part)?,
                (_, None) => return Err(Stuck::Rule(pattern.unknown_rule(found))),
            }
        }
        parts.retain(|part| !part.state.is_empty());
        Ok(())
    }

    fn map(
        &mut self,
        pattern: &NamedPattern,
        former: &Rule,
        part: &mut Part,
    ) -> Result<(), Stuck<X>> {
        let rule = former.matcher.fingerprint();
        let mut dropped = Ok(());
        let adopted =
            pattern
                .rule
                .matcher
                .adopt(&mut part.state, &former.matcher.shape(), |gone| {
                    if dropped.is_ok() {
                        dropped = self.abandon(
                            pattern,
                            &former.reports,
                            "its stage is gone",
                            rule,
                            &gone,
                        );
                    }
                });
        dropped.map_err(Stuck::Output)?;
        adopted
            .map(|_| ())
            .map_err(|error| Stuck::of(pattern, AdvanceError::Pattern(error)))
    }

    fn restart(
        &mut self,
        pattern: &NamedPattern,
        former: Option<&Rule>,
        found: Fingerprint,
        part: &mut Part,
    ) -> Result<(), Stuck<X>> {
        let Some(former) = former else {
            let matches = part.state.restart();
            let told = self.abandon_unseen(&pattern.name, matches, Some(found));
            return told.map_err(Stuck::Output);
        };
        let mut dropped = Ok(());
        let given_up = former.matcher.give_up(&mut part.state, |gone| {
            if dropped.is_ok() {
                dropped = self.abandon(
                    pattern,
                    &former.reports,
                    "the pattern has changed",
                    found,
                    &gone,
                );
            }
        });
        dropped.map_err(Stuck::Output)?;
        given_up
            .map(|_| ())
            .map_err(|error| Stuck::of(pattern, AdvanceError::Pattern(error)))
    }

    /// Lets each definition go on with what it has begun; the first part of the current one also begins matches.
    fn run(
        &mut self,
        pattern: &NamedPattern,
        parts: &mut Vec<Part>,
        due: &[(i64, Event)],
    ) -> Result<(), Stuck<X>> {
        let current = pattern.rule.matcher.fingerprint();
        let is_current = |part: &Part| part.state.pattern() == Some(current);
        let first = parts.iter().position(is_current);
        for (index, part) in parts.iter_mut().enumerate() {
            let rule = part
                .state
                .pattern()
                .and_then(|found| pattern.rule_of(found));
            let rule = rule.unwrap_or(&pattern.rule);
            let begins = Some(index) == first && !pattern.is_retired;
            let matcher = if begins {
                &rule.matcher
            } else {
                &rule.finishing
            };
            self.advance(pattern, (matcher, &rule.reports), &mut part.state, due)?;
        }
        if first.is_some() || pattern.is_retired {
            return Ok(());
        }
        let mut part = Part {
            pattern: pattern.tag,
            state: PatternState::default(),
        };
        self.advance(
            pattern,
            (&pattern.rule.matcher, &pattern.rule.reports),
            &mut part.state,
            due,
        )?;
        parts.push(part);
        Ok(())
    }

    fn advance(
        &mut self,
        pattern: &NamedPattern,
        (matcher, reports): (&Matcher<Event>, &Reports),
        state: &mut PatternState<Event>,
        due: &[(i64, Event)],
    ) -> Result<(), Stuck<X>> {
        for (timestamp, event) in due {
            matcher.add(state, *timestamp, i64::MIN, event.clone());
        }
        let rule = matcher.fingerprint();
        let advanced = matcher.advance(state, self.watermark, |output| match output {
            Output::Match(found) => self.tell(pattern, reports, Told::Match, rule, &found),
            Output::TimedOut(found) => self.tell(pattern, reports, Told::TimedOut, rule, &found),
            Output::Evicted(gone) => {
                self.abandon(pattern, reports, "the key remembers too much", rule, &gone)
            }
        });
        advanced.map_err(|error| Stuck::of(pattern, error))
    }

    fn tell(
        &mut self,
        pattern: &NamedPattern,
        reports: &Reports,
        told: Told,
        rule: Fingerprint,
        found: &Match<'_, Event>,
    ) -> Result<(), X> {
        if let Err(refusal) = reports.write(told, self.key, found, &mut self.json) {
            let reason = format!("its output cannot be made: {}", refusal.message());
            return self.abandon(pattern, reports, &reason, rule, found);
        }
        let record = Record {
            pattern: &pattern.name,
            timestamp: found.timestamp(),
            json: &self.json,
        };
        (self.on_found)(match told {
            Told::Match => Found::Match(record),
            Told::TimedOut => Found::TimedOut(record),
        })
    }

    fn abandon(
        &mut self,
        pattern: &NamedPattern,
        reports: &Reports,
        reason: &str,
        rule: Fingerprint,
        gone: &Match<'_, Event>,
    ) -> Result<(), X> {
        reports.write_abandoned(reason, rule.to_string(), self.key, gone, &mut self.json);
        (self.on_found)(Found::Abandoned(Record {
            pattern: &pattern.name,
            timestamp: gone.timestamp(),
            json: &self.json,
        }))
    }

    /// Tells of matches whose definition is not known any more.
    fn abandon_unseen(
        &mut self,
        pattern: &str,
        matches: usize,
        rule: Option<Fingerprint>,
    ) -> Result<(), X> {
        let report = serde_json::json!({
            "reason": if pattern.is_empty() { "the pattern is gone" } else { "the pattern has changed" },
            "rule": rule.map(|rule| rule.to_string()),
            "pattern": pattern,
            "key": self.key,
            "matches": matches,
        });
        self.json = report.to_string().into_bytes();
        (self.on_found)(Found::Abandoned(Record {
            pattern,
            timestamp: self.watermark,
            json: &self.json,
        }))
    }

    fn drop_nameless(&mut self, mut part: Part) -> Result<(), Stuck<X>> {
        let rule = part.state.pattern();
        let matches = part.state.restart();
        self.abandon_unseen("", matches, rule)
            .map_err(Stuck::Output)
    }
}
