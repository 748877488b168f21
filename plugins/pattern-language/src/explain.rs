//! A pattern as it was understood: its stages in words, and the automaton that it became.

use std::fmt;

use jackfield_cep::{Action, Fingerprint, StateKind};

use crate::compile::{Rule, in_one_line, plain};
use crate::condition::Conditions;
use crate::definition::{Definition, Follows, Skip, StageDefinition, Times};
use crate::{Fault, drawing};

/// A pattern, explained: [`Display`](fmt::Display) writes it as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The name of the pattern.
    pub name: String,
    /// The number that the definition is known by.
    pub rule: Fingerprint,
    /// The stages in words, those of groups further in.
    pub stages: Vec<ExplainedStage>,
    /// What holds of the whole, in words.
    pub whole: Vec<String>,
    /// The states, from the first to the last.
    pub states: Vec<State>,
    /// The edges between them.
    pub edges: Vec<Edge>,
}

/// A stage in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStage {
    /// How deep in groups.
    pub depth: usize,
    /// How it stands to the stage before; empty for the first.
    pub relation: &'static str,
    /// What it is called; `group` for groups.
    pub name: String,
    /// How often it is to happen.
    pub times: String,
    /// What is asked of its events; empty if nothing is.
    pub condition: String,
}

/// A state of the automaton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The name of its stage, with a number behind a colon where there are several.
    pub name: String,
    /// What it is.
    pub kind: StateKind,
    /// Milliseconds for which a match may stand here.
    pub limit: Option<i64>,
}

/// A way from a state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The number of a state.
    pub from: usize,
    /// The number of a state.
    pub to: usize,
    /// What becomes of the event.
    pub action: Action,
    /// What is asked; empty if nothing is.
    pub condition: String,
}

impl Explanation {
    /// Explains a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(name: &str, definition: &Definition) -> Result<Self, Fault> {
        let place = format!("patterns.{name}");
        let matcher = Rule::compile(&place, name, definition, &mut Conditions::default())?.matcher;
        let plain = plain(&place, definition)?;
        let mut stages = Vec::new();
        describe(&plain.stages, 0, &mut stages);
        // They were compiled from the last to the first.
        let mut states: Vec<State> = matcher
            .states()
            .map(|state| State {
                name: state.name.to_owned(),
                kind: state.kind,
                limit: state.within_previous,
            })
            .collect();
        states.reverse();
        let place_of = |name: &str| {
            states
                .iter()
                .position(|state| state.name == name)
                .unwrap_or_default()
        };
        let edges = matcher.edges().map(|edge| Edge {
            from: place_of(edge.from),
            to: place_of(edge.to),
            action: edge.action,
            condition: edge.condition,
        });
        // What leads on from where a match has ended is never followed.
        let is_alive = |edge: &Edge| states[edge.from].kind != StateKind::Stop;
        let mut edges: Vec<Edge> = edges.filter(is_alive).collect();
        edges.sort_by_key(|edge| (edge.from, edge.to));
        Ok(Self {
            name: name.to_owned(),
            rule: matcher.fingerprint(),
            stages,
            whole: whole(&plain),
            states,
            edges,
        })
    }

    /// The automaton as a drawing, an SVG document.
    pub fn svg(&self) -> String {
        drawing::draw(self)
    }
}

fn whole(definition: &Definition) -> Vec<String> {
    let within = definition
        .within
        .map(|within| format!("the last event comes less than {within} after the first"));
    let skip = match &definition.skip {
        Skip::NoSkip => "every match there is is found".to_owned(),
        Skip::ToNext => {
            "after a match, others that began with the same event are dropped".to_owned()
        }
        Skip::PastLastEvent => {
            "after a match, others that began with one of its events are dropped".to_owned()
        }
        Skip::ToFirst(stage) => {
            format!("after a match, others that began before its first {stage} are dropped")
        }
        Skip::ToLast(stage) => {
            format!("after a match, others that began before its last {stage} are dropped")
        }
    };
    within.into_iter().chain([skip]).collect()
}

fn describe(stages: &[StageDefinition], depth: usize, explained: &mut Vec<ExplainedStage>) {
    for (index, stage) in stages.iter().enumerate() {
        let is_group = !stage.group.is_empty();
        explained.push(ExplainedStage {
            depth,
            relation: if index == 0 {
                ""
            } else {
                relation(stage.contiguity.unwrap_or_default())
            },
            name: if is_group {
                "group".to_owned()
            } else {
                stage.name.clone()
            },
            times: times(stage),
            condition: stage
                .condition
                .as_deref()
                .map(in_one_line)
                .unwrap_or_default(),
        });
        describe(&stage.group, depth + 1, explained);
    }
}

fn relation(follows: Follows) -> &'static str {
    match follows {
        Follows::Next => "directly after",
        Follows::FollowedBy => "the first to fit after",
        Follows::FollowedByAny => "any after",
        Follows::NotNext => "not directly after",
        Follows::NotFollowedBy => "not before what follows",
    }
}

fn times(stage: &StageDefinition) -> String {
    let mut words = vec![match (stage.times, stage.times_or_more) {
        (Some(Times::Exactly(times)), _) => format!("{times} times"),
        (Some(Times::Range(range)), _) => format!("{} to {} times", range.from, range.to),
        (None, Some(times)) => format!("{times} times or more"),
        (None, None) if stage.one_or_more => "once or more".to_owned(),
        (None, None) => "once".to_owned(),
    }];
    let flags = [
        (stage.optional, "or not at all"),
        (stage.greedy, "as often as it can"),
        (stage.consecutive, "one directly after the other"),
        (stage.allow_combinations, "in every combination"),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(is_said, _)| *is_said)
            .map(|(_, words)| (*words).to_owned()),
    );
    words.extend(stage.gap.map(|gap| format!("less than {gap} apart")));
    words.extend(
        stage
            .within_previous
            .map(|limit| format!("less than {limit} after the event before")),
    );
    words.extend(
        stage
            .until
            .as_deref()
            .map(|until| format!("until {}", in_one_line(until))),
    );
    words.join(", ")
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "pattern {} (definition {})\n", self.name, self.rule)?;
        let width = self
            .stages
            .iter()
            .map(|stage| 2 * stage.depth + stage.name.chars().count())
            .max()
            .unwrap_or(0);
        for stage in &self.stages {
            let indent = "  ".repeat(stage.depth + 1);
            if !stage.relation.is_empty() {
                writeln!(out, "{indent}  {}", stage.relation)?;
            }
            let width = width - 2 * stage.depth;
            writeln!(out, "{indent}{:width$}  {}", stage.name, stage.times)?;
            if !stage.condition.is_empty() {
                writeln!(out, "{indent}{:width$}  where {}", "", stage.condition)?;
            }
        }
        writeln!(out)?;
        for words in &self.whole {
            writeln!(out, "  {words}")?;
        }
        writeln!(out, "\nstates")?;
        for (number, state) in self.states.iter().enumerate() {
            self.write_state(out, number, state)?;
        }
        Ok(())
    }
}

impl Explanation {
    fn write_state(
        &self,
        out: &mut fmt::Formatter<'_>,
        number: usize,
        state: &State,
    ) -> fmt::Result {
        let kind = kind_in_words(state.kind);
        let name = if state.kind == StateKind::Final {
            "match"
        } else {
            &state.name
        };
        write!(out, "  {name}")?;
        if !kind.is_empty() && name != "match" {
            write!(out, "  ({kind})")?;
        }
        if let Some(limit) = state.limit {
            write!(out, "  for less than {limit} ms")?;
        }
        writeln!(out)?;
        for edge in self.edges.iter().filter(|edge| edge.from == number) {
            let action = action_in_words(edge.action);
            let target = &self.states[edge.to];
            let to = match (edge.to == number, target.kind) {
                (true, _) => "stays".to_owned(),
                (false, StateKind::Final) => "to match".to_owned(),
                (false, _) => format!("to {}", target.name),
            };
            write!(out, "    {action:7} {to}")?;
            match edge.condition.is_empty() {
                true => writeln!(out)?,
                false => writeln!(out, "  if {}", edge.condition)?,
            }
        }
        Ok(())
    }
}

pub(crate) fn kind_in_words(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Start => "begins here",
        StateKind::Final => "match",
        StateKind::Normal => "",
        StateKind::Pending => "match, once time has passed",
        StateKind::Stop => "no match: this was not to happen",
    }
}

pub(crate) fn action_in_words(action: Action) -> &'static str {
    match action {
        Action::Take => "takes",
        Action::Ignore => "ignores",
        Action::Proceed => "goes on",
    }
}
