//! A plugin that is replaced by a later release of it, whose state has another form: a pipeline of `pass` (the guest
//! `misbehave`, well-behaved), which finds the keys, and `tally`, a release of the guest of that name.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jackfield_tests::harness::{Finished, Pipeline, guest};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::scenario::assert_ended;

const RECORDS: i64 = 400;
/// What is read at once; what comes behind takes a second a record, and a run is stopped before it is through.
const BURST: usize = 100;
/// The key of the first record, and of no other.
const EARLY: &str = "early";

fn key(n: i64) -> String {
    if n == 0 {
        EARLY.to_owned()
    } else {
        format!("k{}", n % 7)
    }
}

fn kind(n: i64) -> &'static str {
    ["call", "chat", "mail"][n as usize % 3]
}

struct Releases(TempDir);

impl Releases {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let line = |n| json!({ "n": n, "key": key(n), "kind": kind(n), "amount": n % 10 });
        let lines: String = (0..RECORDS).map(|n| format!("{}\n", line(n))).collect();
        fs::write(folder.path().join("records.jsonl"), lines).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn pipeline(&self, release: &str) -> Pipeline {
        let (records, misbehave, tally) = (
            self.path("records.jsonl"),
            guest("misbehave"),
            guest(release),
        );
        let manifest = format!(
            r#"
            [pipeline]
            name = "releases"
            [checkpoint]
            path = "releases.db"
            [sources.records]
            type = "file"
            paths = [{records:?}]
            [stages.pass]
            plugin = {misbehave:?}
            inputs.records = "records"
            watermark = {{ out-of-orderness = "1s" }}
            [stages.tally]
            plugin = {tally:?}
            inputs.records = "pass.keyed"
            [sinks.tallies]
            type = "jsonl"
            from = "tally.tallies"
            path = "tallies.jsonl"
            [sinks.quiet-keys]
            type = "jsonl"
            from = "tally.quiet-keys"
            path = "quiet-keys.jsonl"
            "#
        );
        let path = self.path("manifest.toml");
        fs::write(&path, manifest).unwrap();
        Pipeline::new(path, self.0.path())
    }

    /// Runs a release until some more records are through, and stops it in order.
    fn run_a_while(&self, release: &str) {
        let before = self.read("tallies").len();
        let limit = format!("sources.records.rate-limit={{records-per-second=1,burst={BURST}}}");
        let pipeline = self.pipeline(release).set(&limit).checkpoint_every(20);
        let mut host = pipeline.start().unwrap();
        let enough = |_: &_| self.read("tallies").len() >= before + BURST / 2;
        assert!(host.wait_until(enough).unwrap(), "the host has ended");
        host.terminate().unwrap();
        host.wait().unwrap().expect_success();
        let through = self.read("tallies").len();
        assert!(through < RECORDS as usize, "the run came to its end");
    }

    fn run(&self, release: &str) -> Finished {
        self.pipeline(release).run().unwrap()
    }

    /// The whole lines of an output.
    fn read(&self, output: &str) -> Vec<Json> {
        let text = fs::read_to_string(self.path(&format!("{output}.jsonl"))).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Which versions of state the checkpoint holds, as `jackfield state` says it.
    fn versions(&self) -> Json {
        let listed = self
            .pipeline("tally-1")
            .run_command(&["state", "list"], &["--format", "json"])
            .unwrap()
            .expect_success();
        serde_json::from_str::<Json>(&listed.stdout).unwrap()["versions"].take()
    }

    /// Every record was worked on once, each in the state that those before it have left, by releases in this order.
    #[track_caller]
    fn assert_all_tallied(&self, releases: &[u32]) {
        let (tallies, mut model) = (self.read("tallies"), Model::default());
        assert_eq!(tallies.len(), RECORDS as usize);
        let mut at_work: Vec<u32> = Vec::new();
        for (n, tally) in (0..).zip(&tallies) {
            let release = release_of(&tally["state"]);
            let expected = model.add(n, release);
            assert_eq!(*tally, json!({ "key": key(n), "state": expected }));
            at_work.push(release);
        }
        at_work.dedup();
        assert_eq!(at_work, releases);
        let mut quiet = self.read("quiet-keys");
        quiet.sort_by_key(|told| told["key"].to_string());
        assert_eq!(quiet, model.all(releases[releases.len() - 1]));
    }
}

/// Which release has written a state of this form.
fn release_of(state: &Json) -> u32 {
    match state {
        Json::Number(_) => 1,
        state if state.get("count").is_some() => 2,
        _ => 3,
    }
}

/// What the releases are to remember, each since it is there.
#[derive(Default)]
struct Model(BTreeMap<String, Remembered>);

#[derive(Default)]
struct Remembered {
    count: u64,
    last: Option<i64>,
    sums: BTreeMap<&'static str, i64>,
}

impl Model {
    fn add(&mut self, n: i64, release: u32) -> Json {
        let remembered = self.0.entry(key(n)).or_default();
        remembered.count += 1;
        if release >= 2 {
            remembered.last = Some(n * 1000);
        }
        if release >= 3 {
            *remembered.sums.entry(kind(n)).or_default() += n % 10;
        }
        remembered.shown(release)
    }

    fn all(&self, release: u32) -> Vec<Json> {
        let told = self.0.iter();
        told.map(|(key, remembered)| json!({ "key": key, "state": remembered.shown(release) }))
            .collect()
    }
}

impl Remembered {
    fn shown(&self, release: u32) -> Json {
        let Self { count, last, sums } = self;
        let seen = json!({ "count": count, "last": last });
        match release {
            1 => json!(count),
            2 => seen,
            _ => json!({ "seen": seen, "sums": sums }),
        }
    }
}

#[test]
fn a_release_goes_on_from_state_that_is_two_versions_older() {
    let releases = Releases::new();
    releases.run_a_while("tally-1");
    assert_eq!(releases.versions(), json!([1]));
    releases.run("tally-3").expect_success();
    assert_eq!(releases.versions(), json!([3]));
    releases.assert_all_tallied(&[1, 3]);
}

#[test]
fn state_goes_through_each_release() {
    let releases = Releases::new();
    releases.run_a_while("tally-1");
    releases.run_a_while("tally-2");
    assert_eq!(releases.versions(), json!([2]));
    releases.run("tally-3").expect_success();
    releases.assert_all_tallied(&[1, 2, 3]);
}

#[test]
fn a_release_that_cannot_read_what_is_there_is_refused_and_costs_nothing() {
    let releases = Releases::new();
    releases.run_a_while("tally-1");
    let refused = releases.run("tally-from-3");
    assert_ended(&refused, 1, &["JF-4002", "`tally`"]);
    assert_eq!(releases.versions(), json!([1]));
    releases.run("tally-3").expect_success();
    releases.assert_all_tallied(&[1, 3]);
}

#[test]
fn a_release_that_refuses_what_it_said_it_can_read_names_the_key_and_costs_nothing() {
    let releases = Releases::new();
    releases.run_a_while("tally-1");
    let refused = releases.run("tally-strict");
    assert_ended(
        &refused,
        1,
        &[
            "`tally`",
            "state of key \"",
            "(version 1): it cannot become one of version 3: the time of its last record is not known",
        ],
    );
    assert_eq!(releases.versions(), json!([1]));
    releases.run("tally-3").expect_success();
    releases.assert_all_tallied(&[1, 3]);
}

#[test]
fn a_former_release_does_not_read_what_a_later_one_wrote() {
    let releases = Releases::new();
    releases.run_a_while("tally-2");
    assert_ended(&releases.run("tally-1"), 1, &["JF-4002", "`tally`"]);
    releases.run("tally-strict").expect_success();
    releases.assert_all_tallied(&[2, 3]);
}

/// A run that is slow enough for it to be reloaded several times, and what reloads of it take.
fn slowly(releases: &Releases, release: &str) -> Pipeline {
    releases
        .pipeline(release)
        .checkpoint_every(20)
        .set("sources.records.rate-limit={records-per-second=20,burst=100}")
        .set("reload.shadow={records=20,duration=\"300ms\"}")
        .set("reload.probation.duration=1500ms")
}

/// What the running pipeline says of its last reload.
fn last_reload(pipeline: &Pipeline) -> Json {
    let asked = pipeline
        .run_command(&["status"], &["--format", "json"])
        .unwrap();
    let status: Json = serde_json::from_str(&asked.stdout).unwrap_or_default();
    status["reload"]["last"].clone()
}

fn versions_of_state(pipeline: &Pipeline) -> Json {
    let listed = pipeline.run_command(&["state", "list"], &["--format", "json"]);
    let listed: Json = serde_json::from_str(&listed.unwrap().stdout).unwrap();
    listed["versions"].clone()
}

#[test]
fn a_reload_jumps_over_a_version_of_the_state_and_comes_back_by_a_roll_back() {
    let releases = Releases::new();
    let mut host = slowly(&releases, "tally-1").start().unwrap();
    let enough = |_: &_| releases.read("tallies").len() >= BURST;
    assert!(host.wait_until(enough).unwrap(), "the host has ended");

    let pipeline = slowly(&releases, "tally-3");
    let plan = pipeline.run_command(&["reload"], &["--plan"]).unwrap();
    let migrated = "migrated from version 1 to 3";
    assert!(
        plan.stdout.contains(migrated),
        "{}{}",
        plan.stdout,
        plan.stderr
    );
    let begun = pipeline.run_command(&["reload"], &[]).unwrap();
    begun.expect_success();
    let on_probation = |_: &_| last_reload(&pipeline)["step"] == "probation";
    assert!(host.wait_until(on_probation).unwrap(), "the host has ended");
    let back = pipeline.run_command(&["rollback"], &["--wait"]).unwrap();
    assert!(back.stdout.contains("rolled back"), "{}", back.stdout);
    assert_eq!(versions_of_state(&pipeline), json!([1]));

    let again = pipeline.run_command(&["reload"], &["--wait"]).unwrap();
    again.expect_success();
    assert_eq!(last_reload(&pipeline)["step"], "done");
    assert_eq!(versions_of_state(&pipeline), json!([3]));
    host.wait().unwrap().expect_success();
    releases.assert_all_tallied(&[1, 3]);
}

#[test]
fn a_release_that_cannot_take_the_state_over_is_refused_before_anything_happens() {
    let releases = Releases::new();
    let mut host = slowly(&releases, "tally-1").start().unwrap();
    let enough = |_: &_| releases.read("tallies").len() >= BURST / 2;
    assert!(host.wait_until(enough).unwrap(), "the host has ended");
    for (release, reason) in [
        ("tally-from-3", "its plugin loads versions 3 to 3"),
        ("tally-strict", "it cannot become one of version 3"),
    ] {
        let refused = slowly(&releases, release)
            .run_command(&["reload"], &[])
            .unwrap();
        assert_ended(&refused, 1, &["JF-9108", reason]);
    }
    slowly(&releases, "tally-1");
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    releases.run("tally-3").expect_success();
    releases.assert_all_tallied(&[1, 3]);
}
