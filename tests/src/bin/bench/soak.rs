//! A long run with something broken every minute: memory has to stay flat, and what was missed to be made up for.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use jackfield_tests::chart::grouped;
use jackfield_tests::generator::{DEFAULT_SEED, Generator, Traffic};
use jackfield_tests::harness::{Host, Pipeline};
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::services::{Cassandra, Compression, Kafka};

use super::{Measured, output};

const PARTITIONS: u32 = 4;
const MIB: u64 = 1024 * 1024;
const MINUTE: Duration = Duration::from_mins(1);

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Records a second that are fed.
    #[arg(long, default_value_t = 20_000)]
    rate: u32,
}

pub fn measure(options: &Options) -> Measured {
    let folder = tempfile::tempdir()?;
    let kafka = Kafka::start(&folder.path().join("kafka"))?;
    let cassandra = Cassandra::start(&folder.path().join("cassandra"))?;
    let data = output("soak")?;
    let served = ServedPipeline::prepare((&kafka, &cassandra), "soak", data, PARTITIONS)?;
    let pipeline = served
        .pipeline(1_000_000_000)
        .checkpoint_every(1_000)
        .set("sources.records.end=never");
    let begun = Instant::now();
    let host = thread::scope(|scope| -> Result<Host, Box<dyn Error>> {
        let mut host = pipeline.start()?;
        let feeding = scope.spawn(|| feed(&kafka, &served, options, begun));
        println!("minute  broken             memory MiB  lag records");
        for minute in 0..options.minutes {
            let broken =
                ["nothing", "Cassandra killed", "host killed", "Kafka killed"][minute as usize % 4];
            match broken {
                "Cassandra killed" => {
                    cassandra.kill()?;
                    cassandra.restart()?;
                }
                "host killed" => {
                    host.kill()?;
                    host = pipeline.start()?;
                }
                "Kafka killed" => {
                    kafka.kill()?;
                    kafka.restart()?;
                }
                _ => {}
            }
            let due = MINUTE * (minute + 1);
            thread::sleep(due.saturating_sub(begun.elapsed()));
            show(minute, broken, &host, &pipeline)?;
        }
        feeding.join().map_err(|_| "the feeder broke off")??;
        Ok(host)
    })?;
    host.terminate()?;
    host.wait()?.expect_success();
    Ok(())
}

fn show(minute: u32, broken: &str, host: &Host, pipeline: &Pipeline) -> Measured {
    let asked = pipeline.run_command(&["status"], &["--format", "json"])?;
    let status: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap_or_default();
    let lag = status["tasks"][0]["sources"][0]["lag"].as_u64();
    println!(
        "{minute:6}  {broken:17}  {:10}  {}",
        host.memory().unwrap_or(0) / MIB,
        lag.map_or_else(|| "not known".to_owned(), grouped)
    );
    Ok(())
}

/// Sends records at an even rate; what could not be sent in time is made up for.
fn feed(
    kafka: &Kafka,
    served: &ServedPipeline<'_>,
    options: &Options,
    begun: Instant,
) -> std::io::Result<()> {
    let mut generator = Generator::new(DEFAULT_SEED, Traffic::Plain);
    let producer = kafka.producer(Compression::Lz4)?;
    let end = MINUTE * options.minutes;
    let mut sent = 0.0;
    while begun.elapsed() < end {
        let due = begun.elapsed().as_secs_f64() * f64::from(options.rate);
        let missing = (due - sent).min(f64::from(options.rate)) as u64;
        let lines = generator.lines(missing);
        for message in jackfield_tests::feed::messages(&lines, PARTITIONS) {
            producer.send(served.input(), &message)?;
        }
        sent += missing as f64;
        thread::sleep(Duration::from_millis(50));
    }
    producer.flush()
}
