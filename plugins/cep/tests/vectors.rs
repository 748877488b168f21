//! Cases with the answers of Apache Flink 2.3.0, one JSON object a line.
//!
//! The cases beside this file use what is supported. `JACKFIELD_VECTORS` names a folder with others to run instead: all
//! files in it whose names begin with `cep-` or `vectors-`. What is compared is the matches and the late events of every step.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "vectors/case.rs"]
mod case;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::{env, fs};

use case::{Case, Input, Outcome};
use jackfield_cep::{Arrival, Match, Matcher, PatternState};

fn main() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folder = env::var_os("JACKFIELD_VECTORS").map_or(beside, PathBuf::from);
    let (mut passed, mut failed, mut unsupported) = (0, 0, 0);
    for case in cases(&folder) {
        let Some(pattern) = case.pattern() else {
            unsupported += 1;
            continue;
        };
        let found = match pattern.compile() {
            Ok(matcher) => run(&matcher, &case),
            Err(_) => Outcome::Refused,
        };
        let expected = case.expected();
        if found == expected {
            passed += 1;
        } else {
            failed += 1;
            println!(
                "{}:\n  expected {expected:?}\n  found    {found:?}",
                case.name
            );
        }
    }
    println!("{unsupported} not supported yet");
    println!("{passed} passed, {failed} failed");
    assert!(failed == 0 && passed > 0);
}

fn cases(folder: &PathBuf) -> Vec<Case> {
    let files =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".jsonl") && (name.starts_with("cep-") || name.starts_with("vectors-"))
    });
    paths.sort();
    let lines = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect::<Vec<Case>>()
    };
    paths.iter().flat_map(lines).collect()
}

fn run(matcher: &Matcher<case::Event>, case: &Case) -> Outcome {
    let mut states: BTreeMap<&str, PatternState<case::Event>> = BTreeMap::new();
    let mut watermark = i64::MIN;
    let mut entries = Vec::new();
    for (at, input) in case.input.iter().enumerate() {
        match input {
            Input::Event(event) => {
                let state = states.entry(&event.key).or_default();
                if matcher.add(state, event.ts, watermark, event.clone()) == Arrival::Late {
                    entries.push(case::late(at, event));
                }
            }
            Input::Watermark { wm } => {
                watermark = *wm;
                for (key, state) in &mut states {
                    restore(state);
                    let Ok(()) = matcher.advance(state, watermark, |complete| {
                        entries.push(case::found(
                            at,
                            key,
                            complete.timestamp(),
                            events(case, &complete),
                        ));
                        Ok::<(), std::convert::Infallible>(())
                    });
                    let next = matcher.next_timer(state);
                    assert!(
                        next.is_none_or(|timer| timer > watermark),
                        "a timer is left behind"
                    );
                }
            }
        }
    }
    Outcome::new(entries)
}

/// Stores and loads the state, as a restart would.
fn restore(state: &mut PatternState<case::Event>) {
    *state = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
}

fn events(case: &Case, complete: &Match<'_, case::Event>) -> HashMap<String, Vec<usize>> {
    let of_stage = |name: &str| complete.stage(name).map(|event| event.index).collect();
    case.stages()
        .map(|name| (name.to_owned(), of_stage(name)))
        .collect()
}
