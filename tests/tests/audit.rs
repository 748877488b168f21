//! The audit log: complete and unbroken over crashes, and nothing can be done to it that is not found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Pipeline, repository};
use serde_json::Value;
use tempfile::TempDir;

/// Enough for the host to be busy for many times the checkpoint interval.
const RECORDS: u64 = 200_000;

struct Scenario {
    folder: TempDir,
    pipeline: Pipeline,
}

impl Scenario {
    /// Enriched interactions, both in a file and in an audit log with files of so many bytes.
    fn new(records: u64, maximum_file_bytes: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let lines = Generator::new(41, Traffic::Hostile).lines(records);
        fs::write(folder.path().join("input.jsonl"), lines).unwrap();
        let plugins = repository().join("target/plugins");
        let manifest = format!(
            r#"
            [pipeline]
            name = "audited"
            [checkpoint]
            path = "audited.db"
            interval = "20ms"
            minimum-pause = "0s"
            [sources.records]
            type = "file"
            paths = ["input.jsonl"]
            [stages.parse]
            plugin = {:?}
            inputs.lines = "records"
            watermark = {{ out-of-orderness = "5s" }}
            [stages.join]
            plugin = {:?}
            inputs.customers = "parse.customers"
            [sinks.enriched]
            type = "jsonl"
            from = "join.enriched"
            path = "enriched.jsonl"
            [sinks.audit]
            type = "audit"
            from = "join.enriched"
            folder = "audit"
            maximum-file-bytes = "{maximum_file_bytes}"
            "#,
            plugins.join("parse-interactions.wasm"),
            plugins.join("join-profiles.wasm"),
        );
        let path = folder.path().join("manifest.toml");
        fs::write(&path, manifest).unwrap();
        Self {
            pipeline: Pipeline::new(path, folder.path().join("data")),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The records of the log, in their order.
    fn records(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.path("audit"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let text: String = files
            .iter()
            .map(|file| fs::read_to_string(file).unwrap())
            .collect();
        let record = |line: &str| {
            let (_, record) = line.split_once(r#","record":"#).unwrap();
            record.strip_suffix('}').unwrap().to_owned()
        };
        text.lines().map(record).collect()
    }

    fn enriched(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("enriched.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn verify(&self, arguments: &[&str]) -> Finished {
        self.pipeline
            .run_command(&["audit", "verify"], arguments)
            .unwrap()
    }
}

fn change(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, change(text)).unwrap();
}

#[test]
fn a_log_over_crashes_and_files_is_complete_and_unbroken() {
    let scenario = Scenario::new(RECORDS, "64 KiB");
    for _ in 0..3 {
        let files = || fs::read_dir(scenario.path("audit")).map_or(0, Iterator::count);
        let before = files();
        let mut host = scenario.pipeline.start().unwrap();
        host.wait_until(|_| files() >= before + 2).unwrap();
        host.kill().unwrap();
        scenario.verify(&[]).expect_success();
    }
    scenario.pipeline.run().unwrap().expect_success();
    assert!(
        scenario.records() == scenario.enriched(),
        "the records differ"
    );
    let verified = scenario.verify(&["--format", "json"]).expect_success();
    let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(verified["records"], scenario.enriched().len());
    assert_eq!(verified["uncommitted"], 0);
    assert!(verified["files"].as_u64().unwrap() > 4, "{verified}");
}

#[test]
fn what_was_done_to_a_log_is_named_with_its_place() {
    let scenario = Scenario::new(1_000, "1 GiB");
    scenario.pipeline.run().unwrap().expect_success();
    let said = scenario.verify(&[]).expect_success().stdout;
    assert!(said.contains("the chain holds"), "{said}");
    let file = scenario.path("audit/000001.jsonl");
    let whole = fs::read_to_string(&file).unwrap();

    change(&file, |text| {
        text.replacen("\"channel\":\"", "\"channel\":\"x", 1)
    });
    let found = scenario.verify(&[]).stderr;
    assert!(
        found.contains("JF-6030") && found.contains("000001.jsonl:2"),
        "{found}"
    );

    // What is cut off at the end only who knows the end can tell.
    let cut = whole
        .lines()
        .take(10)
        .map(|line| format!("{line}\n"))
        .collect();
    change(&file, |_| cut);
    let found = scenario.verify(&[]).stderr;
    assert!(found.contains("the log has 10 records"), "{found}");
}

#[test]
fn a_folder_with_a_log_of_unknown_origin_is_not_written_to() {
    let scenario = Scenario::new(1_000, "1 GiB");
    fs::create_dir(scenario.path("audit")).unwrap();
    fs::write(scenario.path("audit/000001.jsonl"), "{}\n").unwrap();
    let refused = scenario.pipeline.run().unwrap();
    assert!(refused.stderr.contains("JF-6005"), "{}", refused.stderr);
    assert_eq!(
        fs::read_to_string(scenario.path("audit/000001.jsonl")).unwrap(),
        "{}\n"
    );
}
