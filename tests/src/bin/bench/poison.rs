//! What it takes to find the one record of a batch that a plugin fails on: another attempt, and the batch record by record.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jackfield_tests::harness::{Pipeline, guest};

use super::{Measured, output};

/// The records of a batch of a file.
const BATCH: usize = 1024;

#[derive(clap::Args)]
pub struct Options {
    /// Measurements, of which the shortest counts: what is told is a difference, and whoever else is at work only adds to it.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

pub fn measure(options: &Options) -> Measured {
    let folder = output("poison")?;
    let shortest = |poison| shortest(options.rounds, &folder, poison);
    let (none, first, last) = (
        shortest(None)?,
        shortest(Some(0))?,
        shortest(Some(BATCH - 1))?,
    );
    // Two attempts are added. One feeds the records up to the poison alone, the other all but the poison.
    let others = BATCH as u32 - 1;
    let alone = last.saturating_sub(first) / others;
    let attempt = first.saturating_sub(none + alone * others) / 2;
    println!("a batch of {BATCH} records, from start to end");
    println!("  none is poison            {:7.1} ms", millis(none));
    println!("  the first one is          {:7.1} ms", millis(first));
    println!("  the last one is           {:7.1} ms", millis(last));
    println!(
        "an attempt with nothing to replay takes {:.1} ms, a record alone {:.0} µs",
        millis(attempt),
        millis(alone) * 1e3
    );
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn shortest(
    rounds: usize,
    folder: &Path,
    poison: Option<usize>,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let input = folder.join("records.jsonl");
    let mut lines = String::new();
    for n in 0..BATCH {
        let text = match poison == Some(n) {
            true => "POISON",
            false => "harmless",
        };
        writeln!(lines, r#"{{"n":{n},"key":"k{}","text":"{text}"}}"#, n % 7)?;
    }
    fs::write(&input, lines)?;
    let manifest = folder.join("poison.toml");
    fs::write(&manifest, text(&input))?;
    let mut shortest = Duration::MAX;
    for _ in 0..rounds.max(1) {
        let work = folder.join("work");
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        let finished = Pipeline::new(&manifest, &work).run()?;
        shortest = shortest.min(finished.expect_success().wall);
    }
    Ok(shortest)
}

/// A stage that traps at poison, and a keyed one behind it.
fn text(input: &Path) -> String {
    let (misbehave, stumble) = (guest("misbehave"), guest("stumble"));
    format!(
        r#"
        [pipeline]
        name = "poison"
        [checkpoint]
        path = "work/poison.db"
        interval = "1h"
        [sources.records]
        type = "file"
        paths = [{input:?}]
        [stages.pass]
        plugin = {misbehave:?}
        inputs.records = "records"
        watermark = {{ out-of-orderness = "1s" }}
        configuration = {{ misdeed = "trap" }}
        [stages.count]
        plugin = {stumble:?}
        inputs.records = "pass.keyed"
        [sinks.counts]
        type = "sqlite"
        from = "count.counts"
        table = "counts"
        columns = {{ key = "text", count = "integer" }}
        primary-key = ["key", "count"]
        "#
    )
}
