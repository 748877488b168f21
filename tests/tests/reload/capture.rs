//! Real batches in a file, and what another version makes of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use jackfield::pipeline::reload::Capture;
use jackfield_tests::harness::{binary, repository};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::changing::Changing;
use super::{LONG_PROBATION, PLUGIN, change_alerts, differing, total};

fn replay(capture: &Path, arguments: &[&str]) -> Output {
    Command::new(binary("jackfield"))
        .arg("replay")
        .arg(capture)
        .arg("--plugin")
        .arg(repository().join("target/plugins").join(PLUGIN))
        .args(["--format", "json"])
        .args(arguments)
        .output()
        .unwrap()
}

/// How what is made of a capture differs from what was made of it.
fn comparison(capture: &Path, arguments: &[&str]) -> Value {
    let replayed = replay(capture, arguments);
    let stderr = String::from_utf8_lossy(&replayed.stderr);
    serde_json::from_slice(&replayed.stdout).unwrap_or_else(|_| panic!("{stderr}"))
}

/// A capture of the detector of a running pipeline, which then is left to its end; and its folder.
fn captured(workers: usize) -> (TempDir, PathBuf) {
    let workers = format!("pipeline.parallelism={workers}");
    let pipeline = Changing::new("embedded.toml", 8, LONG_PROBATION).with(&workers);
    let mut host = pipeline.start();
    let folder = tempfile::tempdir().unwrap();
    let [file, other] = ["capture", "other"].map(|name| folder.path().join(name));
    let written = pipeline.capture(&file, &["--stage", "detect", "--records", "20000"]);
    assert_eq!(written.code(), Some(0), "{}", written.stderr);
    assert!(written.stdout.contains("detect: "), "{}", written.stdout);

    change_alerts(&pipeline);
    assert_eq!(pipeline.reload(&[]).code(), Some(0));
    pipeline.wait_for(&mut host, "probation");
    let meanwhile = pipeline.capture(&other, &["--records", "10"]).stderr;
    assert!(meanwhile.contains("JF-9120"), "{meanwhile}");
    assert!(meanwhile.contains("a reload is under way"), "{meanwhile}");
    assert!(!other.exists());
    assert_eq!(pipeline.roll_back(&["--wait"]).code(), Some(0));
    pipeline.finish(host);
    (folder, file)
}

#[test]
fn what_is_captured_is_worked_on_without_the_pipeline() {
    let (folder, file) = captured(2);
    let same = comparison(&file, &[]);
    assert!(total(&same, "same") > 0, "{same}");
    assert_eq!(differing(&same), 0, "{same}");
    let configuration = folder.path().join("configuration.json");
    fs::write(&configuration, r#"{"failures":2}"#).unwrap();
    let configuration = configuration.display().to_string();
    let otherwise = comparison(&file, &["--configuration", &configuration]);
    assert!(total(&otherwise, "new") > 0, "{otherwise}");
}

#[test]
fn a_capture_does_not_cut_another_one_short() {
    let pipeline = Changing::new("embedded.toml", 8, LONG_PROBATION);
    let host = pipeline.start();
    let folder = tempfile::tempdir().unwrap();
    let files = ["one", "other", "later"].map(|name| folder.path().join(name));
    let capture = |file| pipeline.capture(file, &["--records", "100000000", "--seconds", "2"]);
    let both = thread::scope(|scope| {
        let begun = [&files[0], &files[1]].map(|file| scope.spawn(move || capture(file)));
        begun.map(|capture| capture.join().unwrap())
    });
    let refused = both.iter().filter(|ended| ended.code() == Some(1));
    let refused: Vec<_> = refused.map(|ended| &ended.stderr).collect();
    assert_eq!(refused.len(), 1, "{both:?}");
    let said = refused[0];
    assert!(said.contains("JF-9120"), "{said}");
    assert!(said.contains("another capture is under way"), "{said}");
    assert!(files[0].exists() != files[1].exists());

    let later = pipeline.capture(&files[2], &["--records", "10"]);
    assert_eq!(later.code(), Some(0), "{}", later.stderr);
    pipeline.finish(host);
}

#[test]
fn a_capture_that_contradicts_itself_is_refused() {
    let (_folder, file) = captured(1);
    let capture = Capture::read(File::open(&file).unwrap()).unwrap();
    let whole = serde_json::to_value(&capture).unwrap();
    let batches = whole["stages"][0]["batches"].as_array().unwrap();
    let batch = batches
        .iter()
        .position(|batch| !batch["emissions"].as_array().unwrap().is_empty())
        .unwrap();
    let batch = format!("/stages/0/batches/{batch}");
    let of_batch = |place: &str| format!("{batch}/{place}");
    let damages = [
        ("/stages/0/workers".to_owned(), json!(0)),
        ("/stages/0/workers".to_owned(), json!(1_000_000)),
        ("/stages/0/limits".to_owned(), json!([0, 0])),
        ("/stages/0/configuration".to_owned(), json!("{")),
        ("/stages/0/state/0/2".to_owned(), json!([255])),
        (of_batch("worker"), json!(1)),
        (of_batch("input"), json!(9)),
        (of_batch("records/timestamps"), json!([])),
        (of_batch("records/values/1"), json!([3, 2, 1])),
        (of_batch("records/keys/1"), json!([u32::MAX])),
        (
            of_batch("records/marks"),
            json!([[9, 1], [1, 9], [u32::MAX, 0]]),
        ),
        (of_batch("emissions/0/0"), json!(99)),
        (of_batch("emissions/0/2"), json!([])),
        (of_batch("rejections"), json!([[1_000_000, "late"]])),
    ];
    for (place, value) in damages {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(&place).unwrap() = value.clone();
        let damaged: Capture = serde_json::from_value(damaged).unwrap();
        damaged.write(File::create(&file).unwrap()).unwrap();
        let replayed = replay(&file, &[]);
        let said = String::from_utf8_lossy(&replayed.stderr);
        assert_eq!(replayed.status.code(), Some(1), "{place} = {value}: {said}");
        assert!(said.contains("JF-9120"), "{place} = {value}: {said}");
    }
}
