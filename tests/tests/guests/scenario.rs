//! A pipeline of two plugins that misbehave when they are told to: `pass` (the guest `misbehave`, no keys) passes every record
//! on, `count` (the guest `stumble`) counts them by key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use jackfield_tests::harness::{Finished, Pipeline, guest};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Keys of the records, in turns.
const KEYS: u64 = 7;

/// What provokes the guest `misbehave`.
pub const POISON: &str = "POISON";

/// A dead letter: stage, code, record, message.
pub type Letter = (String, String, String, String);

pub struct Scenario {
    folder: TempDir,
    name: &'static str,
    partitions: Vec<Vec<String>>,
    parallelism: usize,
    pass: String,
    count: String,
    /// Of both stages.
    limits: String,
    /// More of them for `count`.
    count_limits: String,
    rate_limit: String,
    checkpoints: String,
    recovery: String,
    plugin_of_pass: PathBuf,
}

/// Record number `n` with this text in it.
pub fn line(n: u64, text: &str) -> String {
    format!(r#"{{"n":{n},"key":"k{}","text":"{text}"}}"#, n % KEYS)
}

/// So many records, of which those with these numbers are poison.
pub fn lines(count: u64, poison: &[u64]) -> Vec<String> {
    let text = |n| {
        if poison.contains(&n) {
            POISON
        } else {
            "harmless"
        }
    };
    (0..count).map(|n| line(n, text(n))).collect()
}

pub fn is_poison(line: &str) -> bool {
    line.contains(POISON)
}

/// SHA-256 of a guest, in hexadecimal.
pub fn digest(name: &str) -> String {
    Sha256::digest(fs::read(guest(name)).unwrap())
        .iter()
        .fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
}

impl Scenario {
    pub fn new(lines: Vec<String>) -> Self {
        Self::with_partitions(vec![lines])
    }

    pub fn with_partitions(partitions: Vec<Vec<String>>) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            name: "guests",
            partitions,
            parallelism: 1,
            pass: String::new(),
            count: String::new(),
            limits: "cpu-time = \"300ms\", memory = \"64 MiB\", host-calls = 10_000".to_owned(),
            count_limits: String::new(),
            rate_limit: String::new(),
            checkpoints: "interval = \"60s\"".to_owned(),
            recovery: String::new(),
            plugin_of_pass: guest("misbehave"),
        }
    }

    /// Configures `pass`, as in `misdeed = "trap"`.
    pub fn pass(mut self, configuration: &str) -> Self {
        self.pass = configuration.to_owned();
        self
    }

    /// Configures `count`, as in `record = 2`.
    pub fn count(mut self, configuration: &str) -> Self {
        self.count = configuration.to_owned();
        self
    }

    /// More limits of both stages, as in `output-bytes = "1 MiB"`.
    pub fn limits(mut self, limits: &str) -> Self {
        self.limits = format!("{}, {limits}", self.limits);
        self
    }

    /// More limits of `count`, in place of those that were said before.
    pub fn limits_of_count(mut self, limits: &str) -> Self {
        self.count_limits = format!(", {limits}");
        self
    }

    /// Reads so many records a second.
    pub fn records_per_second(mut self, records: u64) -> Self {
        self.rate_limit = format!("rate-limit = {{ records-per-second = {records}, burst = 1 }}");
        self
    }

    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    pub fn parallelism(mut self, parallelism: usize) -> Self {
        self.parallelism = parallelism;
        self
    }

    pub fn checkpoint_every(mut self, interval: &str) -> Self {
        self.checkpoints = format!("interval = \"{interval}\"\nminimum-pause = \"0s\"");
        self
    }

    /// From now on `pass` is another plugin, which does the same: its file ends with a section that means nothing.
    pub fn next_version_of_pass(mut self) -> Self {
        const SECTION: [u8; 7] = [0, 5, 4, b'n', b'e', b'x', b't'];
        let next = self.path("next.wasm");
        let bytes = fs::read(guest("misbehave")).unwrap();
        fs::write(&next, [&bytes[..], &SECTION].concat()).unwrap();
        self.plugin_of_pass = next;
        self
    }

    /// What becomes of the pipeline when plugins fail, as in `on-breaker = "pause"`.
    pub fn recovery(mut self, options: &str) -> Self {
        self.recovery = options.to_owned();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes manifest and input; gives the path of the manifest.
    pub fn write(&self) -> PathBuf {
        let mut paths = Vec::new();
        for (number, lines) in self.partitions.iter().enumerate() {
            let path = self.path(&format!("{number}.jsonl"));
            let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
            fs::write(&path, text).unwrap();
            paths.push(path);
        }
        let manifest = self.path("manifest.toml");
        fs::write(&manifest, self.manifest(&paths)).unwrap();
        manifest
    }

    fn manifest(&self, inputs: &[PathBuf]) -> String {
        let Self {
            name,
            parallelism,
            pass,
            count,
            limits,
            count_limits,
            rate_limit,
            checkpoints,
            recovery,
            plugin_of_pass,
            ..
        } = self;
        let stumble = guest("stumble");
        format!(
            r#"
            [pipeline]
            name = "{name}"
            parallelism = {parallelism}
            [checkpoint]
            path = "guests.db"
            {checkpoints}
            [recovery]
            {recovery}
            [sources.records]
            type = "file"
            paths = {inputs:?}
            {rate_limit}
            [stages.pass]
            plugin = {plugin_of_pass:?}
            inputs.records = "records"
            watermark = {{ out-of-orderness = "1s" }}
            limits = {{ {limits} }}
            configuration = {{ {pass} }}
            [stages.count]
            plugin = {stumble:?}
            inputs.records = "pass.keyed"
            limits = {{ {limits}{count_limits} }}
            configuration = {{ {count} }}
            [sinks.echo]
            type = "jsonl"
            from = "pass.echo"
            path = "echo.jsonl"
            [sinks.counts]
            type = "sqlite"
            from = "count.counts"
            table = "counts"
            columns = {{ key = "text", count = "integer" }}
            primary-key = ["key", "count"]
            "#
        )
    }

    pub fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.write(), self.folder.path())
    }

    pub fn run(&self) -> Finished {
        self.pipeline().run().unwrap()
    }

    /// The records that reached the sink behind `pass`.
    pub fn echo(&self) -> Vec<String> {
        fs::read_to_string(self.path("echo.jsonl"))
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn database(&self) -> Connection {
        Connection::open_with_flags(self.path("guests.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap()
    }

    /// How many counts there are of each key; each from 1 on, without a gap.
    pub fn counts(&self) -> BTreeMap<String, i64> {
        let database = self.database();
        let mut statement = database
            .prepare("SELECT key, count(*), min(count), max(count) FROM counts GROUP BY key")
            .unwrap();
        let rows = statement
            .query_map([], |row| {
                Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?]))
            })
            .unwrap();
        rows.map(Result::unwrap)
            .map(|(key, [rows, least, most]): (String, [i64; 3])| {
                assert_eq!((least, most), (1, rows), "the counts of {key} have a gap");
                (key, rows)
            })
            .collect()
    }

    pub fn letters(&self) -> Vec<Letter> {
        let database = self.database();
        let query = "SELECT stage, code, CAST(record AS TEXT), message FROM jackfield_dead_letters ORDER BY record, id";
        let mut statement = database.prepare(query).unwrap();
        let rows = statement
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Dead letters as the command lists them in JSON.
    pub fn listed_letters(&self) -> Vec<Value> {
        let arguments = ["--format", "json"];
        let listed = self.pipeline().run_command(&["dlq", "list"], &arguments);
        let listed = listed.unwrap().expect_success().stdout;
        let letters = listed.lines().map(serde_json::from_str);
        letters.map(Result::unwrap).collect()
    }

    /// All records but those that are poison came through, once each, and those alone are in the dead-letter queue, as refused by
    /// `pass` for `code`.
    #[track_caller]
    pub fn assert_poison_set_aside(&self, code: &str) {
        let all = || self.partitions.iter().flatten();
        let mut expected: Vec<String> = all().filter(|line| !is_poison(line)).cloned().collect();
        let mut echo = self.echo();
        if self.partitions.len() > 1 {
            expected.sort();
            echo.sort();
        }
        assert!(
            echo == expected,
            "{} records for {}",
            echo.len(),
            expected.len()
        );
        assert_eq!(self.counts(), counts_of(&expected));
        let mut poison: Vec<_> = all()
            .filter(|line| is_poison(line))
            .map(|line| ("pass", code, line.as_str()))
            .collect();
        poison.sort_unstable();
        let letters = self.letters();
        let found: Vec<_> = letters
            .iter()
            .map(|(stage, code, record, _)| (stage.as_str(), code.as_str(), record.as_str()))
            .collect();
        assert_eq!(found, poison);
    }
}

/// How many records there are of each key.
pub fn counts_of(lines: &[String]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for line in lines {
        let key = line
            .split("\"key\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        *counts.entry(key.to_owned()).or_default() += 1;
    }
    counts
}

/// The run ended by itself, with this exit code, and said all of this.
#[track_caller]
pub fn assert_ended(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(
        finished.code(),
        Some(code),
        "{}\n{}",
        finished.status,
        finished.stderr
    );
    for word in words {
        assert!(
            finished.stderr.contains(word),
            "`{word}` is not in\n{}",
            finished.stderr
        );
    }
}
