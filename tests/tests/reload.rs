//! Other versions of a pipeline are taken in while it runs: what comes out is what would have come out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "reload/capture.rs"]
mod capture;
#[path = "reload/changing.rs"]
mod changing;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use changing::{BRIEF, Changing};
use jackfield_tests::harness::Host;

/// A probation that does not end by itself.
const LONG_PROBATION: &str = "
[reload]
shadow = { records = 0 }
probation = { duration = \"30s\" }
";

const PLUGIN: &str = "detect-callbacks.wasm";

const PLUGINS: [&str; 4] = [
    "parse-interactions.wasm",
    "join-profiles.wasm",
    "count-interactions.wasm",
    PLUGIN,
];

/// A configuration that makes other alerts.
fn change_alerts(pipeline: &Changing) {
    pipeline.edit("failures = 3", "failures = 2");
}

fn total(comparison: &Value, what: &str) -> u64 {
    let outputs = comparison["outputs"].as_array().unwrap();
    outputs
        .iter()
        .map(|output| output[what].as_u64().unwrap())
        .sum()
}

fn differing(comparison: &Value) -> u64 {
    let kinds = ["changed", "missing", "new"];
    kinds.iter().map(|kind| total(comparison, kind)).sum()
}

/// Where a version that makes other alerts is on probation: the pipeline, its process, and the version before.
fn with_other_alerts_on_probation() -> (Changing, Host, Value) {
    let pipeline = Changing::new("embedded.toml", 8, LONG_PROBATION);
    let mut host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    change_alerts(&pipeline);
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.wait_for(&mut host, "probation");
    (pipeline, host, before)
}

fn hang_up(host: &Host) {
    let process = Pid::from_raw(host.process().cast_signed()).unwrap();
    kill_process(process, Signal::HUP).unwrap();
}

#[test]
fn a_version_that_does_the_same_takes_over_and_nobody_notices() {
    let pipeline = Changing::new("embedded.toml", 8, BRIEF);
    let host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    pipeline.rebuild(PLUGIN);
    let report = pipeline.reload_to_its_end();
    assert_eq!(report["step"], "done", "{report}");
    assert_eq!(report["change"]["in_place"], true);
    assert!(total(&report["comparison"], "same") > 0, "{report}");
    assert_eq!(differing(&report["comparison"]), 0, "{report}");
    let after = pipeline.status()["reload"]["version"].clone();
    assert_ne!(before, after);
    assert_eq!(after, report["new"]);
    pipeline.finish(host);
}

#[test]
fn a_version_that_makes_something_else_is_refused_where_it_may_not() {
    let section = "
[reload]
policy = \"require-equal\"
shadow = { records = 30000, duration = \"3s\" }
";
    let pipeline = Changing::new("embedded.toml", 8, section);
    let host = pipeline.start();
    change_alerts(&pipeline);
    let asked = pipeline.reload(&["--wait"]);
    assert_eq!(asked.code(), Some(1));
    assert!(asked.stderr.contains("JF-9110"), "{}", asked.stderr);
    assert!(asked.stdout.contains("detect  alerts"), "{}", asked.stdout);
    pipeline.finish(host);
}

#[test]
fn a_version_on_probation_is_sent_away_by_hand_and_has_done_nothing() {
    let (pipeline, host, before) = with_other_alerts_on_probation();
    assert_ne!(pipeline.status()["reload"]["version"], before);
    let asked = pipeline.roll_back(&["--wait"]);
    assert!(
        asked.stdout.contains("rolled back"),
        "{}{}",
        asked.stdout,
        asked.stderr
    );
    assert_eq!(asked.code(), Some(0), "{}", asked.stderr);
    assert_eq!(pipeline.status()["reload"]["version"], before);
    pipeline.finish(host);
}

#[test]
fn a_version_is_sent_away_while_nobody_can_read_the_manifest() {
    let (pipeline, host, before) = with_other_alerts_on_probation();

    pipeline.edit("[pipeline]", "[pipeline");
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(3));
    let asked = pipeline.ask_at_socket(&["rollback", "--wait"]);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let asked = pipeline.ask_at_socket(&["status", "--format", "json"]);
    let status: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(status["reload"]["version"], before);
    pipeline.finish(host);

    // The socket has gone with the process.
    let asked = pipeline.ask_at_socket(&["status"]);
    assert_eq!(asked.status.code(), Some(3), "{asked:?}");
}

#[test]
fn a_version_that_refuses_more_than_it_may_is_sent_away_by_itself() {
    // Not even a checkpoint is waited for.
    let pipeline = Changing::new("by-manifest.toml", 12, BRIEF).with("checkpoint.interval=1h");
    let host = pipeline.start();
    pipeline.edit(
        "record.timestamp <= 253402300799999",
        "record.timestamp <= 253402",
    );
    let report = pipeline.reload_to_its_end();
    assert_eq!(report["step"], "rolled-back", "{report}");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("refuses"), "{reason}");
    let steps = report["steps"].as_array().unwrap();
    let at = |index: usize| steps[index]["at"].as_i64().unwrap();
    assert!(at(steps.len() - 1) - at(0) < 5_000, "{report}");
    host.wait().unwrap().expect_success();
    // Its checks have codes of their own.
    pipeline.assert_model_output_of(|table| table.name != "dead letters");
}

#[test]
fn sinks_stages_and_parallelism_change_too() {
    let pipeline = Changing::new("embedded.toml", 8, BRIEF);
    let host = pipeline.start();
    pipeline.edit("parallelism = 1", "parallelism = 2");
    pipeline.edit(
        "[sinks.volumes]",
        "[sinks.copies]\ntype = \"jsonl\"\nfrom = \"join.enriched\"\npath = \"${JACKFIELD_DATA}/copies.jsonl\"\n\n[sinks.volumes]",
    );
    let report = pipeline.reload_to_its_end();
    assert_eq!(report["step"], "done", "{report}");
    assert_eq!(report["change"]["in_place"], false);
    let sinks = pipeline.status()["tasks"][0]["sinks"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(sinks, 4);
    pipeline.finish(host);
    let copies = std::fs::read(pipeline.pipeline().folder().join("copies.jsonl")).unwrap();
    assert!(!copies.is_empty());
}

#[test]
fn connections_change_too_and_what_new_sinks_reach_out_to() {
    let pipeline = Changing::new("embedded.toml", 14, BRIEF);
    let host = pipeline.start();
    pipeline.edit(
        "[sinks.volumes]",
        "[sinks.lake]\ntype = \"object-store\"\nfrom = \"join.enriched\"\nurl = \"${JACKFIELD_DATA}/lake\"\nformat = \"jsonl\"\n\n[sinks.volumes]",
    );
    let report = pipeline.reload_to_its_end();
    assert_eq!(report["step"], "done", "{report}");
    pipeline.edit(
        "[sinks.volumes]",
        "[connections.elsewhere]\nbase-url = \"https://localhost\"\n\n[sinks.volumes]",
    );
    let report = pipeline.reload_to_its_end();
    assert_eq!(report["step"], "done", "{report}");
    let change = &report["change"];
    assert_eq!(change["differences"][0], "connections", "{change}");
    assert_eq!(change["in_place"], false, "what is open is opened anew");
    pipeline.finish(host);
    let lake = std::fs::read_dir(pipeline.pipeline().folder().join("lake"));
    assert!(lake.unwrap().next().is_some());
}

#[test]
fn what_is_remembered_is_forgotten_only_with_leave() {
    let pipeline = Changing::new("embedded.toml", 8, BRIEF);
    let host = pipeline.start();
    let text = "[sinks.alerts]\ntype = \"sqlite\"\nfrom = \"detect.alerts\"";
    pipeline.edit(
        text,
        "[sinks.alerts]\ntype = \"sqlite\"\nfrom = \"detect-anew.alerts\"",
    );
    pipeline.edit("[stages.detect]", "[stages.detect-anew]");
    let asked = pipeline.reload(&["--plan"]);
    assert!(asked.stderr.contains("JF-9106"), "{}", asked.stderr);
    assert!(asked.stdout.contains("forgotten"), "{}", asked.stdout);
    assert!(pipeline.reload(&[]).stderr.contains("JF-9106"));
    let report = pipeline.reload(&["--wait", "--accept-state-loss"]);
    assert_eq!(report.code(), Some(0), "{}", report.stderr);
    host.wait().unwrap().expect_success();
}

#[test]
fn what_a_running_pipeline_cannot_change_is_said_and_nothing_happens() {
    let pipeline = Changing::new("embedded.toml", 8, BRIEF);
    let host = pipeline.start();
    assert!(pipeline.reload(&[]).stderr.contains("JF-9103"));
    pipeline.edit("failures = 3", "failures = -3");
    assert_eq!(pipeline.reload(&[]).code(), Some(1));
    pipeline.edit("failures = -3", "failures = 3");
    pipeline.edit(
        "limits = { memory = \"256 MiB\"",
        "limits = { memory = \"300 MiB\"",
    );
    assert!(pipeline.reload(&[]).stderr.contains("JF-9107"));
    pipeline.finish(host);
}

#[test]
fn who_asks_in_vain_is_told_what_stands_in_the_way() {
    let pipeline = Changing::new("embedded.toml", 8, LONG_PROBATION);
    let absent = pipeline.reload(&[]);
    assert_eq!(absent.code(), Some(6));
    assert!(
        absent.stderr.contains("`data-actions`"),
        "{}",
        absent.stderr
    );
    assert!(absent.stderr.contains(".sock"), "{}", absent.stderr);
    let mut host = pipeline.start();
    let first = pipeline.roll_back(&[]).stderr;
    assert!(first.contains("JF-9103"), "{first}");
    assert!(first.contains("none to go back to"), "{first}");
    let plan = pipeline.reload(&["--plan"]);
    assert!(
        plan.stdout.contains("Nothing would happen"),
        "{}",
        plan.stdout
    );
    change_alerts(&pipeline);
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.wait_for(&mut host, "probation");
    let second = pipeline.reload(&[]).stderr;
    assert!(second.contains("JF-9101"), "{second}");
    assert!(second.contains("is under way, to the version"), "{second}");
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(0));
    pipeline.finish(host);
}

#[test]
fn a_version_is_left_off_while_it_is_prepared() {
    let pipeline = Changing::new("embedded.toml", 10, BRIEF).with_empty_cache();
    let mut host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    // They are compiled, which takes a while.
    for plugin in PLUGINS {
        pipeline.rebuild(plugin);
    }
    let begun = pipeline.begin_to_reload();
    pipeline.wait_for(&mut host, "preparing");
    let asked = pipeline.roll_back(&["--wait"]);
    assert_eq!(asked.code(), Some(0), "{}{}", asked.stdout, asked.stderr);
    assert_eq!(begun.wait().unwrap().code(), Some(0));
    let report = pipeline.wait_for(&mut host, "cancelled");
    let steps = report["steps"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|taken| &taken["step"]).collect();
    assert_eq!(steps, ["preparing", "shadow", "cancelled"], "{report}");
    assert!(report["comparison"].is_null(), "{report}");
    assert_eq!(pipeline.status()["reload"]["version"], before);
    pipeline.finish(host);
}

#[test]
fn a_signal_and_a_changed_file_ask_for_a_reload_too() {
    let section = BRIEF.replace("[reload]", "[reload]\nwatch = true");
    let pipeline = Changing::new("embedded.toml", 12, &section);
    let mut host = pipeline.start();
    pipeline.rebuild(PLUGIN);
    let first = pipeline.wait_for(&mut host, "done");
    assert_eq!(first["number"], 1);
    hang_up(&host);
    let second = pipeline.wait_for(&mut host, "refused");
    assert!(
        second["reason"]
            .as_str()
            .unwrap()
            .contains("nothing differs"),
        "{second}"
    );
    pipeline.finish(host);
}

#[test]
fn a_probation_goes_on_after_a_crash() {
    let pipeline = Changing::new("embedded.toml", 8, LONG_PROBATION);
    let mut host = pipeline.start();
    pipeline.rebuild(PLUGIN);
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    let report = pipeline.wait_for(&mut host, "probation");
    host.kill().unwrap();
    let mut host = pipeline.pipeline().start().unwrap();
    let again = pipeline.wait_for(&mut host, "probation");
    assert_eq!(again["new"], report["new"]);
    // The end of the input ends it.
    pipeline.finish(host);
}

#[test]
fn a_version_that_was_sent_away_does_not_come_back_by_a_restart() {
    let (pipeline, host, before) = with_other_alerts_on_probation();
    pipeline.roll_back(&["--wait"]);
    host.kill().unwrap();
    let host = pipeline.start();
    assert_eq!(pipeline.status()["reload"]["version"], before);
    pipeline.finish(host);
}

/// What was decided does not depend on how soon the former version is at work again.
#[test]
fn a_version_that_was_sent_away_stays_so_although_the_former_one_could_not_go_on() {
    let copies = "
[sinks.copies]
type = \"jsonl\"
from = \"join.enriched\"
path = \"${JACKFIELD_DATA}/copies.jsonl\"
";
    let pipeline = Changing::new("embedded.toml", 8, &format!("{copies}{LONG_PROBATION}"));
    let mut host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    pipeline.edit(copies, "");
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.wait_for(&mut host, "probation");
    let path = pipeline.pipeline().folder().join("copies.jsonl");
    let written = std::fs::read(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    assert_eq!(pipeline.roll_back(&[]).code(), Some(0));
    let ended = host.wait().unwrap();
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    std::fs::write(&path, written).unwrap();
    let host = pipeline.start();
    let reload = pipeline.status()["reload"].clone();
    assert_eq!(reload["version"], before, "{reload}");
    pipeline.finish(host);
}

/// Where a changed manifest is taken in at the start.
fn on_start_too(section: &str) -> String {
    section.replace("[reload]", "[reload]\non-start = \"reload\"")
}

#[test]
fn a_reload_that_was_cancelled_does_not_begin_again_by_a_restart_but_when_it_is_asked_for() {
    let section = "
[reload]
shadow = { records = 10000000, duration = \"60s\" }
";
    let pipeline = Changing::new("embedded.toml", 10, &on_start_too(section));
    let mut host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    change_alerts(&pipeline);
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.wait_for(&mut host, "shadow");
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(0));
    let epoch = || pipeline.status()["tasks"][0]["checkpoint"]["epoch"].as_u64();
    let cancelled_in = epoch();
    let is_on_record = host.wait_until(|_| epoch() > cancelled_in);
    assert!(is_on_record.unwrap());
    host.kill().unwrap();
    let host = pipeline.start();
    let reload = pipeline.status()["reload"].clone();
    assert_eq!(reload["version"], before, "{reload}");
    assert!(reload["last"].is_null(), "{reload}");
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.finish(host);
}

#[test]
fn a_version_that_was_left_by_hand_does_not_come_back_by_a_restart_but_when_it_is_asked_for() {
    let pipeline = Changing::new("embedded.toml", 20, &on_start_too(BRIEF));
    let host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    pipeline.rebuild(PLUGIN);
    assert_eq!(pipeline.reload_to_its_end()["step"], "done");
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(0));
    host.kill().unwrap();
    let host = pipeline.start();
    let reload = pipeline.status()["reload"].clone();
    assert_eq!(reload["version"], before, "{reload}");
    assert!(reload["last"].is_null(), "{reload}");
    let asked_for = pipeline.reload_to_its_end();
    assert_eq!(asked_for["step"], "done", "{asked_for}");
    pipeline.finish(host);
}

#[test]
fn the_version_before_comes_back_when_it_is_asked_for() {
    let pipeline = Changing::new("embedded.toml", 10, BRIEF);
    let host = pipeline.start();
    let before = pipeline.status()["reload"]["version"].clone();
    pipeline.rebuild(PLUGIN);
    assert_eq!(pipeline.reload_to_its_end()["step"], "done");
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(0));
    assert_eq!(pipeline.status()["reload"]["version"], before);
    pipeline.finish(host);
}
