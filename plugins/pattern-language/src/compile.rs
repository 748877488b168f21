//! From a definition to a pattern that can be matched.

use std::rc::Rc;

use jackfield_cep::{Limits, Matcher, Pattern, SkipStrategy};
use jackfield_expression::{Names, NamesError};

use crate::condition::{Conditions, Iterative, Kind, variable};
use crate::definition::{Definition, Follows, Skip, StageDefinition, Times};
use crate::fault::{Fault, code};
use crate::report::Reports;
use crate::{Event, sql};

/// A definition, compiled.
pub(crate) struct Rule {
    pub(crate) matcher: Matcher<Event>,
    /// The same, for what is to be finished.
    pub(crate) finishing: Matcher<Event>,
    pub(crate) reports: Reports,
    /// The conditions that look at what was taken before, by their text.
    pub(crate) iterative: Vec<(String, Rc<Iterative>)>,
}

/// The most stages, those in groups too.
const MOST_STAGES: usize = 1_000;
/// How deep groups may be nested.
const DEEPEST: usize = 16;

impl Rule {
    /// Compiles a definition; `place` is where it stands.
    pub(crate) fn compile(
        place: &str,
        name: &str,
        definition: &Definition,
        conditions: &mut Conditions,
    ) -> Result<Self, Fault> {
        let plain = plain(place, definition)?;
        let stages = stage_names(place, &plain.stages)?;
        let build = |conditions: &mut Conditions| {
            let mut compiler = Compiler {
                definition: &plain,
                names: names_of(place, &variable::NAMES, &stages)?,
                stages: &stages,
                conditions,
                iterative: Vec::new(),
            };
            let pattern = compiler.pattern(place)?;
            let compiled = pattern
                .compile()
                .map_err(|error| Fault::of_sequence(place, &error))?;
            let limits = Limits {
                partial_matches: plain.limits.partial_matches as usize,
                bytes: plain.limits.bytes as usize,
            };
            let matcher = compiled.limits(limits).weighing(Event::weight);
            Ok::<_, Fault>((matcher, compiler.iterative))
        };
        let (matcher, iterative) = build(conditions)?;
        let (finishing, _) = build(conditions)?;
        Ok(Self {
            matcher,
            finishing: finishing.finishing(),
            reports: Reports::compile(place, name, &plain, &stages)?,
            iterative,
        })
    }
}

/// The definition in stages, whichever way it was written.
pub(crate) fn plain(place: &str, definition: &Definition) -> Result<Definition, Fault> {
    let Some(text) = &definition.match_recognize else {
        if definition.stages.is_empty() {
            let remedy = "give it `stages`, or a clause as `match-recognize`";
            return Err(Fault::new(
                code::OPTIONS,
                place,
                "the pattern has no stages",
                remedy,
            ));
        }
        return Ok(definition.clone());
    };
    let said_twice = [
        ("stages", !definition.stages.is_empty()),
        ("within", definition.within.is_some()),
        ("skip", definition.skip != Skip::default()),
        ("output", definition.output.is_some()),
    ];
    if let Some((option, _)) = said_twice.iter().find(|(_, is_said)| *is_said) {
        let message = format!("`{option}` beside `match-recognize`");
        return Err(Fault::new(
            code::OPTIONS,
            place,
            message,
            "say it in the clause alone",
        ));
    }
    let place = format!("{place}.match-recognize");
    let translated = sql::translate(&place, text)?;
    Ok(Definition {
        stages: translated.stages,
        within: translated.within,
        skip: translated.skip,
        output: translated.output,
        on_error: translated.on_error,
        match_recognize: None,
        ..definition.clone()
    })
}

/// The names of the stages that take events, those in groups too, in the order in which they are written.
fn stage_names(place: &str, stages: &[StageDefinition]) -> Result<Vec<String>, Fault> {
    fn collect(
        place: &str,
        stages: &[StageDefinition],
        depth: usize,
        names: &mut Vec<String>,
    ) -> Result<(), Fault> {
        for (index, stage) in stages.iter().enumerate() {
            let place = format!("{place}.stages[{index}]");
            if names.len() == MOST_STAGES || depth == DEEPEST {
                let message =
                    format!("more than {MOST_STAGES} stages, or groups in groups {DEEPEST} deep");
                return Err(Fault::new(
                    code::OPTIONS,
                    place,
                    message,
                    "split the pattern",
                ));
            }
            match (stage.group.is_empty(), stage.name.is_empty()) {
                (true, true) => {
                    return Err(Fault::new(
                        code::NAME,
                        place,
                        "a stage has no name",
                        "give it a `name`",
                    ));
                }
                (false, false) => {
                    let message = format!("the group is named {:?}", stage.name);
                    return Err(Fault::new(
                        code::NAME,
                        place,
                        message,
                        "leave `name` out: its stages have names",
                    ));
                }
                (false, true) => collect(&place, &stage.group, depth + 1, names)?,
                (true, false) => names.push(stage.name.clone()),
            }
        }
        Ok(())
    }
    let mut names = Vec::new();
    collect(place, stages, 0, &mut names)?;
    Ok(names)
}

/// The variables of expressions: the ones given, and the stages.
pub(crate) fn names_of(place: &str, given: &[&str], stages: &[String]) -> Result<Names, Fault> {
    let mut names = Names::of(given.iter().copied());
    for stage in stages {
        names.add(stage).map_err(|error| {
            let is_twice =
                matches!(error, NamesError::Taken { .. }) && !given.contains(&stage.as_str());
            let remedy = if is_twice {
                "give each stage a name of its own"
            } else {
                "choose another name for the stage"
            };
            Fault::new(
                code::NAME,
                place,
                format!("stage {stage:?}: {error}"),
                remedy,
            )
        })?;
    }
    Ok(names)
}

struct Compiler<'c> {
    definition: &'c Definition,
    names: Names,
    stages: &'c [String],
    conditions: &'c mut Conditions,
    iterative: Vec<(String, Rc<Iterative>)>,
}

impl Compiler<'_> {
    fn pattern(&mut self, place: &str) -> Result<Pattern<Event>, Fault> {
        let mut pattern = self.sequence(place, &self.definition.stages)?;
        if let Some(within) = self.definition.within {
            pattern = pattern.within(within.into());
        }
        Ok(pattern.skip(match &self.definition.skip {
            Skip::NoSkip => SkipStrategy::NoSkip,
            Skip::ToNext => SkipStrategy::ToNext,
            Skip::PastLastEvent => SkipStrategy::PastLastEvent,
            Skip::ToFirst(stage) => SkipStrategy::to_first(stage),
            Skip::ToLast(stage) => SkipStrategy::to_last(stage),
        }))
    }

    fn sequence(
        &mut self,
        place: &str,
        stages: &[StageDefinition],
    ) -> Result<Pattern<Event>, Fault> {
        let mut pattern: Option<Pattern<Event>> = None;
        for (index, stage) in stages.iter().enumerate() {
            let place = format!("{place}.stages[{index}]");
            let group = match stage.group.is_empty() {
                true => None,
                false => Some(self.sequence(&place, &stage.group)?),
            };
            let linked = link(&place, pattern, stage, group)?;
            let conditioned = self.condition(&place, stage, linked)?;
            pattern = Some(self.quantified(&place, stage, conditioned)?);
        }
        let nothing = || {
            Fault::new(
                code::OPTIONS,
                place,
                "a group has no stages",
                "give it some, or leave it out",
            )
        };
        pattern.ok_or_else(nothing)
    }

    fn condition(
        &mut self,
        place: &str,
        stage: &StageDefinition,
        pattern: Pattern<Event>,
    ) -> Result<Pattern<Event>, Fault> {
        let Some(text) = &stage.condition else {
            return Ok(pattern);
        };
        let pattern = match self.compile(&format!("{place}.where"), text)? {
            Kind::Simple(index) => pattern.filter(move |event: &Event| event.answer(index)),
            Kind::Iterative(iterative) => {
                let iterative = self.keep(text, iterative);
                pattern.filter_with(move |event, taken| iterative.holds(event, taken))
            }
        };
        Ok(pattern.label(label(text)))
    }

    fn quantified(
        &mut self,
        place: &str,
        stage: &StageDefinition,
        pattern: Pattern<Event>,
    ) -> Result<Pattern<Event>, Fault> {
        let mut pattern = pattern;
        if let Some(times) = stage.times {
            pattern = match times {
                Times::Exactly(times) => pattern.times(times),
                Times::Range(range) => pattern.times_range(range.from, range.to),
            };
        }
        if let Some(times) = stage.times_or_more {
            pattern = pattern.times_or_more(times);
        }
        let with =
            |pattern: Pattern<Event>, is_said: bool, say: fn(Pattern<Event>) -> Pattern<Event>| {
                if is_said { say(pattern) } else { pattern }
            };
        pattern = with(pattern, stage.one_or_more, Pattern::one_or_more);
        pattern = with(pattern, stage.consecutive, Pattern::consecutive);
        pattern = with(
            pattern,
            stage.allow_combinations,
            Pattern::allow_combinations,
        );
        pattern = with(pattern, stage.greedy, Pattern::greedy);
        pattern = with(pattern, stage.optional, Pattern::optional);
        if let Some(gap) = stage.gap {
            pattern = pattern.gap(gap.into());
        }
        if let Some(within) = stage.within_previous {
            pattern = pattern.within_previous(within.into());
        }
        self.until(place, stage, pattern)
    }

    fn until(
        &mut self,
        place: &str,
        stage: &StageDefinition,
        pattern: Pattern<Event>,
    ) -> Result<Pattern<Event>, Fault> {
        let Some(text) = &stage.until else {
            return Ok(pattern);
        };
        let pattern = match self.compile(&format!("{place}.until"), text)? {
            Kind::Simple(index) => pattern.until(move |event: &Event| event.answer(index)),
            Kind::Iterative(iterative) => {
                let iterative = self.keep(text, iterative);
                pattern.until_with(move |event, taken| iterative.holds(event, taken))
            }
        };
        Ok(pattern.label(label(text)))
    }

    fn compile(&mut self, place: &str, text: &str) -> Result<Kind, Fault> {
        let on_error = self.definition.on_error;
        self.conditions
            .compile(place, text, (&self.names, self.stages), on_error)
    }

    fn keep(&mut self, text: &str, iterative: Iterative) -> Rc<Iterative> {
        let iterative = Rc::new(iterative);
        self.iterative.push((label(text), Rc::clone(&iterative)));
        iterative
    }
}

/// A condition as the pattern is known by it, and as it stands among others: spaces do not count.
pub(crate) fn label(text: &str) -> String {
    let words = in_one_line(text);
    let is_compound = ["&&", "||", "?"]
        .iter()
        .any(|operator| words.contains(operator));
    match is_compound && !is_enclosed(&words) {
        true => format!("({words})"),
        false => words,
    }
}

/// Whether a bracket at its beginning belongs to one at its end.
fn is_enclosed(text: &str) -> bool {
    let (mut depth, mut quote) = (0_usize, None);
    let closes = text.char_indices().find(|(_, letter)| {
        match (quote, *letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(*letter),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        depth == 0
    });
    text.starts_with('(') && closes.is_some_and(|(place, _)| place + 1 == text.len())
}

/// A text with one space between its words.
pub(crate) fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Begins another stage.
fn link(
    place: &str,
    before: Option<Pattern<Event>>,
    stage: &StageDefinition,
    group: Option<Pattern<Event>>,
) -> Result<Pattern<Event>, Fault> {
    let name = stage.name.as_str();
    let Some(before) = before else {
        if matches!(
            stage.contiguity,
            Some(Follows::NotNext | Follows::NotFollowedBy)
        ) {
            let remedy = "begin with what is to happen";
            return Err(Fault::new(
                code::SEQUENCE,
                place,
                "the first stage is not to happen",
                remedy,
            ));
        }
        return Ok(group.map_or_else(|| Pattern::begin(name), Pattern::begin_group));
    };
    Ok(match (stage.contiguity.unwrap_or_default(), group) {
        (Follows::Next, None) => before.next(name),
        (Follows::Next, Some(group)) => before.next_group(group),
        (Follows::FollowedBy, None) => before.followed_by(name),
        (Follows::FollowedBy, Some(group)) => before.followed_by_group(group),
        (Follows::FollowedByAny, None) => before.followed_by_any(name),
        (Follows::FollowedByAny, Some(group)) => before.followed_by_any_group(group),
        (Follows::NotNext, None) => before.not_next(name),
        (Follows::NotFollowedBy, None) => before.not_followed_by(name),
        (Follows::NotNext | Follows::NotFollowedBy, Some(_)) => {
            let remedy = "let one stage not happen, whose `where` joins the conditions";
            return Err(Fault::new(
                code::SEQUENCE,
                place,
                "a group is not to happen",
                remedy,
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_several_conditions_is_in_brackets_once() {
        for (text, expected) in [
            ("a ==  1", "a == 1"),
            ("a && b", "(a && b)"),
            ("(a && b)", "(a && b)"),
            ("(a) || (b)", "((a) || (b))"),
            ("(a == ')' && b)", "(a == ')' && b)"),
        ] {
            assert_eq!(label(text), expected);
        }
    }
}
