//! Several patterns over the same events of a key.

use std::collections::BTreeMap;

use jackfield_cep::Fingerprint;
use jackfield_expression::{Decoder, Expression, Format, Names, Refusal, Value};

use crate::compile::Rule;
use crate::condition::Conditions;
use crate::definition::{Definition, Definitions, OnChange};
use crate::fault::{Fault, code};
use crate::{Event, KeyState};

/// Patterns, compiled: the same for all keys.
pub struct PatternSet {
    pub(crate) patterns: Vec<NamedPattern>,
    pub(crate) conditions: Conditions,
    intake: Intake,
}

/// One of them, with its history.
pub(crate) struct NamedPattern {
    pub(crate) name: String,
    /// What states know its name by.
    pub(crate) tag: u32,
    pub(crate) on_change: OnChange,
    /// How it is defined now.
    pub(crate) rule: Rule,
    pub(crate) is_retired: bool,
    /// How it was.
    pub(crate) previous: Vec<Rule>,
}

/// What a key remembers of one pattern that began under another definition than that of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BegunBefore<'s> {
    /// The name of the pattern; empty if it is gone.
    pub pattern: &'s str,
    /// The number that the other definition is known by.
    pub rule: Fingerprint,
    /// What becomes of it.
    pub fate: Fate,
    /// How many matches.
    pub matches: usize,
}

/// What becomes of matches that began under another definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// They are finished under it.
    Finished,
    /// They go on under that of now, as far as it has their stages.
    Moved,
    /// They are dropped, and told of.
    Dropped,
}

/// How records become events.
pub struct Intake {
    decoder: Decoder,
    filter: Option<Expression>,
    event: Option<Expression>,
}

impl Intake {
    /// Records of a format. `filter` says which of them are events, all if there is none, and `event` what of a record is kept
    /// and seen by patterns, all if there is none: expressions over `record`.
    ///
    /// # Errors
    /// What is wrong with the format or an expression.
    pub fn new(format: Format, filter: Option<&str>, event: Option<&str>) -> Result<Self, Fault> {
        let names = Names::of(["record"]);
        let compile = |name, text: Option<&str>| {
            text.map(|text| Expression::compile(name, text, &names))
                .transpose()
        };
        let (filter, event) = (compile("where", filter)?, compile("event", event)?);
        let mut decoder = format.decoder()?;
        if let Some(event) = &event {
            decoder = decoder.for_expressions(filter.iter().chain([event]), 0);
        }
        Ok(Self {
            decoder,
            filter,
            event,
        })
    }
}

impl PatternSet {
    /// Compiles patterns.
    ///
    /// # Errors
    /// What is wrong with the first that makes no sense.
    pub fn compile(definitions: &Definitions, intake: Intake) -> Result<Self, Fault> {
        if definitions.is_empty() {
            let remedy = "define one under `patterns.NAME`";
            return Err(Fault::new(
                code::OPTIONS,
                "patterns",
                "there is no pattern",
                remedy,
            ));
        }
        let mut conditions = Conditions::default();
        let mut patterns = Vec::new();
        let mut tags = BTreeMap::new();
        for (name, definition) in definitions {
            let pattern = NamedPattern::compile(name, definition, &mut conditions)?;
            if let Some(other) = tags.insert(pattern.tag, name) {
                let message =
                    format!("its name is too like {other:?} to be told apart in stored state");
                return Err(Fault::new(
                    code::NAME,
                    format!("patterns.{name}"),
                    message,
                    "rename one of them",
                ));
            }
            patterns.push(pattern);
        }
        Ok(Self {
            patterns,
            conditions,
            intake,
        })
    }

    /// Reads what patterns see of a record; none if the filter leaves it out.
    ///
    /// # Errors
    /// Why the record cannot be read.
    pub fn read(&self, record: &[u8]) -> Result<Option<Value<'static>>, Refusal> {
        let variables = [self.intake.decoder.decode(record)?];
        if let Some(filter) = &self.intake.filter
            && !filter.holds(&variables)?
        {
            return Ok(None);
        }
        let value = match &self.intake.event {
            Some(event) => event.evaluate(&variables)?.to_owned_value()?,
            None => variables[0].to_owned_value()?,
        };
        Ok(Some(value))
    }

    /// Makes an event of what was read, at its time in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// Which condition cannot say whether it holds, and why.
    pub fn event(&self, value: Value<'static>, timestamp: i64) -> Result<Event, Refusal> {
        let answers = self.conditions.ask(&value, timestamp)?;
        Ok(Event::new(value, answers))
    }

    /// Reads a record and makes an event of it; none if the filter leaves it out.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`event`](Self::event).
    pub fn take_in(&self, record: &[u8], timestamp: i64) -> Result<Option<Event>, Refusal> {
        let value = self.read(record)?;
        value.map(|value| self.event(value, timestamp)).transpose()
    }

    /// Whether state can be gone on with: each definition that matches have begun under is there, where it is needed.
    ///
    /// # Errors
    /// Which is not.
    pub fn check_state(&self, state: &KeyState) -> Result<(), Fault> {
        for part in &state.parts {
            let Some(pattern) = self
                .patterns
                .iter()
                .find(|pattern| pattern.tag == part.pattern)
            else {
                continue;
            };
            let Some(fingerprint) = part.state.pattern() else {
                continue;
            };
            if pattern.on_change != OnChange::Restart && pattern.rule_of(fingerprint).is_none() {
                return Err(pattern.unknown_rule(fingerprint));
            }
        }
        Ok(())
    }

    /// What a key remembers that began under other definitions than those of now.
    pub fn begun_before<'s>(
        &'s self,
        state: &'s KeyState,
    ) -> impl Iterator<Item = BegunBefore<'s>> {
        state.parts.iter().filter_map(|part| {
            let rule = part.state.pattern()?;
            let pattern = self
                .patterns
                .iter()
                .find(|pattern| pattern.tag == part.pattern);
            if pattern.is_some_and(|pattern| pattern.rule.matcher.fingerprint() == rule) {
                return None;
            }
            let fate = match pattern.map(|pattern| pattern.on_change) {
                Some(OnChange::Finish) => Fate::Finished,
                Some(OnChange::Map) => Fate::Moved,
                Some(OnChange::Restart) | None => Fate::Dropped,
            };
            let usage = part.state.usage();
            Some(BegunBefore {
                pattern: pattern.map_or("", |pattern| &pattern.name),
                rule,
                fate,
                matches: usage.partial_matches + usage.complete_matches,
            })
        })
    }

    /// The names of the patterns, each with the number that its definition is known by.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&str, Fingerprint)> {
        self.patterns
            .iter()
            .map(|pattern| (pattern.name.as_str(), pattern.rule.matcher.fingerprint()))
    }

    /// How often a condition that looks at what was taken before could not say whether it holds.
    pub fn failures(&self) -> u64 {
        let rules = self
            .patterns
            .iter()
            .flat_map(|pattern| pattern.previous.iter().chain([&pattern.rule]));
        rules
            .flat_map(|rule| &rule.iterative)
            .map(|(_, condition)| condition.failures.get())
            .sum()
    }

    pub(crate) fn ask(&self, event: &Event, timestamp: i64) {
        event.ask(|value: &Value<'static>| self.conditions.ask_again(value, timestamp));
    }
}

impl NamedPattern {
    fn compile(
        name: &str,
        definition: &Definition,
        conditions: &mut Conditions,
    ) -> Result<Self, Fault> {
        let place = format!("patterns.{name}");
        let rule = Rule::compile(&place, name, definition, conditions)?;
        let mut previous: Vec<Rule> = Vec::new();
        for (index, former) in definition.previous.iter().enumerate() {
            let place = format!("{place}.previous[{index}]");
            if !former.previous.is_empty() {
                let remedy = "list all former definitions side by side";
                return Err(Fault::new(
                    code::OPTIONS,
                    place,
                    "a former definition has former ones itself",
                    remedy,
                ));
            }
            let former = Rule::compile(&place, name, former, conditions)?;
            let fingerprint = former.matcher.fingerprint();
            let known = previous
                .iter()
                .chain([&rule])
                .any(|rule| rule.matcher.fingerprint() == fingerprint);
            if !known {
                previous.push(former);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            tag: tag(name),
            on_change: definition.on_change,
            is_retired: definition.retired,
            rule,
            previous,
        })
    }

    pub(crate) fn rule_of(&self, fingerprint: Fingerprint) -> Option<&Rule> {
        let mut rules = [&self.rule].into_iter().chain(&self.previous);
        rules.find(|rule| rule.matcher.fingerprint() == fingerprint)
    }

    pub(crate) fn unknown_rule(&self, found: Fingerprint) -> Fault {
        let place = format!("patterns.{}", self.name);
        let message = format!(
            "matches have begun under the definition {found}, which is neither this one, {}, nor among the previous ones",
            self.rule.matcher.fingerprint()
        );
        let remedy = "add the former definition under `previous`, or drop its matches by on-change = \"restart\"";
        Fault::new(code::UNKNOWN_RULE, place, message, remedy)
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo): what stands for a name in the state of each key.
fn tag(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
