//! What is written has one writer: on recovery each would undo what another has committed.

use std::path::{Path, PathBuf};

use crate::config::check::Parts;
use crate::config::checkpoint::Checkpoint;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::manifest::Manifest;
use crate::config::place::Place;
use crate::config::reader::Context;
use crate::config::sink::Target;

pub(super) fn check(parts: &Parts<'_>, context: &Context) {
    let mut taken: Vec<(Target, &Place)> = Vec::new();
    if let Some(path) = parts.checkpoint.and_then(Checkpoint::path) {
        taken.push((Target::File(plain(path)), &path.place));
    }
    for sink in parts.sinks {
        let Some((target, place)) = sink.kind.target() else {
            continue;
        };
        let target = match target {
            Target::File(path) => Target::File(plain(&path)),
            other => other,
        };
        match taken.iter().find(|(other, _)| *other == target) {
            Some((_, first)) => context.report(shared(&target, place, first)),
            None => taken.push((target, place)),
        }
    }
}

/// What is wrong between manifests that are to run in one process.
pub(crate) fn between(manifests: &[Manifest]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        for earlier in &manifests[..index] {
            if earlier.pipeline.name.value == manifest.pipeline.name.value {
                diagnostics.push(
                    Diagnostic::new(
                        &code::DUPLICATE,
                        manifest.pipeline.name.place.clone(),
                        format!("two pipelines are named `{}`", manifest.pipeline.name),
                    )
                    .related(earlier.pipeline.name.place.clone(), "the other one")
                    .help("give each pipeline of a process a name of its own"),
                );
            }
            for (path, place) in files(manifest) {
                for (_, other) in files(earlier).filter(|(other, _)| *other == path) {
                    diagnostics.push(shared(&Target::File(path.clone()), place, other));
                }
            }
        }
    }
    diagnostics
}

fn shared(target: &Target, place: &Place, first: &Place) -> Diagnostic {
    let problem = match target {
        Target::File(path) => format!("{} has two writers", Target::File(from_here(path))),
        Target::Table(_) | Target::CassandraTable { .. } => format!("{target} has two writers"),
    };
    Diagnostic::new(&code::SHARED_TARGET, place.clone(), problem)
        .related(first.clone(), "the other one")
        .help("give each its own; one sink takes several ports: `from = [\"a.out\", \"b.out\"]`")
}

/// The files that a pipeline writes.
fn files(manifest: &Manifest) -> impl Iterator<Item = (PathBuf, &Place)> {
    let checkpoint = manifest.checkpoint.path();
    let sinks = manifest
        .sinks
        .iter()
        .filter_map(|sink| match sink.kind.target() {
            Some((Target::File(path), place)) => Some((plain(&path), place)),
            _ => None,
        });
    let checkpoint = checkpoint.map(|path| (plain(path), &path.place));
    checkpoint.into_iter().chain(sinks)
}

/// The path from the root, without `.` and repeated separators. `..` stays: what it leads to depends on links.
fn plain(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The path as it is shortest to say: from the working directory, if it lies below it.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.to_owned())
}
