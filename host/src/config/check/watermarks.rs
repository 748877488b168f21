//! A watermark is made once on the way from a source to a stage: where event time first becomes known.

use std::collections::HashSet;

use crate::config::check::Parts;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Place;
use crate::config::reader::Context;
use crate::config::reference::Reference;
use crate::config::stage::Stage;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    for stage in parts.stages {
        let Some(watermark) = &stage.watermark else {
            continue;
        };
        if let Some((upstream, place)) = made_upstream(stage, parts) {
            context.report(
                Diagnostic::new(
                    &code::SECOND_WATERMARK,
                    watermark.place.clone(),
                    format!(
                        "the stage `{}` makes a watermark, but what it consumes has the one of `{upstream}`",
                        stage.name
                    ),
                )
                .related(place.clone(), "made here first")
                .help("keep the one where event time first becomes known"),
            );
        }
    }
}

/// The first source or stage, going upstream, that makes a watermark.
fn made_upstream<'a>(stage: &'a Stage, parts: &Parts<'a>) -> Option<(&'a str, &'a Place)> {
    let mut seen: HashSet<&str> = HashSet::from([&**stage.name]);
    let mut waiting: Vec<&Reference> = values(stage).collect();
    while let Some(reference) = waiting.pop() {
        match reference {
            Reference::Source(name) => {
                let source = parts.sources.iter().find(|source| **source.name == *name);
                if let Some((source, watermark)) =
                    source.and_then(|source| Some((source, source.watermark.as_ref()?)))
                {
                    return Some((&source.name, &watermark.place));
                }
            }
            Reference::Stage(port) => {
                let upstream = parts.stages.iter().find(|other| **other.name == port.stage);
                let Some(upstream) = upstream.filter(|upstream| seen.insert(&upstream.name)) else {
                    continue;
                };
                if let Some(watermark) = &upstream.watermark {
                    return Some((&upstream.name, &watermark.place));
                }
                waiting.extend(values(upstream));
            }
        }
    }
    None
}

fn values(stage: &Stage) -> impl Iterator<Item = &Reference> {
    stage.references().map(|reference| &reference.value)
}
