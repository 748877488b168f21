//! `jackfield pattern`, as one who writes patterns uses it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use jackfield_tests::harness::{binary, repository};
use serde_json::Value;
use tempfile::TempDir;

const CLAUSE: &str = "MATCH_RECOGNIZE (
    ORDER BY time MEASURES LAST(up.price) AS top PATTERN (up{2} down) WITHIN INTERVAL '1' SECOND
    DEFINE up AS COUNT(up.price) = 1 OR up.price > LAST(up.price, 1), down AS down.price < LAST(up.price)
)";

fn jackfield(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary("jackfield"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with a clause and events.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("peak.sql"), CLAUSE).unwrap();
    let events: String = [3, 5, 4]
        .map(|price| {
            format!(
                "{{\"price\":{price},\"who\":\"a\",\"at\":{}}}\n",
                10 + price
            )
        })
        .concat();
    fs::write(folder.path().join("events.jsonl"), events).unwrap();
    folder
}

#[test]
fn the_pattern_of_a_manifest_is_explained_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = repository().join("examples/data-actions/by-manifest.toml");
    let svg = folder.path().join("pattern.svg");
    let arguments = [
        "pattern",
        "explain",
        manifest.to_str().unwrap(),
        "--svg",
        svg.to_str().unwrap(),
    ];
    let output = jackfield(folder.path(), &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let explained = text(&output.stdout);
    assert!(
        explained.starts_with("pattern repeated-failure-callback (definition "),
        "{explained}"
    );
    assert!(
        explained.contains("3 times, one directly after the other"),
        "{explained}"
    );
    assert!(
        fs::read_to_string(svg)
            .unwrap()
            .contains("CALLBACK_REQUEST")
    );
}

#[test]
fn a_clause_is_tried_out_on_events() {
    let folder = folder();
    let output = jackfield(
        folder.path(),
        &["pattern", "test", "peak.sql", "--input", "events.jsonl"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("match [up 1 2, down 3] at 3: {\"top\":5}"),
        "{shown}"
    );
}

#[test]
fn each_step_is_a_line_of_json_for_programs() {
    let folder = folder();
    let arguments = [
        "pattern",
        "test",
        "peak.sql",
        "--input",
        "events.jsonl",
        "--key",
        "record.who",
        "--time",
        "record.at",
        "--format",
        "json",
    ];
    let output = jackfield(folder.path(), &arguments);
    let steps: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let times: Vec<_> = steps
        .iter()
        .map(|step| (step["key"].as_str().unwrap(), step["timestamp"].as_i64()))
        .collect();
    // By time, not by line; and then the end, when time runs out for what has begun.
    assert_eq!(
        times,
        [
            ("a", Some(13)),
            ("a", Some(14)),
            ("a", Some(15)),
            ("a", None)
        ]
    );
    assert_eq!(steps[0]["patterns"][0]["attempts"][0]["fate"], "begun");
}

#[test]
fn an_event_that_cannot_be_placed_is_shown_and_the_others_go_on() {
    let folder = folder();
    fs::write(
        folder.path().join("events.jsonl"),
        "{\"price\":1}\nnonsense\n{\"price\":2,\"at\":5}\n",
    )
    .unwrap();
    let output = jackfield(
        folder.path(),
        &[
            "pattern",
            "test",
            "peak.sql",
            "--input",
            "events.jsonl",
            "--time",
            "record.at",
        ],
    );
    let shown = text(&output.stdout);
    assert!(
        output.status.success()
            && shown.contains("line 1")
            && shown.contains("line 2")
            && shown.contains("event 1 at 5"),
        "{shown}"
    );
}

#[test]
fn what_is_wrong_is_said_with_code_place_and_remedy() {
    let folder = folder();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    write("wrong.sql", "PATTERN (a b+)");
    write(
        "wrong.toml",
        "[[stages]]\nname = \"a\"\nwhere = \"event.x ==\"\n",
    );
    write("unknown.toml", "[[stages]]\nnmae = \"a\"\n");
    for (file, words) in [
        ("wrong.sql", "line 1, column 12"),
        ("wrong.toml", "patterns.wrong.stages[0].where, line 1"),
        ("unknown.toml", "nmae"),
        ("absent.toml", "absent.toml"),
    ] {
        let output = jackfield(folder.path(), &["pattern", "explain", file]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{file}: {said}");
        assert!(
            said.contains("error[JF-10") && said.contains(words) && said.contains("help: "),
            "{file}: {said}"
        );
    }
    let output = jackfield(
        folder.path(),
        &["pattern", "explain", "peak.sql", "--pattern", "peek"],
    );
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("did you mean `peak`?"));
}
