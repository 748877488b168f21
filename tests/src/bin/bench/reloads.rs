//! For how long a pipeline stands still for a reload, and what many of them leave behind.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jackfield_tests::chart::grouped;
use jackfield_tests::harness::{Host, Pipeline, repository};
use serde_json::Value;

use super::{Measured, folder, output, records};

const MIB: f64 = 1024.0 * 1024.0;

/// Reloads after which memory is looked at first: by then everything has been used once.
const WARM: usize = 20;

#[derive(clap::Args)]
pub struct Options {
    /// Customers whose profile is remembered, and changes all the time.
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
    /// Records a second.
    #[arg(long, default_value_t = 300_000)]
    speed: u64,
    /// One record in so many is of all customers in turn, the others are of a hundredth of them. With 1, every customer changes all the time.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    skew: u64,
    /// Reloads, one after another.
    #[arg(long, default_value_t = 20)]
    reloads: usize,
}

pub fn measure(options: &Options) -> Measured {
    // Three seconds a reload, and some for the start; with the last record the pipeline would end.
    let seconds = 20 + 3 * options.reloads as u64;
    let input = input(options.keys, options.skew, options.speed * seconds)?;
    let data = output("reloads")?;
    let plugin = data.join("join.wasm");
    let original = fs::read(repository().join("target/plugins/join-profiles.wasm"))?;
    fs::write(&plugin, &original)?;
    let manifest = data.join("profiles.toml");
    fs::write(&manifest, profiles(&input, options.speed, &plugin))?;
    // An empty one: every version is compiled, as one that comes for the first time.
    let cache = data.join("cache");
    let pipeline = Pipeline::new(manifest, data).code_cache(&cache);
    let mut host = pipeline.start()?;
    if !host.wait_until(|_| records(&pipeline) > options.keys * options.skew)? {
        return Err(format!("it ended at once\n{}", host.wait()?.stderr).into());
    }
    let mut pauses = Vec::new();
    let mut memory = Vec::new();
    for number in 0..options.reloads {
        rebuild(&plugin, &original, number)?;
        pauses.push(reload(&pipeline)?);
        memory.extend(host.memory());
    }
    let speed = speed(&pipeline, &host);
    host.kill()?;
    show(options, pauses, &memory, speed);
    Ok(())
}

/// Milliseconds that the pipeline stood still.
fn reload(pipeline: &Pipeline) -> Result<f64, Box<dyn std::error::Error>> {
    let asked = pipeline.run_command(&["reload"], &["--wait", "--format", "json"])?;
    let report: Value = serde_json::from_str(&asked.stdout)
        .map_err(|_| format!("{}{}", asked.stdout, asked.stderr))?;
    match (&report["step"], report["pause_seconds"].as_f64()) {
        (Value::String(step), Some(pause)) if step == "done" => Ok(pause * 1_000.0),
        _ => Err(format!("the reload came to another end: {report}").into()),
    }
}

fn show(options: &Options, mut pauses: Vec<f64>, memory: &[u64], speed: f64) {
    pauses.sort_by(f64::total_cmp);
    let at = |share: f64| pauses[((pauses.len() - 1) as f64 * share).round() as usize];
    println!(
        "{} reloads, {} keys, {} records a second: stood still p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms",
        pauses.len(),
        grouped(options.keys),
        grouped(speed as u64),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    if let (Some(first), Some(last)) = (memory.get(WARM), memory.last()) {
        println!(
            "resident memory after {WARM} reloads {:.0} MiB, after {} {:.0} MiB",
            *first as f64 / MIB,
            memory.len(),
            *last as f64 / MIB
        );
    }
}

/// The same plugin with another digest: what it holds beside code is other.
fn rebuild(plugin: &Path, original: &[u8], number: usize) -> Measured {
    let name = format!("build {number:06}");
    let mut bytes = original.to_vec();
    bytes.push(0);
    bytes.push(u8::try_from(name.len() + 1)?);
    bytes.push(u8::try_from(name.len())?);
    bytes.extend_from_slice(name.as_bytes());
    let beside = plugin.with_extension("new");
    fs::write(&beside, bytes)?;
    Ok(fs::rename(beside, plugin)?)
}

fn profiles(input: &Path, speed: u64, join: &Path) -> String {
    format!(
        r#"
        [pipeline]
        name = "profiles"
        [checkpoint]
        path = "profiles.db"
        interval = "1s"
        [reload]
        shadow = {{ records = 2000, duration = "200ms" }}
        probation = {{ duration = "100ms", slowdown = 10 }}
        [sources.records]
        type = "file"
        paths = [{input:?}]
        rate-limit = {{ records-per-second = {speed}, burst = {speed} }}
        [stages.parse]
        plugin = {parse:?}
        inputs.lines = "records"
        watermark = {{ out-of-orderness = "5s" }}
        [stages.join]
        plugin = {join:?}
        inputs.customers = "parse.customers"
        [sinks.enriched]
        type = "jsonl"
        from = "join.enriched"
        path = "enriched.jsonl"
        "#,
        parse = repository().join("target/plugins/parse-interactions.wasm"),
    )
}

fn speed(pipeline: &Pipeline, host: &Host) -> f64 {
    records(pipeline) as f64 / host.age().as_secs_f64()
}

/// Profiles of customers: one in `skew` of all of them in turn, the others of a hundredth in turn.
fn input(keys: u64, skew: u64, records: u64) -> std::io::Result<PathBuf> {
    let path = folder().join(format!("changes-{keys}-{skew}-{records}.jsonl"));
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(folder())?;
    println!("writing {}", path.display());
    let unfinished = path.with_extension("unfinished");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    for number in 0..records {
        let customer = match number % skew {
            0 => number / skew % keys,
            _ => number % (keys / 100).max(1),
        };
        let round = number / keys;
        writeln!(
            file,
            r#"{{"recordType":"customer_update","customerId":"c{customer:06}","tier":"T{round}","region":"eu","timestamp":{}}}"#,
            1_700_000_000_000 + number / 300
        )?;
    }
    file.into_inner()
        .map_err(std::io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(unfinished, &path)?;
    Ok(path)
}
