//! Cases with the answers of Apache Flink 2.3.0, one JSON object a line.
//!
//! The cases beside this file use what is supported. `JACKFIELD_VECTORS` names a folder with others to run instead: all
//! files in it whose names begin with `windows-`.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use jackfield_window::{
    Aggregate, AssignerError, Count, Max, Min, Placement, Sum, TumblingWindows, WindowState,
    Windowed,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Case {
    name: String,
    assigner: Value,
    lateness: i64,
    trigger: Value,
    agg: String,
    input: Vec<Input>,
    expect: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Watermark {
        wm: i64,
    },
    Event {
        ts: i64,
        value: i64,
        #[serde(default = "default_key")]
        key: String,
    },
}

fn default_key() -> String {
    "k".to_owned()
}

fn main() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folder = env::var_os("JACKFIELD_VECTORS").map_or(beside, PathBuf::from);
    let (mut passed, mut failed, mut unsupported) = (0, 0, 0);
    for case in cases(&folder) {
        if !case.is_supported() {
            unsupported += 1;
            continue;
        }
        let (found, expected) = (case.run(), case.expected());
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
        name.ends_with(".jsonl") && name.starts_with("windows-")
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

/// The entries by step, in text; within a step their order does not matter. None if the assigner is refused.
type Outcome = Option<Vec<(i64, String)>>;

impl Case {
    fn is_supported(&self) -> bool {
        let trigger = self.trigger["kind"] == "default" || self.trigger["kind"] == "eventTime";
        self.assigner["kind"] == "tumbling" && self.lateness == 0 && trigger
    }

    fn assigner(&self) -> Result<TumblingWindows, AssignerError> {
        let size = self.assigner["size"].as_i64().unwrap();
        TumblingWindows::of(size)?.with_offset(self.assigner["offset"].as_i64().unwrap_or(0))
    }

    fn expected(&self) -> Outcome {
        if self.expect.get("error").is_some() {
            return None;
        }
        Some(sorted(self.expect["out"].as_array().unwrap().clone()))
    }

    fn run(&self) -> Outcome {
        match self.agg.as_str() {
            "count" => self.run_with(Count, |_| (), |count| i64::try_from(count).unwrap()),
            "sum" => self.run_with(Sum, |value| value, |sum| sum),
            "min" => self.run_with(Min, |value| value, |min| min),
            "max" => self.run_with(Max, |value| value, |max| max),
            other => panic!("{}: unknown aggregate {other}", self.name),
        }
    }

    fn run_with<A: Aggregate>(
        &self,
        aggregate: A,
        input_of: impl Fn(i64) -> A::Input,
        number_of: impl Fn(A::Output) -> i64,
    ) -> Outcome {
        let windows = Windowed::new(self.assigner().ok()?, aggregate);
        let mut states: BTreeMap<&str, WindowState<A::Accumulator>> = BTreeMap::new();
        let (mut watermark, mut events, mut entries) = (i64::MIN, 0, Vec::new());
        for (at, input) in self.input.iter().enumerate() {
            match input {
                Input::Event { ts, value, key } => {
                    let state = states.entry(key).or_default();
                    if windows.add(state, *ts, watermark, input_of(*value)) == Placement::Late {
                        entries
                            .push(json!({"k": "l", "at": at, "key": key, "ts": ts, "i": events}));
                    }
                    events += 1;
                }
                Input::Watermark { wm } => {
                    watermark = *wm;
                    for (key, state) in &mut states {
                        while let Some((window, output)) = windows.fire(state, watermark) {
                            entries.push(json!({
                                "k": "w", "at": at, "key": key, "start": window.start, "end": window.end,
                                "value": number_of(output), "ts": window.max_timestamp(),
                            }));
                        }
                    }
                }
            }
        }
        Some(sorted(entries))
    }
}

fn sorted(entries: Vec<Value>) -> Vec<(i64, String)> {
    let mut entries: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry["at"].as_i64().unwrap(), entry.to_string()))
        .collect();
    entries.sort();
    entries
}
