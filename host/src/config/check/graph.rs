//! Sources, stages and sinks form a graph: every reference leads somewhere, none leads back, and no source is idle.

use std::collections::HashSet;

use crate::config::check::{Declared, Parts, contains, unknown};
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::nearest::nearest;
use crate::config::place::{Located, Place};
use crate::config::reader::Context;
use crate::config::reference::{OutputPort, Reference};
use crate::config::stage::Stage;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for stage in parts.stages {
        for reference in stage.references() {
            input_exists(reference, &parts.declared, context);
        }
    }
    for sink in parts.sinks {
        for port in &sink.from {
            stage_exists(&port.value, &port.place, &parts.declared, context);
        }
    }
    Cycles::report(parts.stages, context);
    sources_are_consumed(parts, context);
}

fn input_exists(reference: &Located<Reference>, declared: &Declared, context: &Context) {
    match &reference.value {
        Reference::Stage(port) => stage_exists(port, &reference.place, declared, context),
        Reference::Source(source) if contains(&declared.sources, source) => {}
        Reference::Source(name)
            if contains(&declared.stages, name) || contains(&declared.jobs, name) =>
        {
            let what = match contains(&declared.stages, name) {
                true => "stage",
                false => "job",
            };
            context.report(
                Diagnostic::new(
                    &code::UNKNOWN_REFERENCE,
                    reference.place.clone(),
                    format!("`{name}` is a {what}, and which of its ports is meant is not said"),
                )
                .help(format!("name the port too: `{name}.PORT`")),
            );
        }
        Reference::Source(name) => {
            context.report(unknown("source", name, &reference.place, &declared.sources));
        }
    }
}

fn stage_exists(port: &OutputPort, place: &Place, declared: &Declared, context: &Context) {
    let OutputPort { stage, port } = port;
    if contains(&declared.stages, stage) || contains(&declared.jobs, stage) {
        return;
    }
    if contains(&declared.sources, stage) {
        context.report(
            Diagnostic::new(
                &code::UNKNOWN_REFERENCE,
                place.clone(),
                format!("`{stage}` is a source, and a source has no ports"),
            )
            .help(
                "a stage takes a source by its name alone; a sink takes the ports of stages only",
            ),
        );
        return;
    }
    let what = match declared.jobs.is_empty() {
        true => "stage",
        false => "stage or job",
    };
    let known: Vec<_> = declared
        .stages
        .iter()
        .chain(&declared.jobs)
        .cloned()
        .collect();
    let mut diagnostic = unknown(what, stage, place, &known);
    let names = known.iter().map(|known| known.value.as_str());
    if let Some(nearest) = nearest(stage, names) {
        diagnostic = diagnostic.help(format!("did you mean `{nearest}.{port}`?"));
    }
    context.report(diagnostic);
}

fn sources_are_consumed(parts: &Parts<'_>, context: &Context) {
    // A stage that could not be read, or a misspelled input, may be what consumes it.
    let is_known = |reference: &Located<Reference>| match &reference.value {
        Reference::Source(source) => contains(&parts.declared.sources, source),
        Reference::Stage(_) => true,
    };
    let are_inputs_known = parts
        .stages
        .iter()
        .flat_map(Stage::references)
        .all(is_known);
    if parts.stages.len() < parts.declared.stages.len() || !are_inputs_known {
        return;
    }
    let consumed: HashSet<&str> = parts
        .stages
        .iter()
        .flat_map(Stage::references)
        .filter_map(|reference| match &reference.value {
            Reference::Source(source) => Some(source.as_str()),
            Reference::Stage(_) => None,
        })
        .collect();
    for source in parts.sources {
        if !consumed.contains(&**source.name) {
            context.report(
                Diagnostic::new(
                    &code::UNCONNECTED,
                    source.name.place.clone(),
                    format!("no stage consumes the source `{}`", source.name),
                )
                .help(format!(
                    "connect it to a stage, `inputs.PORT = \"{}\"`, or remove it",
                    source.name
                )),
            );
        }
    }
}

/// Depth-first search for inputs that lead back to a stage on the way.
struct Cycles<'a> {
    stages: &'a [Stage],
    context: &'a Context,
    done: HashSet<&'a str>,
    /// The stages from the start of the search to where it is, and the input that each was reached by.
    way: Vec<(&'a str, &'a Place)>,
}

impl<'a> Cycles<'a> {
    fn report(stages: &'a [Stage], context: &'a Context) {
        let mut cycles = Self {
            stages,
            context,
            done: HashSet::new(),
            way: Vec::new(),
        };
        for stage in stages {
            cycles.visit(stage, &stage.name.place);
        }
    }

    fn visit(&mut self, stage: &'a Stage, reached_by: &'a Place) {
        let name: &str = &stage.name;
        if let Some(start) = self.way.iter().position(|(earlier, _)| *earlier == name) {
            self.report_cycle(start, name, reached_by);
            return;
        }
        if self.done.contains(name) {
            return;
        }
        self.way.push((name, reached_by));
        for reference in stage.references() {
            if let Reference::Stage(port) = &reference.value
                && let Some(upstream) = self.stages.iter().find(|other| **other.name == port.stage)
            {
                self.visit(upstream, &reference.place);
            }
        }
        self.way.pop();
        self.done.insert(name);
    }

    fn report_cycle(&self, start: usize, name: &str, closed_by: &Place) {
        let cycle = &self.way[start..];
        // Inputs lead upstream; people follow the data downstream.
        let mut names = vec![name];
        names.extend(cycle.iter().rev().map(|(stage, _)| *stage));
        let mut diagnostic = Diagnostic::new(
            &code::CYCLE,
            closed_by.clone(),
            format!("stages feed each other in a cycle: {}", names.join(" → ")),
        )
        .help("remove one of these inputs");
        for (_, reached_by) in &cycle[1..] {
            diagnostic = diagnostic.related((*reached_by).clone(), "an input on the way");
        }
        self.context.report(diagnostic);
    }
}
