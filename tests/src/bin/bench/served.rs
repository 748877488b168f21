//! From a Kafka topic to Cassandra tables and another topic: how fast, what it costs whom, how late results come, and how long it takes to go on after a crash.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use jackfield_tests::chart::grouped;
use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::harness::Pipeline;
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::services::{Cassandra, Compression, Kafka};

use super::{Measured, output};

const UNLIMITED: u32 = 1_000_000_000;
const PARTITIONS: u32 = 4;
const MIB: u64 = 1024 * 1024;
/// Between two looks at the threads.
const LOOK: Duration = Duration::from_millis(50);
/// `_SC_CLK_TCK`, the unit of CPU time in `/proc`, is a hundredth of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// From one checkpoint to the next, milliseconds.
    #[arg(long, default_value_t = 1_000)]
    interval: u64,
    /// For how long records come at half of the speed that was measured, seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

pub fn measure(options: &Options) -> Measured {
    let folder = tempfile::tempdir()?;
    let kafka = Kafka::start(&folder.path().join("kafka"))?;
    let cassandra = Cassandra::start(&folder.path().join("cassandra"))?;
    let servers = (&kafka, &cassandra);
    let rate = throughput(servers, options)?;
    recovery(servers, options)?;
    latency(servers, options, (rate / 2.0) as u32)
}

fn prepare<'a>(
    servers: (&'a Kafka, &'a Cassandra),
    name: &str,
) -> Result<ServedPipeline<'a>, Box<dyn std::error::Error>> {
    let folder = output(name)?;
    Ok(ServedPipeline::prepare(servers, name, folder, PARTITIONS)?)
}

fn lines(records: u64) -> Vec<u8> {
    Generator::new(DEFAULT_SEED, Traffic::Plain).lines(records)
}

/// Records a second from the first to the last, with nothing held back.
fn throughput(
    servers: (&Kafka, &Cassandra),
    options: &Options,
) -> Result<f64, Box<dyn std::error::Error>> {
    let served = prepare(servers, "throughput")?;
    served.feed(&lines(options.records))?;
    let pipeline = served
        .pipeline(UNLIMITED)
        .checkpoint_every(options.interval);
    let mut host = pipeline.start()?;
    let mut threads = Threads::default();
    let mut looked = Instant::now();
    host.wait_until(|host| {
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            threads.look(host.process());
        }
        false
    })?;
    let finished = host.wait()?.expect_success();
    let rate = options.records as f64 / finished.wall.as_secs_f64();
    println!(
        "{} records from 4 partitions to Cassandra and Kafka, a checkpoint every {} ms:",
        grouped(options.records),
        options.interval
    );
    println!(
        "  {} records a second ({:.1} s with start and end), peak memory {} MiB",
        grouped(rate as u64),
        finished.wall.as_secs_f64(),
        finished.peak_memory / MIB
    );
    let each = |time: Duration| time.as_secs_f64() * 1e6 / options.records as f64;
    println!("  CPU time a record: {:.2} us", each(finished.cpu));
    for (group, time) in threads.groups() {
        println!("    {:5.2}  {group}", each(time));
    }
    pauses(&pipeline)?;
    Ok(rate)
}

/// How long the pipeline stood still for its checkpoints.
fn pauses(pipeline: &Pipeline) -> Measured {
    let arguments = ["--format", "json", "--limit", "100"];
    let listed = pipeline
        .run_command(&["checkpoint", "list"], &arguments)?
        .expect_success();
    let mut pauses: Vec<f64> = listed
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|checkpoint| Some(checkpoint["pause_micros"].as_f64()? / 1e6))
        .collect();
    pauses.sort_by(f64::total_cmp);
    if let (Some(middle), Some(longest)) = (pauses.get(pauses.len() / 2), pauses.last()) {
        println!(
            "  {} checkpoints: the pipeline stood still for {:.0} ms (median), {:.0} ms (longest)",
            pauses.len(),
            middle * 1e3,
            longest * 1e3
        );
    }
    Ok(())
}

/// From the start of a host after a SIGKILL to the first record that is read again.
fn recovery(servers: (&Kafka, &Cassandra), options: &Options) -> Measured {
    let served = prepare(servers, "recovery")?;
    served.feed(&lines(options.records))?;
    let pipeline = served
        .pipeline(UNLIMITED)
        .checkpoint_every(options.interval);
    let reads = |pipeline: &Pipeline| -> Result<u64, Box<dyn std::error::Error>> {
        let asked = pipeline.run_command(&["status"], &["--format", "json"])?;
        let status: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap_or_default();
        Ok(status["tasks"][0]["records"].as_u64().unwrap_or(0))
    };
    let host = pipeline.start()?;
    while reads(&pipeline)? < options.records / 3 {
        thread::sleep(LOOK);
    }
    host.kill()?;
    let begun = Instant::now();
    let host = pipeline.start()?;
    let committed = reads(&pipeline)?;
    while reads(&pipeline)? <= committed.max(1) {
        thread::sleep(Duration::from_millis(5));
    }
    println!(
        "after a SIGKILL it reads on {:.2} s after it is started again",
        begun.elapsed().as_secs_f64()
    );
    host.wait()?.expect_success();
    Ok(())
}

/// From a record's sending to its result's being seen by a reader of committed records.
fn latency(servers: (&Kafka, &Cassandra), options: &Options, rate: u32) -> Measured {
    let (kafka, _) = servers;
    let served = prepare(servers, "latency")?;
    let pipeline = served
        .pipeline(UNLIMITED)
        .checkpoint_every(options.interval)
        .set("sources.records.end=never");
    let host = pipeline.start()?;
    let records = u64::from(rate) * options.seconds;
    let ended = Arc::new(AtomicBool::new(false));
    let seen = kafka.watch_committed(served.enriched(), Arc::clone(&ended))?;
    let sent = Instant::now();
    let producer = kafka.producer(Compression::Lz4)?;
    let mut sending = Vec::new();
    for (index, message) in
        (0_u32..).zip(jackfield_tests::feed::messages(&lines(records), PARTITIONS))
    {
        let due = Duration::from_secs_f64(f64::from(index) / f64::from(rate));
        if let Some(wait) = due
            .checked_sub(sent.elapsed())
            .filter(|wait| !wait.is_zero())
        {
            thread::sleep(wait);
        }
        if let Some(interaction) = interaction(&message.text()) {
            sending.push((interaction, Instant::now()));
        }
        producer.send(served.input(), &message)?;
    }
    producer.flush()?;
    thread::sleep(Duration::from_millis(4 * options.interval));
    ended.store(true, Relaxed);
    let seen: BTreeMap<String, Instant> = seen
        .join()
        .map_err(|_| "the reader broke off")?
        .into_iter()
        .filter_map(|(message, at)| Some((interaction(&message.text())?, at)))
        .collect();
    host.terminate()?;
    host.wait()?.expect_success();
    let mut latencies: Vec<f64> = sending
        .iter()
        .filter_map(|(interaction, sent)| {
            Some(seen.get(interaction)?.duration_since(*sent).as_secs_f64())
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .copied()
    };
    println!(
        "at {} records a second, from sending to a reader of committed records: p50 {:.0} ms, p99 {:.0} ms ({} of {} seen)",
        grouped(rate.into()),
        at(0.5).unwrap_or(f64::NAN) * 1e3,
        at(0.99).unwrap_or(f64::NAN) * 1e3,
        grouped(latencies.len() as u64),
        grouped(sending.len() as u64)
    );
    Ok(())
}

fn interaction(line: &str) -> Option<String> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(record.get("interactionId")?.as_str()?.to_owned())
}

/// CPU time of a process's threads, those that have ended included, as far as they were seen.
#[derive(Default)]
struct Threads(BTreeMap<u64, (String, Duration)>);

impl Threads {
    fn look(&mut self, process: u32) {
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
            return;
        };
        for thread in threads.filter_map(Result::ok) {
            let number = thread
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let (Some(number), Some(known)) = (number, time_of(&thread.path())) {
                self.0.insert(number, known);
            }
        }
    }

    /// By what they work for, the most first.
    fn groups(&self) -> Vec<(String, Duration)> {
        let mut groups: BTreeMap<String, Duration> = BTreeMap::new();
        for (name, time) in self.0.values() {
            *groups.entry(group(name)).or_default() += *time;
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        groups
    }
}

fn group(thread: &str) -> String {
    let known = [
        ("source worker", "workers: sources, sandbox and exchange"),
        ("worker", "workers: sources, sandbox and exchange"),
        ("rdk:", "librdkafka"),
        ("producer", "librdkafka"),
        ("clients", "Cassandra client"),
        ("sink volumes", "sinks: rows into batches and messages"),
        ("sink", "sinks: rows into batches and messages"),
    ];
    let found = known
        .iter()
        .find(|(beginning, _)| thread.starts_with(beginning));
    found
        .map_or("the rest: checkpoints, state, start", |(_, group)| *group)
        .to_owned()
}

fn time_of(thread: &Path) -> Option<(String, Duration)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let ticks: u32 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    Some((name, TICK * ticks))
}
