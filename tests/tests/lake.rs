//! Objects as data lakes keep them, in a folder and in a bucket, written by hosts and kept by servers that crash.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use jackfield_tests::harness::{Pipeline, repository};
use jackfield_tests::services::S3;
use serde_json::Value;
use tempfile::TempDir;

/// Enough for the host to be busy for many times the checkpoint interval, also where a disk takes its time to synchronise.
const RECORDS: usize = 60_000;

struct Scenario {
    folder: TempDir,
    /// Where the objects are, as files.
    lake: PathBuf,
    pipeline: Pipeline,
}

impl Scenario {
    fn new(records: impl IntoIterator<Item = String>, options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let lines: String = records.into_iter().map(|record| record + "\n").collect();
        fs::write(folder.path().join("input.jsonl"), lines).unwrap();
        let manifest = format!(
            r#"
            [pipeline]
            name = "orders"
            [checkpoint]
            path = "orders.db"
            interval = "20ms"
            minimum-pause = "0s"
            [sources.lines]
            type = "file"
            paths = ["input.jsonl"]
            rate-limit = {{ records-per-second = 10000, burst = 1000 }}
            [stages.keyed]
            plugin = {plugin:?}
            inputs.records = "lines"
            [sinks.lake]
            type = "object-store"
            from = "keyed.records"
            {options}
            "#,
            plugin = repository().join("target/plugins/key-records.wasm"),
        );
        let path = folder.path().join("pipeline.toml");
        fs::write(&path, manifest).unwrap();
        Self {
            lake: folder.path().join("lake"),
            pipeline: Pipeline::new(path, folder.path().join("data")),
            folder,
        }
    }

    fn in_bucket(server: &S3, records: impl IntoIterator<Item = String>, options: &str) -> Self {
        let place = format!(
            r#"url = "s3://{}/lake"
               endpoint = "{}"
               allow-http = true
               region = "us-east-1"
               access-key-id = {{ env = "S3_ACCESS_KEY" }}
               secret-access-key = {{ env = "S3_SECRET_KEY" }}
               {options}"#,
            S3::BUCKET,
            server.endpoint()
        );
        let mut scenario = Self::new(records, &place);
        scenario.lake = server.objects().join("lake");
        scenario.pipeline = scenario
            .pipeline
            .environment("S3_ACCESS_KEY", S3::ACCESS_KEY)
            .environment("S3_SECRET_KEY", S3::SECRET_KEY);
        scenario
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.lake.join(folder));
        let entries = entries.map_or_else(|_| Vec::new(), Iterator::collect);
        let mut files: Vec<PathBuf> = entries
            .into_iter()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    /// Names of the objects that count, in their order.
    fn committed(&self) -> Vec<String> {
        let mut names = Vec::new();
        for file in self.files("orders/lake/committed") {
            let epoch: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            let objects = epoch["objects"].as_array().unwrap();
            names.extend(
                objects
                    .iter()
                    .map(|object| object["name"].as_str().unwrap().to_owned()),
            );
        }
        names
    }

    /// The lines of the objects that count.
    fn lines(&self) -> Vec<String> {
        let data = self.lake.join("orders/lake/data");
        let texts = self
            .committed()
            .into_iter()
            .map(|name| text(&data.join(name)));
        let lines: Vec<Vec<String>> = texts
            .map(|text| text.lines().map(str::to_owned).collect())
            .collect();
        lines.concat()
    }

    fn kill_when(&self, mut condition: impl FnMut() -> bool) {
        let mut host = self.pipeline.start().unwrap();
        assert!(host.wait_until(|_| condition()).unwrap(), "it ended early");
        host.kill().unwrap();
    }

    fn run(&self) {
        self.pipeline.run().unwrap().expect_success();
    }

    fn assert_lines(&self) {
        let expected: Vec<String> = (0..RECORDS).map(record).collect();
        assert!(self.lines() == expected, "the lines differ");
        let data: Vec<String> = self
            .files("orders/lake/data")
            .iter()
            .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            data,
            self.committed(),
            "nothing is left of what did not count"
        );
    }
}

fn record(number: usize) -> String {
    format!(r#"{{"number":{number}}}"#)
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => drop(GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap()),
        false => text.push_str(std::str::from_utf8(&bytes).unwrap()),
    }
    text
}

#[test]
fn the_objects_that_are_told_of_hold_each_record_once_over_crashes() {
    for (compression, most) in [("none", "4 KiB"), ("gzip", "16 MiB")] {
        let options = format!(
            "url = \"lake\"\nformat = \"jsonl\"\ncompression = \"{compression}\"\nmaximum-object-bytes = \"{most}\""
        );
        let scenario = Scenario::new((0..RECORDS).map(record), &options);
        for _ in 0..4 {
            let before = scenario.files("orders/lake/data").len();
            scenario.kill_when(|| scenario.files("orders/lake/data").len() >= before + 5);
        }
        scenario.run();
        scenario.assert_lines();
    }
}

#[test]
fn a_bucket_whose_server_crashes_holds_each_record_once() {
    let folder = TempDir::new().unwrap();
    let server = S3::start(folder.path()).unwrap();
    let scenario = Scenario::in_bucket(&server, (0..RECORDS).map(record), "");
    scenario.kill_when(|| scenario.files("orders/lake/committed").len() >= 5);
    let before = scenario.files("orders/lake/committed").len();
    let mut host = scenario.pipeline.start().unwrap();
    host.wait_until(|_| scenario.files("orders/lake/committed").len() >= before + 3)
        .unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    host.wait().unwrap().expect_success();
    scenario.assert_lines();
}

#[test]
fn objects_of_unknown_origin_are_not_added_to() {
    let scenario = Scenario::new((0..10).map(record), "url = \"lake\"");
    let data = scenario.lake.join("orders/lake/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("000000000001-000001.jsonl"), "{}\n").unwrap();
    let refused = scenario.pipeline.run().unwrap();
    assert!(refused.stderr.contains("JF-6005"), "{}", refused.stderr);
}

#[test]
fn a_record_names_its_object_and_the_last_of_a_name_stays() {
    let object = |number: usize| {
        let key = format!("days/{:02}/{number}.json", number % 7);
        format!(r#"{{"key":"{key}","data":[{number}]}}"#)
    };
    let latest = |number: usize| format!(r#"{{"key":"latest","data":"{number}"}}"#);
    let records = (0..600).flat_map(|number| [object(number), latest(number)]);
    let scenario = Scenario::new(
        records,
        "url = \"lake\"\nobject = \"/key\"\ncontent = \"/data\"",
    );
    for day in ["days/01", "days/02"] {
        let before = scenario.files(day).len();
        scenario.kill_when(|| scenario.files(day).len() > before);
    }
    scenario.run();
    for number in 0..600 {
        let path = format!("days/{:02}/{number}.json", number % 7);
        let content = fs::read_to_string(scenario.lake.join(path)).unwrap();
        assert_eq!(content, format!("[{number}]"));
    }
    let latest = fs::read_to_string(scenario.lake.join("latest")).unwrap();
    assert_eq!(latest, "599", "text is kept as it is");
}

#[test]
fn a_name_that_leads_elsewhere_is_no_name() {
    let keys = [
        "../outside",
        "/etc/outside",
        "a/../../outside",
        "",
        "a\\u0000b",
        "fine",
        "fine/below-a-file",
    ];
    let mut records: Vec<String> = keys
        .iter()
        .map(|key| format!(r#"{{"key":"{key}"}}"#))
        .collect();
    records.extend([r#"{"key":7}"#.to_owned(), "{}".to_owned()]);
    records.push(format!(r#"{{"key":"{}"}}"#, "x".repeat(2_000)));
    let scenario = Scenario::new(records, "url = \"lake\"\nobject = \"/key\"");
    scenario.run();
    let letters = ["dlq", "list"];
    let listed = scenario
        .pipeline
        .run_command(&letters, &["--format", "json"])
        .unwrap()
        .expect_success();
    let mut codes = BTreeMap::<String, usize>::new();
    for line in listed.stdout.lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        *codes
            .entry(letter["code"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([("sink-record".to_owned(), 9)]));
    let names: Vec<_> = scenario
        .files("")
        .into_iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["fine"]);
    assert!(!scenario.folder.path().join("outside").exists());
}
