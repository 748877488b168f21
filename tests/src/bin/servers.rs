//! Fills and shows what the example between Kafka and Cassandra reads and writes; `examples/data-actions/services` starts the servers.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use jackfield_tests::feed;
use jackfield_tests::services::{CassandraClient, Compression, KafkaClient};
use serde_json::Value;

const INPUT: &str = "cxone-data-actions";
const ENRICHED: &str = "cxone-data-actions-enriched";
/// Rows and records that are shown of each kind.
const SHOWN: usize = 5;

/// Fills and shows what the example between Kafka and Cassandra reads and writes.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the topics of the example if they are missing.
    Prepare {
        #[command(flatten)]
        kafka: Broker,
        /// Partitions of each topic.
        #[arg(long, default_value_t = 4)]
        partitions: u32,
    },
    /// Appends the lines of a file to the topic that the example reads.
    Feed {
        #[command(flatten)]
        kafka: Broker,
        file: PathBuf,
    },
    /// Shows what the example has written.
    Show {
        #[command(flatten)]
        kafka: Broker,
        /// A node of the cluster, `HOST:PORT`.
        #[arg(long)]
        cassandra: String,
    },
}

#[derive(Args)]
struct Broker {
    /// A broker of the cluster, `HOST:PORT`.
    #[arg(long = "kafka")]
    address: String,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Prepare { kafka, partitions } => prepare(&kafka.client(), partitions),
        Command::Feed { kafka, file } => feed_file(&kafka.client(), &file),
        Command::Show { kafka, cassandra } => show(&kafka.client(), &cassandra),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

impl Broker {
    fn client(&self) -> KafkaClient {
        KafkaClient::of(&self.address)
    }
}

fn prepare(kafka: &KafkaClient, partitions: u32) -> Result<(), Box<dyn Error>> {
    for topic in [INPUT, ENRICHED] {
        if !kafka.has_topic(topic)? {
            kafka.create_topic(topic, partitions)?;
        }
    }
    Ok(())
}

fn feed_file(kafka: &KafkaClient, file: &PathBuf) -> Result<(), Box<dyn Error>> {
    let lines = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let partitions = kafka.partitions(INPUT)?;
    let producer = kafka.producer(Compression::Lz4)?;
    let mut count = 0;
    for message in feed::messages(&lines, partitions) {
        producer.send(INPUT, &message)?;
        count += 1;
    }
    producer.flush()?;
    println!("{count} records in {partitions} partitions of the topic {INPUT}");
    Ok(())
}

fn show(kafka: &KafkaClient, cassandra: &str) -> Result<(), Box<dyn Error>> {
    let cassandra = CassandraClient::of(cassandra, None)?;
    println!("interactions a channel, of cxone_analytics.interaction_volumes:");
    let mut volumes = BTreeMap::new();
    for row in cassandra.rows("cxone_analytics.interaction_volumes")? {
        if let (Some(channel), Some(volume)) = (row["channel"].as_str(), row["volume"].as_i64()) {
            let (windows, sum) = volumes.entry(channel.to_owned()).or_insert((0, 0));
            *windows += 1;
            *sum += volume;
        }
    }
    for (channel, (windows, volume)) in volumes {
        println!("  {channel:<12} {volume:>6} in {windows} windows");
    }
    let alerts = cassandra.rows("cxone_analytics.pattern_alerts")?;
    println!("{} of cxone_analytics.pattern_alerts:", alerts.len());
    print_first(alerts.iter().map(Value::to_string));
    let enriched = kafka.read_committed(ENRICHED)?;
    println!("{} of the topic {ENRICHED}:", enriched.len());
    print_first(enriched.iter().map(|message| message.text()));
    Ok(())
}

fn print_first(texts: impl Iterator<Item = String>) {
    for text in texts.take(SHOWN) {
        println!("  {text}");
    }
}
