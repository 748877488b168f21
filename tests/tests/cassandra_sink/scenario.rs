//! A pipeline that passes records of a file on to one table as they are.

use std::fs;
use std::path::{Path, PathBuf};

use jackfield_tests::harness::{Finished, Pipeline, guest};
use jackfield_tests::services::Cassandra;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rows of different sensors are of different partitions.
const SENSORS: u64 = 7;

pub struct Scenario {
    folder: TempDir,
    keyspace: String,
    connection: String,
    sink: String,
}

/// Reading number `n`, as a record and as the row that it becomes.
pub fn reading(n: u64) -> Value {
    json!({ "sensor": format!("s{}", n % SENSORS), "at": n, "value": n * n % 1000 })
}

/// The first so many of them.
pub fn readings(count: u64) -> Vec<Value> {
    (0..count).map(reading).collect()
}

/// What the plugin between source and sink passes on has to have two fields more.
fn line(record: &Value) -> String {
    let mut record = record.clone();
    record["n"] = json!(0);
    record["key"] = json!("k");
    format!("{record}\n")
}

impl Scenario {
    /// On a node, in a keyspace of its own.
    pub fn new(cassandra: &Cassandra, keyspace: &str, records: &[Value]) -> Self {
        let folder = TempDir::new().unwrap();
        let lines: String = records.iter().map(line).collect();
        fs::write(folder.path().join("records.jsonl"), lines).unwrap();
        Self {
            folder,
            keyspace: keyspace.to_owned(),
            connection: format!("nodes = [\"{}\"]", cassandra.address()),
            sink: format!("{READINGS}\ncreate-tables = true"),
        }
    }

    /// Describes the connection otherwise.
    pub fn connection(mut self, options: &str) -> Self {
        self.connection = options.to_owned();
        self
    }

    /// Describes the table otherwise.
    pub fn sink(mut self, options: &str) -> Self {
        self.sink = options.to_owned();
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its table, with the keyspace.
    pub fn table(&self) -> String {
        format!("{}.readings", self.keyspace)
    }

    fn write(&self) -> PathBuf {
        let Self {
            keyspace,
            connection,
            sink,
            ..
        } = self;
        let plugin = guest("misbehave");
        let manifest = format!(
            r#"
            [pipeline]
            name = "readings"
            [checkpoint]
            path = "readings.db"
            interval = "200ms"
            minimum-pause = "0s"
            [connections.tables]
            type = "cassandra"
            {connection}
            [sources.records]
            type = "file"
            paths = ["records.jsonl"]
            maximum-record-bytes = "16 MiB"
            [stages.pass]
            plugin = {plugin:?}
            inputs.records = "records"
            [sinks.readings]
            type = "cassandra"
            from = "pass.echo"
            connection = "tables"
            keyspace = "{keyspace}"
            table = "readings"
            {sink}
            "#
        );
        let path = self.folder.path().join("manifest.toml");
        fs::write(&path, manifest).unwrap();
        path
    }

    pub fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.write(), self.folder.path())
    }

    pub fn run(&self) -> Finished {
        self.pipeline().run().unwrap()
    }

    /// Why records are in the dead-letter queue, in the order of the input.
    pub fn letters(&self) -> Vec<String> {
        let path = self.folder.path().join("readings.db");
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let query = "SELECT message FROM jackfield_dead_letters ORDER BY id";
        let mut statement = database.prepare(query).unwrap();
        let messages = statement.query_map([], |row| row.get(0)).unwrap();
        messages.map(Result::unwrap).collect()
    }
}

/// The table of readings as a manifest describes it.
pub const READINGS: &str = r#"
    columns = { sensor = "text", at = "bigint", value = "int" }
    primary-key = { partition = ["sensor"], clustering = ["at"] }"#;

/// The table has these rows and no others.
#[track_caller]
pub fn assert_rows(cassandra: &Cassandra, table: &str, expected: &[Value]) {
    let by_text = |mut rows: Vec<Value>| {
        rows.sort_by_key(Value::to_string);
        rows
    };
    let (rows, expected) = (
        by_text(cassandra.rows(table).unwrap()),
        by_text(expected.to_vec()),
    );
    if rows == expected {
        return;
    }
    let lost: Vec<_> = expected.iter().filter(|row| !rows.contains(row)).collect();
    let found: Vec<_> = rows.iter().filter(|row| !expected.contains(row)).collect();
    let some = |rows: &[&Value]| {
        rows.iter()
            .take(5)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    panic!(
        "{} rows for {}; lost {} {:?}, not expected {} {:?}",
        rows.len(),
        expected.len(),
        lost.len(),
        some(&lost),
        found.len(),
        some(&found)
    );
}

/// The run failed, and said all of this.
#[track_caller]
pub fn assert_failed(finished: &Finished, words: &[&str]) {
    assert_ne!(finished.code(), Some(0), "{}", finished.stderr);
    for word in words {
        assert!(
            finished.stderr.contains(word),
            "`{word}` is not in\n{}",
            finished.stderr
        );
    }
}
