//! A pipeline that passes the records of one topic on to another, and to a table.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use jackfield_tests::harness::{Finished, Host, Pipeline, repository};
use jackfield_tests::services::{Kafka, Message};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// Topics of a shared broker need names of their own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Scenario<'a> {
    pub kafka: &'a Kafka,
    folder: TempDir,
    pub input: String,
    pub output: String,
    pub source: String,
    pub connection: String,
    pub checkpoints: String,
}

/// Record number `n`.
pub fn line(n: u64) -> String {
    format!(r#"{{"n":{n},"key":"k{}","text":"harmless"}}"#, n % 7)
}

/// The numbers of the records in these lines.
pub fn numbers(lines: &[String]) -> Vec<u64> {
    let number = |line: &String| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["n"].as_u64().unwrap()
    };
    lines.iter().map(number).collect()
}

impl<'a> Scenario<'a> {
    /// Two topics with so many partitions, and a pipeline that reads to the end of the first.
    pub fn new(kafka: &'a Kafka, partitions: u32) -> Self {
        let scenario = Self::without_topics(kafka);
        kafka.create_topic(&scenario.input, partitions).unwrap();
        kafka.create_topic(&scenario.output, partitions).unwrap();
        scenario
    }

    pub fn without_topics(kafka: &'a Kafka) -> Self {
        let number = NUMBER.fetch_add(1, Relaxed);
        Self {
            kafka,
            folder: TempDir::new().unwrap(),
            input: format!("input-{number}"),
            output: format!("output-{number}"),
            source: "end = \"end-of-topic\"".to_owned(),
            connection: String::new(),
            checkpoints: "interval = \"100ms\"\nminimum-pause = \"0s\"".to_owned(),
        }
    }

    /// More options of the source.
    pub fn source(mut self, options: &str) -> Self {
        self.source = options.to_owned();
        self
    }

    /// More options of the connection.
    pub fn connection(mut self, options: &str) -> Self {
        self.connection = options.to_owned();
        self
    }

    /// Appends records with these numbers to the input, in turns over its partitions.
    pub fn feed(&self, numbers: std::ops::Range<u64>) {
        let partitions = u64::from(self.kafka.partitions(&self.input).unwrap());
        let messages: Vec<Message> = numbers
            .map(|n| {
                Message::new(line(n))
                    .to_partition((n % partitions) as u32)
                    .at(1000 + n as i64)
            })
            .collect();
        self.kafka.produce(&self.input, &messages).unwrap();
    }

    fn manifest(&self) -> String {
        let Self {
            input,
            output,
            source,
            connection,
            checkpoints,
            ..
        } = self;
        let address = self.kafka.address();
        let misbehave = repository().join("target/guests/misbehave.wasm");
        format!(
            r#"
            [pipeline]
            name = "from-{input}"
            [checkpoint]
            path = "pipeline.db"
            {checkpoints}
            [connections.cluster]
            type = "kafka"
            bootstrap-servers = "{address}"
            {connection}
            [sources.records]
            type = "kafka"
            connection = "cluster"
            topic = "{input}"
            {source}
            [stages.pass]
            plugin = {misbehave:?}
            inputs.records = "records"
            watermark = {{ out-of-orderness = "1s" }}
            [sinks.topic]
            type = "kafka"
            from = "pass.echo"
            connection = "cluster"
            topic = "{output}"
            key = "key"
            [sinks.table]
            type = "sqlite"
            from = "pass.echo"
            table = "echo"
            columns = {{ n = "integer", key = "text" }}
            primary-key = ["n"]
            "#
        )
    }

    pub fn pipeline(&self) -> Pipeline {
        let path = self.folder.path().join("manifest.toml");
        fs::write(&path, self.manifest()).unwrap();
        Pipeline::new(path, self.folder.path())
    }

    pub fn start(&self) -> Host {
        self.pipeline().start().unwrap()
    }

    pub fn run(&self) -> Finished {
        self.pipeline().run().unwrap()
    }

    /// What a reader of committed records finds in the output.
    pub fn output(&self) -> Vec<Message> {
        self.kafka.read_committed(&self.output).unwrap()
    }

    /// The numbers of the records in the output, by rising number, as often as they are there.
    pub fn numbers(&self) -> Vec<u64> {
        let lines: Vec<String> = self.output().iter().map(Message::text).collect();
        let mut numbers = numbers(&lines);
        numbers.sort_unstable();
        numbers
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("pipeline.db")
    }

    /// The numbers of the records in the table.
    pub fn rows(&self) -> Vec<u64> {
        self.query("SELECT n FROM echo ORDER BY n", |row| {
            row.get::<_, i64>(0).map(|n| n as u64)
        })
    }

    /// Code and message of the dead letters.
    pub fn letters(&self) -> Vec<(String, String)> {
        self.query(
            "SELECT code, message FROM jackfield_dead_letters ORDER BY id",
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub fn query<T>(
        &self,
        query: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = Connection::open_with_flags(self.database(), flags).unwrap();
        let mut statement = database.prepare(query).unwrap();
        let rows = statement.query_map([], read).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}
