//! What a record costs in windows: by kind of window and number of keys, and by how many windows it lies in; in the sandbox as the
//! host accounts for it, and the same plugin natively. Needs `make build`; run from the repository's folder:
//!
//!     cargo run --profile plugin -p aggregate-windows --example measure-windows [RECORDS [FOLDER OF THE CHARTS]]
//!
//! CPU time of one run on a shared machine: quote ratios. `cargo bench -p jackfield-window` measures the library alone, and memory.
#![allow(clippy::unwrap_used, reason = "a program to measure with")]

mod plot;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use aggregate_windows::AggregateWindows;
use jackfield_sdk::{Batch, Mark, Runner};
use serde_json::{Value, json};

use plot::{Line, log_log};

const KEYS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];
/// Windows that a record lies in.
const OVERLAPS: [u64; 6] = [1, 3, 10, 30, 100, 300];
/// Records come up to so many milliseconds out of order, and the watermark is as far behind.
const OUT_OF_ORDERNESS: i64 = 1_000;
/// Records that go through the stage at once.
const BATCH: usize = 1_024;
/// A trigger that never comes to it: windows that have one share nothing with each other.
const APART: u64 = 1_000_000_000;

/// A record of the input.
struct Event {
    key: u64,
    timestamp: i64,
}

/// One millisecond after the other, of keys chosen at random.
fn events(records: u64, keys: u64) -> impl Iterator<Item = Event> {
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = move |bound: u64| {
        // Marsaglia, Xorshift RNGs, 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) % bound
    };
    (0..records as i64).map(move |number| Event {
        key: below(keys),
        timestamp: 1_700_000_000_000 + number - below(OUT_OF_ORDERNESS as u64) as i64,
    })
}

fn kinds() -> [(&'static str, Value); 5] {
    let count = json!({ "n": "count" });
    let of = "record.v";
    let five = json!({ "n": "count", "sum": { "sum": of }, "least": { "min": of }, "most": { "max": of }, "mean": { "avg": of } });
    let with =
        |window: Value, aggregates: &Value| json!({ "window": window, "aggregates": aggregates });
    [
        (
            "tumbling 10 s",
            with(json!({ "tumbling": { "size": "10s" } }), &count),
        ),
        (
            "tumbling 10 s, five aggregates",
            with(json!({ "tumbling": { "size": "10s" } }), &five),
        ),
        (
            "sliding 60 s by 10 s",
            with(
                json!({ "sliding": { "size": "60s", "slide": "10s" } }),
                &count,
            ),
        ),
        (
            "session 5 s",
            with(json!({ "session": { "gap": "5s" } }), &count),
        ),
        ("every 100 records", with(json!({ "count": 100 }), &count)),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let records = arguments
        .next()
        .map_or(Ok(500_000), |records| records.parse())?;
    let charts = PathBuf::from(
        arguments
            .next()
            .unwrap_or_else(|| "target/bench".to_owned()),
    );
    fs::create_dir_all(folder())?;
    fs::create_dir_all(&charts)?;
    let by_keys = measure_keys(records)?;
    let title = "CPU time a record by kind of window";
    let chart = log_log(title, ("keys", "ns a record"), &by_keys);
    fs::write(charts.join("windows-by-keys.svg"), chart)?;
    let by_length = measure_lengths(records)?;
    let title = "CPU time a record by length of windows that slide by 1 s";
    let chart = log_log(title, ("seconds", "ns a record"), &by_length);
    fs::write(charts.join("windows-by-length.svg"), chart)?;
    println!("\ncharts: {}", charts.display());
    Ok(())
}

/// The folder of everything that is measured on and left behind.
fn folder() -> PathBuf {
    env::current_dir().unwrap().join("target/bench")
}

/// Seconds of CPU time that this thread has taken.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
    nanos / 1e9
}

fn measure_keys(records: u64) -> Result<Vec<Line>, Box<dyn Error>> {
    println!(
        "CPU ns a record in {} records: in its sandbox, calls and copies included, and natively\n",
        records
    );
    println!(
        "  {:<32}{:>10}{:>11}{:>9}{:>7}",
        "windows", "keys", "sandboxed", "native", "ratio"
    );
    let mut lines = Vec::new();
    for (colour, (name, configuration)) in kinds().into_iter().enumerate() {
        let (mut sandboxed, mut native) = (line(name, colour, false), line(name, colour, true));
        for keys in KEYS {
            let (inside, outside) = both(&configuration, records, keys)?;
            println!(
                "  {name:<32}{:>10}{inside:>11.0}{outside:>9.0}{:>7.2}",
                keys,
                inside / outside
            );
            sandboxed.points.push((keys as f64, inside));
            native.points.push((keys as f64, outside));
        }
        lines.extend([sandboxed, native]);
    }
    Ok(lines)
}

fn measure_lengths(records: u64) -> Result<Vec<Line>, Box<dyn Error>> {
    println!("\nsliding by 1 s, 10 keys: windows that share slices, and windows apart\n");
    println!(
        "  {:<12}{:>10}{:>11}{:>9}{:>7}",
        "", "seconds", "sandboxed", "native", "ratio"
    );
    let mut lines = Vec::new();
    for (colour, name) in ["sharing", "apart"].into_iter().enumerate() {
        let (mut sandboxed, mut native) = (line(name, colour, false), line(name, colour, true));
        for windows in OVERLAPS {
            let sliding = json!({ "sliding": { "size": format!("{windows}s"), "slide": "1s" } });
            let mut configuration = json!({ "window": sliding, "aggregates": { "n": "count" } });
            let mut records = records;
            if name == "apart" {
                configuration["trigger"] = json!({ "count-and-event-time": APART });
                records /= 1 + windows / 10;
            }
            let (inside, outside) = both(&configuration, records, 10)?;
            println!(
                "  {name:<12}{windows:>10}{inside:>11.0}{outside:>9.0}{:>7.2}",
                inside / outside
            );
            sandboxed.points.push((windows as f64, inside));
            native.points.push((windows as f64, outside));
        }
        lines.extend([sandboxed, native]);
    }
    Ok(lines)
}

fn line(name: &str, colour: usize, dashed: bool) -> Line {
    Line {
        name: if dashed {
            format!("{name}, native")
        } else {
            name.to_owned()
        },
        colour,
        dashed,
        points: Vec::new(),
    }
}

/// CPU nanoseconds a record, in the sandbox and outside of it.
fn both(configuration: &Value, records: u64, keys: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let scale = 1e9 / records as f64;
    let inside = sandboxed(configuration, records, keys)? * scale;
    let outside = native(configuration, records, keys)? * scale;
    Ok((inside, outside))
}

fn native(configuration: &Value, records: u64, keys: u64) -> Result<f64, Box<dyn Error>> {
    let mut runner = Runner::<AggregateWindows>::configure(&configuration.to_string(), &[0])?;
    let mut batch = Batch::default();
    let (mut latest, mut seconds) = (i64::MIN, 0.0);
    let mut run = |batch: &mut Batch| {
        let begun = cpu_seconds();
        let output = runner.process(0, batch);
        seconds += cpu_seconds() - begun;
        assert!(
            output.rejections.is_empty(),
            "{:?}",
            output.rejections.first()
        );
        *batch = Batch::default();
    };
    for event in events(records, keys) {
        batch.values.push(record(&event).as_bytes());
        batch.keys.push(format!("k{}", event.key).as_bytes());
        batch.timestamps.push(event.timestamp);
        if event.timestamp > latest {
            latest = event.timestamp;
            let index = batch.timestamps.len() as u32;
            let watermark = latest - OUT_OF_ORDERNESS - 1;
            batch.marks.push(Mark { index, watermark });
        }
        if batch.timestamps.len() == BATCH {
            run(&mut batch);
        }
    }
    let index = batch.timestamps.len() as u32;
    batch.marks.push(Mark {
        index,
        watermark: i64::MAX,
    });
    run(&mut batch);
    Ok(seconds)
}

fn record(event: &Event) -> String {
    format!(
        "{{\"k\":\"k{}\",\"t\":{},\"v\":{}}}",
        event.key,
        event.timestamp,
        event.timestamp % 1_000
    )
}

fn sandboxed(configuration: &Value, records: u64, keys: u64) -> Result<f64, Box<dyn Error>> {
    let output = folder().join("output");
    if output.exists() {
        fs::remove_dir_all(&output)?;
    }
    fs::create_dir_all(&output)?;
    let manifest = folder().join("windows.toml");
    fs::write(
        &manifest,
        manifest_of(configuration, &input(records, keys)?, &output),
    )?;
    let host = env::current_dir()?.join("target/release/jackfield");
    let finished = Command::new(host)
        .arg("run")
        .arg(&manifest)
        .args(["--log-format", "json"])
        .output()?;
    let log = String::from_utf8_lossy(&finished.stderr);
    let mut lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let summary = lines.rfind(|line| line["event"] == "summary");
    let summary = summary.ok_or_else(|| format!("the host did not come to the end:\n{log}"))?;
    let stages = summary["stages"].as_array().into_iter().flatten();
    let mut times = stages
        .filter(|stage| stage["name"] == "windows")
        .filter_map(|stage| stage["cpu_nanos"].as_f64());
    times
        .next()
        .map(|nanos| nanos / 1e9)
        .ok_or_else(|| "the host tells nothing of the stage".into())
}

fn input(records: u64, keys: u64) -> Result<PathBuf, Box<dyn Error>> {
    let path = folder().join(format!("windows-{records}-{keys}.jsonl"));
    if !path.exists() {
        let mut text = String::new();
        for event in events(records, keys) {
            writeln!(text, "{}", record(&event))?;
        }
        fs::write(&path, text)?;
    }
    Ok(path)
}

fn manifest_of(configuration: &Value, input: &Path, output: &Path) -> String {
    let plugins = env::current_dir().unwrap().join("target/plugins");
    let plugin = |name: &str| {
        plugins
            .join(name)
            .with_extension("wasm")
            .display()
            .to_string()
    };
    format!(
        "[pipeline]\nname = \"windows\"\n\
         [checkpoint]\npath = {:?}\n\
         [sources.records]\ntype = \"file\"\npaths = [{input:?}]\n\
         [stages.key]\nplugin = {:?}\ninputs.records = \"records\"\nwatermark = {{ out-of-orderness = \"{OUT_OF_ORDERNESS}ms\" }}\n\
         configuration = {{ key = \"record.k\", event-time = \"record.t\" }}\n\
         [stages.windows]\nplugin = {:?}\ninputs.records = \"key.keyed\"\nlimits = {{ memory = \"1 GiB\" }}\n\
         configuration = {}\n\
         [sinks.results]\ntype = \"jsonl\"\nfrom = \"windows.results\"\npath = {:?}\n",
        output.join("windows.db"),
        plugin("key-records"),
        plugin("aggregate-windows"),
        inline_table(configuration),
        output.join("results.jsonl"),
    )
}

/// JSON as TOML has it; there is no null in what is configured here.
fn inline_table(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name} = {}", inline_table(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
