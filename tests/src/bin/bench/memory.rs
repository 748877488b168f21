//! Resident memory through a long run: it has to be flat.

use std::time::Duration;

use jackfield_tests::chart::{columns, condense, grouped};
use jackfield_tests::harness::Pipeline;

use super::{Measured, input, output};

const SAMPLE: Duration = Duration::from_millis(100);
const MIB: u64 = 1024 * 1024;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 20_000_000)]
    records: u64,
    /// Instances of each stage.
    #[arg(long, default_value_t = 1)]
    parallelism: u64,
    /// The most that is allowed, in MiB.
    #[arg(long, default_value_t = 200)]
    limit: u64,
}

pub fn measure(options: &Options) -> Measured {
    let pipeline = Pipeline::data_actions(output("memory")?)
        .input(&input(options.records)?)
        .set(&format!("pipeline.parallelism={}", options.parallelism));
    let mut samples = Vec::new();
    let mut host = pipeline.start()?;
    host.wait_until(|host| {
        if host.age() >= SAMPLE * samples.len() as u32 {
            samples.extend(host.memory());
        }
        false
    })?;
    let finished = host.wait()?.expect_success();
    let greatest = samples.iter().copied().max().unwrap_or(0);
    println!(
        "{} records, resident memory every 100 ms ({} samples), MiB:\n",
        grouped(options.records),
        samples.len()
    );
    let peaks: Vec<u64> = samples
        .chunks(samples.len().div_ceil(64).max(1))
        .filter_map(|chunk| chunk.iter().copied().max())
        .collect();
    for line in columns(&condense(&peaks, 64), greatest, 4) {
        println!("  {line}");
    }
    let thirds: Vec<u64> = samples
        .chunks(samples.len().div_ceil(3).max(1))
        .filter_map(|chunk| chunk.iter().max())
        .map(|most| most / MIB)
        .collect();
    println!(
        "\nmost in each third: {thirds:?}; by the kernel's own count (VmHWM): {}",
        finished.peak_memory / MIB
    );
    println!(
        "peak: {} MiB, allowed: {} MiB",
        finished.peak_memory.div_ceil(MIB),
        options.limit
    );
    if finished.peak_memory > options.limit * MIB {
        return Err("more memory than allowed".into());
    }
    Ok(())
}
