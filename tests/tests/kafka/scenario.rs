//! A pipeline that passes the records of one topic on to another, and to a table.

use std::fs;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use jackfield_tests::harness::{Finished, Host, Pipeline, guest};
use jackfield_tests::services::{Kafka, Message};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// Topics of a shared broker need names of their own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Scenario<'a> {
    pub kafka: &'a Kafka,
    folder: TempDir,
    pub name: String,
    pub input: String,
    pub output: String,
    source: String,
    sink: String,
    connection: String,
    letters: String,
}

/// Record number `n`.
pub fn line(n: u64) -> String {
    format!(r#"{{"n":{n},"key":"k{}","text":"harmless"}}"#, n % 7)
}

/// The number of a record.
fn number(message: &Message) -> u64 {
    let record: serde_json::Value = serde_json::from_str(&message.text()).unwrap();
    record["n"].as_u64().unwrap()
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
            name: format!("from-input-{number}"),
            input: format!("input-{number}"),
            output: format!("output-{number}"),
            source: "end = \"end-of-topic\"".to_owned(),
            sink: "key = \"key\"".to_owned(),
            connection: String::new(),
            letters: String::new(),
        }
    }

    /// The same pipeline, as if it had never run.
    pub fn afresh(self) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            ..self
        }
    }

    /// The same pipeline on another machine, which has what this one has written by now.
    pub fn copy(&self) -> Self {
        let folder = TempDir::new().unwrap();
        for file in ["pipeline.db", "pipeline.db-wal"] {
            let path = self.folder.path().join(file);
            if path.exists() {
                fs::copy(path, folder.path().join(file)).unwrap();
            }
        }
        Self {
            kafka: self.kafka,
            folder,
            name: self.name.clone(),
            input: self.input.clone(),
            output: self.output.clone(),
            source: self.source.clone(),
            sink: self.sink.clone(),
            connection: self.connection.clone(),
            letters: self.letters.clone(),
        }
    }

    /// Makes the input again, after it was deleted: brokers forget a topic a little later than they say.
    pub fn recreate_input(&self, partitions: u32) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = self.kafka.create_topic(&self.input, partitions) {
            assert!(Instant::now() < deadline, "{error}");
        }
        while let Err(error) = self.kafka.partitions(&self.input) {
            assert!(Instant::now() < deadline, "{error}");
        }
    }

    /// The dead-letter queue.
    pub fn dead_letters(mut self, table: &str) -> Self {
        self.letters = table.to_owned();
        self
    }

    /// More options of the sink to a topic.
    pub fn sink(mut self, options: &str) -> Self {
        self.sink = options.to_owned();
        self
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
    pub fn feed(&self, numbers: Range<u64>) {
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
            sink,
            connection,
            name,
            letters,
            ..
        } = self;
        let address = self.kafka.address();
        let misbehave = guest("misbehave");
        format!(
            r#"
            [pipeline]
            name = "{name}"
            [checkpoint]
            path = "pipeline.db"
            interval = "100ms"
            minimum-pause = "0s"
            [connections.cluster]
            type = "kafka"
            bootstrap-servers = "{address}"
            {connection}
            {letters}
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
            {sink}
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
        let mut numbers: Vec<u64> = self.output().iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Both topic and table have each of these records once.
    pub fn assert_each_once(&self, expected: Range<u64>) {
        for found in [self.numbers(), self.rows()] {
            let lost: Vec<u64> = expected.clone().filter(|n| !found.contains(n)).collect();
            let is_twin = |pair: &[u64]| pair[0] == pair[1];
            let doubled = found.windows(2).filter(|pair| is_twin(pair)).count();
            let count = expected.end - expected.start;
            assert!(
                lost.is_empty() && found.len() as u64 == count,
                "{} of {count} records, {doubled} doubled, {} lost from {:?} to {:?}\n{}",
                found.len(),
                lost.len(),
                lost.first(),
                lost.last(),
                self.log()
            );
        }
    }

    /// What the host has said by now.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.stderr")).unwrap_or_default()
    }

    /// Whether so many records at least are committed to the table.
    pub fn has_rows(&self, count: u64) -> bool {
        self.count("SELECT count(*) FROM echo")
            .is_some_and(|found| found >= count)
    }

    pub fn has_checkpoint(&self) -> bool {
        self.count("SELECT count(*) FROM jackfield_checkpoints")
            .is_some_and(|found| found > 0)
    }

    /// Whether there is a checkpoint that counts only if its transaction was committed.
    pub fn has_undecided(&self) -> bool {
        self.count("SELECT count(*) FROM jackfield_checkpoints WHERE undecided")
            .is_some_and(|found| found > 0)
    }

    /// None while there is no such table.
    fn count(&self, query: &str) -> Option<u64> {
        let count = self.open().ok()?.query_row(query, [], |row| row.get(0));
        count.ok().map(i64::cast_unsigned)
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let path = self.folder.path().join("pipeline.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
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
        let database = self.open().unwrap();
        let mut statement = database.prepare(query).unwrap();
        let rows = statement.query_map([], read).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}
