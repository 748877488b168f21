//! How fast, and at what cost.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use jackfield_tests::chart::grouped;
use jackfield_tests::harness::{Finished, Pipeline};
use jackfield_tests::native::NativePipeline;
use serde_json::Value;

use super::{Measured, input, output};

const MIB: u64 = 1024 * 1024;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 5_000_000)]
    records: u64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Instances of each stage.
    #[arg(long, default_value_t = 1)]
    parallelism: u64,
}

/// One run.
struct Round {
    wall: f64,
    cpu: f64,
    memory: u64,
    /// CPU seconds of each stage, as the host accounts for them.
    stages: BTreeMap<String, f64>,
}

pub fn measure(options: &Options) -> Measured {
    let input = input(options.records)?;
    let mut rounds = Vec::new();
    println!("round   wall s   CPU s   records/s   records/CPU s   CPU ns/record   peak MiB");
    for number in 1..=options.rounds.max(1) {
        let round = run(options, &input)?;
        print_round(&number.to_string(), &round, options.records);
        rounds.push(round);
    }
    let median = median_round(&rounds);
    print_round("median", &median, options.records);
    print_stages(
        &median.stages,
        &native_stage_times(&input)?,
        options.records,
    );
    compare_with_flink(&input, &median, options)
}

pub fn measure_natively(options: &Options) -> Measured {
    let times = native_stage_times(&input(options.records)?)?;
    print_stages(&BTreeMap::new(), &times, options.records);
    Ok(())
}

fn native_stage_times(input: &Path) -> Result<BTreeMap<String, f64>, Box<dyn std::error::Error>> {
    let mut pipeline = NativePipeline::new()?;
    pipeline.run(
        &mut BufReader::with_capacity(1 << 20, File::open(input)?),
        |_| {},
    )?;
    Ok(pipeline.stage_times())
}

/// Beside each other, as far as they are known.
fn print_stages(sandboxed: &BTreeMap<String, f64>, native: &BTreeMap<String, f64>, records: u64) {
    println!(
        "\nCPU ns a record of each stage: in its sandbox, calls and copies included, and the same plugin natively\n"
    );
    println!(
        "  {:<12}{:>10}{:>10}{:>8}",
        "stage", "sandboxed", "native", "ratio"
    );
    let scale = 1e9 / records as f64;
    let print = |name: &str, sandboxed: Option<f64>, native: f64| {
        let time = sandboxed.map_or("-".to_owned(), |seconds| format!("{:.0}", seconds * scale));
        let ratio = sandboxed.map_or("-".to_owned(), |seconds| format!("{:.2}", seconds / native));
        println!("  {name:<12}{time:>10}{:>10.0}{ratio:>8}", native * scale);
    };
    for (name, seconds) in native {
        print(name, sandboxed.get(name).copied(), *seconds);
    }
    let all = native.keys().map(|name| sandboxed.get(name).copied()).sum();
    print("all", all, native.values().sum());
}

fn run(options: &Options, input: &Path) -> Result<Round, Box<dyn std::error::Error>> {
    let finished = Pipeline::data_actions(output("speed")?)
        .input(input)
        .set(&format!("pipeline.parallelism={}", options.parallelism))
        .with_json_log()
        .run()?
        .expect_success();
    Ok(Round {
        wall: finished.wall.as_secs_f64(),
        cpu: finished.cpu.as_secs_f64(),
        memory: finished.peak_memory,
        stages: stage_times(&finished),
    })
}

/// By the host's own account: the line of its log with the event `summary` has `stages`, each with `name` and `cpu_nanos`.
fn stage_times(finished: &Finished) -> BTreeMap<String, f64> {
    let mut lines = finished
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let summary = lines
        .rfind(|line| line["event"] == "summary")
        .unwrap_or_default();
    let stages = summary["stages"].as_array().into_iter().flatten();
    stages
        .filter_map(|stage| {
            Some((
                stage["name"].as_str()?.to_owned(),
                stage["cpu_nanos"].as_f64()? / 1e9,
            ))
        })
        .collect()
}

fn print_round(name: &str, round: &Round, records: u64) {
    let records = records as f64;
    println!(
        "{name:<6}{:>8.2}{:>8.2}{:>12}{:>16}{:>16.0}{:>11}",
        round.wall,
        round.cpu,
        grouped((records / round.wall) as u64),
        grouped((records / round.cpu) as u64),
        round.cpu * 1e9 / records,
        round.memory.div_ceil(MIB),
    );
}

fn median_round(rounds: &[Round]) -> Round {
    let stage = |name: &String| {
        median(
            rounds
                .iter()
                .filter_map(|round| round.stages.get(name).copied()),
        )
    };
    let names = rounds.iter().flat_map(|round| round.stages.keys());
    Round {
        wall: median(rounds.iter().map(|round| round.wall)),
        cpu: median(rounds.iter().map(|round| round.cpu)),
        memory: median(rounds.iter().map(|round| round.memory as f64)) as u64,
        stages: names.map(|name| (name.clone(), stage(name))).collect(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The same job on Apache Flink, by the script `flink.sh` in the folder that `FLINK_DIR` names. It prints a line
/// `RESULT … firstToEnd=SECONDS cpu=SECONDS peakRssMiB=MIB`.
fn compare_with_flink(input: &Path, median: &Round, options: &Options) -> Measured {
    let Some(folder) = env::var_os("FLINK_DIR").map(PathBuf::from) else {
        println!(
            "\nNot compared with Apache Flink: FLINK_DIR does not name the folder of its job."
        );
        return Ok(());
    };
    println!("\nApache Flink, the same input, its tuned job");
    let output = Command::new(folder.join("flink.sh"))
        .args([
            "DataActionsJob",
            "--tuned",
            "1",
            "--p",
            &options.parallelism.to_string(),
            "--input",
        ])
        .arg(input)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text
        .lines()
        .find(|line| line.starts_with("RESULT "))
        .ok_or("Flink's job printed no result")?;
    let number = |name: &str| {
        result
            .split(' ')
            .find_map(|word| word.strip_prefix(name)?.parse::<f64>().ok())
            .unwrap_or(f64::NAN)
    };
    let flink = Round {
        wall: number("firstToEnd="),
        cpu: number("cpu="),
        memory: number("peakRssMiB=") as u64 * MIB,
        stages: BTreeMap::new(),
    };
    print_round("Flink", &flink, options.records);
    println!(
        "Flink's wall time is from its first record on, without its start.\n\
         Records a CPU second: {:.1} times Flink's; peak memory: {:.1} % of Flink's.",
        flink.cpu / median.cpu,
        median.memory as f64 * 100.0 / flink.memory as f64,
    );
    Ok(())
}
