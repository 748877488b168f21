//! What a checkpoint of many keys costs, and how long it takes to load them again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jackfield_tests::chart::grouped;
use jackfield_tests::harness::{Host, Pipeline, repository};
use serde_json::Value;

use super::{Measured, folder, output, records, task};

const MIB: f64 = 1024.0 * 1024.0;

/// Records behind those that the state is made of, so that the host can be stopped before the end.
const MORE: u64 = 3_000_000;

#[derive(clap::Args)]
pub struct Options {
    /// Customers whose profile is remembered.
    #[arg(long, default_values_t = [100_000, 1_000_000])]
    keys: Vec<u64>,
}

pub fn measure(options: &Options) -> Measured {
    println!("store         keys       written  standstill  loaded after  peak memory");
    for &keys in &options.keys {
        let input = input(keys)?;
        for store in ["sqlite", "object-store"] {
            measure_one(&input, keys, store)?;
        }
    }
    Ok(())
}

fn measure_one(input: &Path, keys: u64, store: &str) -> Measured {
    let data = output("checkpoints")?;
    let manifest = data.join("profiles.toml");
    std::fs::write(&manifest, profiles(input, store))?;
    let pipeline = Pipeline::new(manifest, data);
    let mut host = pipeline.start()?;
    if !host.wait_until(|_| records(&pipeline) > keys)? {
        return Err("the input was too short to stop before its end".into());
    }
    host.terminate()?;
    let finished = host.wait()?.expect_success();
    let listed = pipeline.run_command(
        &["checkpoint", "list"],
        &["--format", "json", "--limit", "1"],
    )?;
    let checkpoint: Value = serde_json::from_str(&listed.stdout)?;
    let number = |name: &str| checkpoint[name].as_u64().unwrap_or(0);

    let mut host = pipeline.start()?;
    let is_running = |_: &Host| state(&pipeline) == "running";
    if !host.wait_until_closely(is_running)? {
        return Err("it ended before it was seen running".into());
    }
    let loaded = host.age();
    host.kill()?;
    println!(
        "{store:12}  {:9}  {:5.1} MiB  {:7.0} ms  {:10.2} s  {:7.0} MiB",
        grouped(number("entries_written")),
        number("bytes_written") as f64 / MIB,
        number("pause_micros") as f64 / 1_000.0,
        loaded.as_secs_f64(),
        finished.peak_memory as f64 / MIB
    );
    Ok(())
}

/// A pipeline that remembers the profiles of customers.
fn profiles(input: &Path, store: &str) -> String {
    let plugins = repository().join("target/plugins");
    let place = match store {
        "sqlite" => "path = \"profiles.db\"",
        _ => "type = \"object-store\"\nurl = \"objects\"",
    };
    format!(
        r#"
        [pipeline]
        name = "profiles"
        [checkpoint]
        {place}
        interval = "1h"
        [sources.records]
        type = "file"
        paths = [{input:?}]
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
        parse = plugins.join("parse-interactions.wasm"),
        join = plugins.join("join-profiles.wasm"),
    )
}

fn state(pipeline: &Pipeline) -> String {
    task(pipeline)["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Profiles of so many customers, and then interactions with one of them.
fn input(keys: u64) -> std::io::Result<PathBuf> {
    let path = folder().join(format!("customers-{keys}.jsonl"));
    if path.exists() {
        return Ok(path);
    }
    std::fs::create_dir_all(folder())?;
    let unfinished = path.with_extension("unfinished");
    let mut lines = BufWriter::new(File::create(&unfinished)?);
    for key in 0..keys {
        writeln!(
            lines,
            r#"{{"recordType":"customer_update","customerId":"c{key:07}","tier":"gold","region":"emea","timestamp":1700000000000}}"#
        )?;
    }
    for record in 0..MORE {
        writeln!(
            lines,
            r#"{{"recordType":"interaction","interactionId":"i{record:09}","customerId":"c0000000","channel":"voice","status":"SUCCESS","timestamp":{}}}"#,
            1_700_000_000_000 + record
        )?;
    }
    lines.flush()?;
    std::fs::rename(unfinished, &path)?;
    Ok(path)
}
