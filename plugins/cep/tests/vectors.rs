//! Cases with the answers of Apache Flink 2.3.0, one JSON object a line.
//!
//! Every `*.jsonl` beside this file or, if `JACKFIELD_VECTORS` names a folder, below that; lines of other kinds are passed
//! over. The state of every key is stored and loaded before every step, as a restart would.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "vectors/case.rs"]
mod case;
#[path = "vectors/pattern.rs"]
mod pattern;

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::{env, fs};

use case::{Case, Event, Input, Outcome};
use jackfield_cep::{
    AdvanceError, Arrival, Match, MatchError, Matcher, Output, PatternState, Timers,
};
use serde_json::{Value, json};

fn main() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let folder = env::var_os("JACKFIELD_VECTORS").map_or(beside, PathBuf::from);
    let (mut passed, mut failed, mut ties, mut ties_failed) = (0, 0, 0, 0);
    for case in files(&folder).iter().flat_map(|path| cases(path)) {
        let expected = case.expected();
        let found = match case.pattern().compile() {
            Ok(matcher) => Run::new(&case, matcher).outcome(),
            Err(error) => Outcome::refused(&error),
        };
        match (found == expected, case.tie) {
            (true, false) => passed += 1,
            (true, true) => ties += 1,
            (false, is_tie) => {
                failed += u32::from(!is_tie);
                ties_failed += u32::from(is_tie);
                println!(
                    "{}:\n  expected {expected:?}\n  actual   {found:?}",
                    case.name
                );
            }
        }
    }
    println!(
        "{ties} of {} that depend on how ties are broken passed",
        ties + ties_failed
    );
    println!("{passed} passed, {failed} failed");
    assert!(failed == 0 && passed > 0);
}

/// All files in a folder and those in it that hold cases.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    let mut files: Vec<PathBuf> = paths.into_iter().flat_map(below).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files
}

fn cases(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter_map(Case::parse).collect()
}

struct Run<'c> {
    case: &'c Case,
    matcher: Matcher<Event>,
    states: BTreeMap<&'c str, PatternState<Event>>,
    entries: Vec<Value>,
}

impl<'c> Run<'c> {
    fn new(case: &'c Case, matcher: Matcher<Event>) -> Self {
        let matcher = matcher.timers(Timers::AsFlink);
        let matcher = if case.is_sorted() {
            matcher.order_ties(|a, b| a.value.cmp(&b.value))
        } else {
            matcher
        };
        Self {
            case,
            matcher,
            states: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    fn outcome(mut self) -> Outcome {
        let error = self.all().err();
        let error = error
            .as_ref()
            .map(|error| ("run", case::class_at_work(error)));
        Outcome::new(self.entries, error)
    }

    fn all(&mut self) -> Result<(), MatchError> {
        let mut watermark = i64::MIN;
        for (at, input) in self.case.input.iter().enumerate() {
            match input {
                Input::Event(event) => self.add(at, watermark, event),
                Input::Watermark { wm } => {
                    watermark = *wm;
                    self.advance(at, watermark)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, at: usize, watermark: i64, event: &'c Event) {
        let state = self.states.entry(&event.key).or_default();
        if let Arrival::Late(event) = self.matcher.add(state, event.ts, watermark, event.clone()) {
            self.entries.push(case::late(at, &event));
        }
    }

    fn advance(&mut self, at: usize, watermark: i64) -> Result<(), MatchError> {
        // Keys come by their timers, those of one time as they were set: after an error there is nothing more, of no key.
        let timer = |(key, state): (&&'c str, &PatternState<Event>)| {
            let timer = self.matcher.next_timer(state)?;
            let sets = |input: &Input| matches!(input, Input::Event(event) if event.key == **key && event.ts == timer);
            let place = self.case.input.iter().position(sets);
            (timer <= watermark).then_some((timer, place, *key))
        };
        let mut due: Vec<_> = self.states.iter().filter_map(timer).collect();
        due.sort_unstable();
        for (.., key) in due {
            let state = self.states.get_mut(key).unwrap();
            restore(state);
            let mut add = |kind: &str, found: &Match<'_, Event>| {
                let stages = stages(found);
                let timestamp = found.timestamp();
                self.entries
                    .push(json!({"k": kind, "at": at, "key": key, "ts": timestamp, "m": stages}));
            };
            let advanced = self.matcher.advance(state, watermark, |output| {
                match &output {
                    Output::Match(found) => add("m", found),
                    Output::TimedOut(found) => add("t", found),
                    Output::Evicted(found) => add("evicted", found),
                }
                Ok::<(), Infallible>(())
            });
            match advanced {
                Ok(()) => {}
                Err(AdvanceError::Pattern(error)) => return Err(error),
            }
            let next = self.matcher.next_timer(state);
            assert!(
                next.is_none_or(|timer| timer > watermark),
                "a timer is left behind"
            );
        }
        Ok(())
    }
}

/// Stores and loads the state, as a restart would.
fn restore(state: &mut PatternState<Event>) {
    *state = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
}

fn stages(found: &Match<'_, Event>) -> HashMap<String, Vec<usize>> {
    let mut stages: HashMap<String, Vec<usize>> = HashMap::new();
    for taken in found.events() {
        stages
            .entry(taken.stage.to_owned())
            .or_default()
            .push(taken.event.index);
    }
    stages
}
