//! Checkpoints in an object store: a folder, and a bucket of a server that speaks the S3 API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Host, Pipeline, repository};
use jackfield_tests::model::Model;
use jackfield_tests::services::S3;
use serde_json::Value;
use tempfile::TempDir;

/// Enough for the host to be busy for many times the checkpoint interval.
const RECORDS: u64 = 300_000;

/// A folder beside the manifest.
const FOLDER: &str = "url = \"objects\"";

struct Scenario {
    /// Where the log is, as files.
    log: PathBuf,
    folder: TempDir,
    lines: Vec<u8>,
    pipeline: Pipeline,
}

impl Scenario {
    /// The stages of the example, all of them writing to sinks of this kind.
    fn new(records: u64, sink: &str) -> Self {
        Self::at(FOLDER, records, sink)
    }

    /// With checkpoints in the bucket of a server.
    fn in_bucket(server: &S3, prefix: &str, records: u64, sink: &str) -> Self {
        let place = format!(
            r#"url = "s3://{}/{prefix}"
               endpoint = "{}"
               allow-http = true
               region = "us-east-1"
               access-key-id = {{ env = "S3_ACCESS_KEY" }}
               secret-access-key = {{ env = "S3_SECRET_KEY" }}"#,
            S3::BUCKET,
            server.endpoint()
        );
        let mut scenario = Self::at(&place, records, sink);
        scenario.log = server.objects().join(prefix).join("data-actions/log");
        scenario.pipeline = scenario
            .pipeline
            .environment("S3_ACCESS_KEY", S3::ACCESS_KEY)
            .environment("S3_SECRET_KEY", S3::SECRET_KEY);
        scenario
    }

    fn at(place: &str, records: u64, sink: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let lines = Generator::new(31, Traffic::Hostile).lines(records);
        fs::write(folder.path().join("input.jsonl"), &lines).unwrap();
        let plugins = repository().join("target/plugins");
        let stage = |name: &str, plugin: &str, options: &str| {
            let plugin = plugins.join(plugin);
            format!("[stages.{name}]\nplugin = {plugin:?}\n{options}\n")
        };
        let sinks: String = ["count.volumes", "detect.alerts", "join.enriched"]
            .iter()
            .map(|from| {
                let name = from.split('.').next_back().unwrap();
                let options = sink.replace("NAME", name);
                format!("[sinks.{name}]\nfrom = \"{from}\"\n{options}\n")
            })
            .collect();
        let manifest = [
            "[pipeline]\nname = \"data-actions\"\n".to_owned(),
            format!("[checkpoint]\ntype = \"object-store\"\n{place}\ninterval = \"20ms\"\nminimum-pause = \"0s\"\n"),
            "[sources.records]\ntype = \"file\"\npaths = [\"input.jsonl\"]\n".to_owned(),
            stage("parse", "parse-interactions.wasm", "inputs.lines = \"records\"\nwatermark = { out-of-orderness = \"5s\" }"),
            stage("count", "count-interactions.wasm", "inputs.interactions = \"parse.channels\"\nconfiguration.window = \"10s\""),
            stage("join", "join-profiles.wasm", "inputs.customers = \"parse.customers\""),
            stage("detect", "detect-callbacks.wasm", "inputs.customers = \"parse.customers\"\nconfiguration = { failures = 3, within = \"30s\" }"),
            sinks,
        ]
        .concat();
        let path = folder.path().join("manifest.toml");
        fs::write(&path, manifest).unwrap();
        Self {
            pipeline: Pipeline::new(path, folder.path().join("data")),
            log: folder.path().join("objects/data-actions/log"),
            folder,
            lines,
        }
    }

    fn entries(&self) -> usize {
        fs::read_dir(&self.log).map_or(0, |entries| {
            let last = entries.filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                name.strip_suffix(".jsonl")?.parse::<usize>().ok()
            });
            last.max().unwrap_or(0)
        })
    }

    /// A host that has committed a part of its work and is not done yet.
    fn busy_host(&self) -> Host {
        let mut host = self.pipeline.start().unwrap();
        let busy = host.wait_until(|_| self.entries() >= 4).unwrap();
        assert!(
            busy,
            "the host ended early\n{}",
            host.wait().unwrap().stderr
        );
        host
    }

    fn output(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let path = |name| -> PathBuf { self.folder.path().join(format!("{name}.jsonl")) };
        ["volumes", "alerts", "enriched"]
            .map(|name| (name, fs::read(path(name)).unwrap()))
            .into()
    }

    /// How often something was rejected, by stage and code.
    fn rejections(&self) -> BTreeMap<(String, String), u64> {
        let arguments = ["--counts", "--format", "json"];
        let counts = self
            .pipeline
            .run_command(&["dlq", "list"], &arguments)
            .unwrap();
        let counts = counts.expect_success();
        let count = |line: &str| {
            let count: Value = serde_json::from_str(line).unwrap();
            let word = |name: &str| count[name].as_str().unwrap().to_owned();
            (
                (word("stage"), word("code")),
                count["count"].as_u64().unwrap(),
            )
        };
        counts.stdout.lines().map(count).collect()
    }

    fn assert_rejections(&self) {
        let expected = Model::of(&self.lines).rejections().into_iter();
        let expected = expected
            .map(|((stage, code), count)| ((stage.to_owned(), code.to_owned()), count))
            .collect::<BTreeMap<_, u64>>();
        assert_eq!(self.rejections(), expected);
    }
}

const FILES: &str = "type = \"jsonl\"\npath = \"NAME.jsonl\"";
const NOWHERE: &str = "type = \"stdout\"";

#[test]
fn a_run_that_is_killed_again_and_again_leaves_what_one_run_leaves() {
    let (killed, whole) = (Scenario::new(RECORDS, FILES), Scenario::new(RECORDS, FILES));
    whole.pipeline.run().unwrap().expect_success();
    for _ in 0..3 {
        let before = killed.entries();
        let mut host = killed.pipeline.start().unwrap();
        host.wait_until(|_| killed.entries() >= before + 4).unwrap();
        host.kill().unwrap();
    }
    killed.pipeline.run().unwrap().expect_success();
    assert!(killed.output() == whole.output(), "the output differs");
    killed.assert_rejections();
}

#[test]
fn a_bucket_is_as_good_as_a_folder_also_when_its_server_crashes() {
    let folder = TempDir::new().unwrap();
    let server = S3::start(folder.path()).unwrap();
    let killed = Scenario::in_bucket(&server, "killed", RECORDS, FILES);
    let whole = Scenario::new(RECORDS, FILES);
    whole.pipeline.run().unwrap().expect_success();
    killed.busy_host().kill().unwrap();
    let before = killed.entries();
    let mut host = killed.pipeline.start().unwrap();
    host.wait_until(|_| killed.entries() >= before + 4).unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    host.wait().unwrap().expect_success();
    assert!(killed.output() == whole.output(), "the output differs");
    killed.assert_rejections();
}

#[test]
fn who_runs_the_pipeline_elsewhere_takes_it_over() {
    let scenario = Scenario::new(RECORDS, NOWHERE);
    let first = scenario.busy_host();
    let manifest = scenario.folder.path().join("manifest.toml");
    let elsewhere = Pipeline::new(manifest, scenario.folder.path().join("elsewhere"));
    elsewhere.run().unwrap().expect_success();
    let fenced = first.wait().unwrap();
    assert!(!fenced.status.success());
    assert!(fenced.stderr.contains("JF-5007"), "{}", fenced.stderr);
    scenario.assert_rejections();
}

#[test]
fn what_is_kept_as_objects_can_be_looked_at_and_replayed() {
    let scenario = Scenario::new(20_000, FILES);
    scenario.pipeline.run().unwrap().expect_success();
    let run = |words: &[&str], arguments: &[&str]| {
        let finished = scenario.pipeline.run_command(words, arguments).unwrap();
        finished.expect_success().stdout
    };
    assert!(run(&["state", "list"], &[]).contains("join"));
    let keys = run(
        &["state", "list"],
        &["--stage", "join", "--limit", "1", "--format", "json"],
    );
    let key: Value = serde_json::from_str(keys.lines().next().unwrap()).unwrap();
    let shown = run(&["state", "show"], &["join", key["key"].as_str().unwrap()]);
    assert!(shown.contains("key group"), "{shown}");
    assert!(run(&["checkpoint", "list"], &[]).contains("complete"));
    let before = scenario.rejections();
    let replayed = run(&["dlq", "replay"], &["--code", "not-json"]);
    let rejected = before[&("parse".to_owned(), "not-json".to_owned())];
    assert!(
        replayed.contains(&format!("{rejected} refused again")),
        "{replayed}"
    );
    assert_eq!(scenario.rejections(), before);
}
