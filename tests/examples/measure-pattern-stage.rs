//! How many events a second the ready plugin `match-patterns` takes, natively and in the sandbox, by the shape of the pattern and
//! the number of keys: decoding, conditions and output included.
//!
//!     cargo run --release -p jackfield-tests --example measure-pattern-stage -- [EVENTS [SHAPE]]
//!
//! Events come a millisecond apart, of a random key each and of four kinds, evenly; a match has to be complete within the time in which
//! a key has twenty events. Seconds are those of the CPU. The component is that which `make` has built.
#![allow(clippy::unwrap_used, reason = "a program to measure with")]

use std::time::Duration;

use jackfield::plugin::{Instance, Limits, Runtime};
use jackfield::record;
use jackfield_sdk::{Batch, Mark, Runner};
use match_patterns::MatchPatterns;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value as Json, json};

const KEYS: [u32; 3] = [10, 1_000, 1_000_000];
/// Of a key, within which a match has to be complete.
const WITHIN: u32 = 20;
const BATCH: u32 = 1_024;
const COMPONENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/plugins/match-patterns.wasm"
);

/// A stage that takes events of a kind.
fn stage(name: &str, kind: u8, options: &Json) -> Json {
    let mut stage = json!({ "name": name, "where": format!("event.kind == {kind}") });
    stage
        .as_object_mut()
        .unwrap()
        .extend(options.as_object().unwrap().clone());
    stage
}

fn shapes() -> Vec<(&'static str, Json)> {
    let plain = json!({});
    let higher = json!({ "where": "event.kind == 0 && event.value > a[0].value", "times": 2 });
    vec![
        (
            "strict",
            json!([
                stage("a", 0, &json!({ "times": 3, "consecutive": true })),
                stage("b", 1, &json!({ "contiguity": "next" }))
            ]),
        ),
        (
            "relaxed",
            json!([
                stage("a", 0, &plain),
                stage("b", 1, &plain),
                stage("c", 2, &plain)
            ]),
        ),
        (
            "looping",
            json!([
                stage("a", 0, &plain),
                stage("b", 1, &json!({ "one-or-more": true })),
                stage("c", 2, &plain)
            ]),
        ),
        (
            "negation",
            json!([
                stage("a", 0, &plain),
                stage("x", 3, &json!({ "contiguity": "not-followed-by" })),
                stage("b", 1, &plain)
            ]),
        ),
        (
            "groups",
            json!([{ "group": [stage("a", 0, &plain), stage("b", 1, &plain)], "times": 2 }, stage("c", 2, &plain)]),
        ),
        (
            "iterative",
            json!([stage("a", 0, &plain), stage("higher", 0, &higher)]),
        ),
    ]
}

fn configuration(stages: &Json, keys: u32) -> String {
    let within = format!("{}ms", u64::from(keys) * u64::from(WITHIN));
    let output = json!({ "key": "key", "events": "size(matched)" });
    json!({ "patterns": { "measured": { "stages": stages, "within": within, "output": output } } })
        .to_string()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let events: u32 = arguments
        .next()
        .map_or(1_000_000, |events| events.parse().unwrap());
    let only = arguments.next();
    let component = Runtime::new(None)
        .unwrap()
        .load(COMPONENT.as_ref())
        .unwrap();
    let limits = Limits::within(4 << 30, Duration::from_secs(60));
    println!(
        "{:10} {:>9} {:>14} {:>14} {:>6} {:>10}",
        "shape", "keys", "native/s", "sandboxed/s", "ratio", "matches"
    );
    for (name, stages) in shapes() {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for keys in KEYS {
            let configuration = configuration(&stages, keys);
            let mut runner = Runner::<MatchPatterns>::configure(&configuration, &[0]).unwrap();
            let (native, matches) = measure(keys, events, |batch| {
                runner
                    .process(0, &batch)
                    .emissions
                    .iter()
                    .map(|emission| emission.records.timestamps.len())
                    .sum()
            });
            drop(runner);
            let mut instance: Instance = component.instantiate("measured", &limits).unwrap();
            instance.configure(&configuration, &[0]).unwrap();
            let (sandboxed, matches_there) =
                measure(keys, events, |batch| process(&mut instance, &batch));
            assert_eq!(matches, matches_there);
            let rate = |seconds: f64| f64::from(events) / seconds;
            println!(
                "{name:10} {keys:>9} {:>14.0} {:>14.0} {:>6.2} {matches:>10}",
                rate(native),
                rate(sandboxed),
                sandboxed / native
            );
        }
    }
}

/// The same batch in the sandbox; how many records come out.
fn process(instance: &mut Instance, batch: &Batch) -> usize {
    let mut crossing = record::Batch::default();
    for (index, timestamp) in batch.timestamps.iter().enumerate() {
        crossing.push(
            batch.values.string(index),
            Some(batch.keys.string(index)),
            *timestamp,
        );
    }
    for mark in &batch.marks {
        crossing.push_mark(mark.watermark);
    }
    let marks = crossing.marks.clone();
    let output = instance.process(0, &crossing, &marks).unwrap();
    output
        .emissions
        .iter()
        .map(|emission| emission.batch.len())
        .sum()
}

/// Seconds of the CPU for so many events, and what came of them.
fn measure(keys: u32, events: u32, mut process: impl FnMut(Batch) -> usize) -> (f64, usize) {
    let mut random = 88_172_645_463_325_252_u64;
    let (mut seconds, mut matches) = (0.0, 0);
    let mut timestamp = 1_700_000_000_000;
    for _ in 0..events / BATCH {
        let mut batch = Batch::default();
        for _ in 0..BATCH {
            // Marsaglia, Xorshift RNGs, 2003.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let value = format!(
                r#"{{"kind":{},"value":{}}}"#,
                random >> 20 & 3,
                random >> 4 & 0xff
            );
            batch.values.push(value.as_bytes());
            batch
                .keys
                .push(((random >> 33) % u64::from(keys)).to_string().as_bytes());
            batch.timestamps.push(timestamp);
            timestamp += 1;
        }
        batch.marks.push(Mark {
            index: BATCH,
            watermark: timestamp - 1,
        });
        let begun = cpu_seconds();
        matches += process(batch);
        seconds += cpu_seconds() - begun;
    }
    (seconds, matches)
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
