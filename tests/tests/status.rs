//! What an operator is told of a pipeline that another process runs, and what can come through its control socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Host, Pipeline, repository};
use jackfield_tests::scenario::Scenario;
use serde_json::Value;

/// At this speed a pipeline is under way for as long as a test needs it.
const SLOW: &str = "sources.records.rate-limit={records-per-second=2000,burst=100}";

fn lines(records: u64) -> Vec<u8> {
    Generator::new(31, Traffic::Hostile).lines(records)
}

/// A pipeline that needs a minute, and takes a checkpoint every 200 ms.
fn slow() -> Scenario {
    Scenario::new(&lines(120_000)).with(|pipeline| pipeline.set(SLOW).checkpoint_every(200))
}

fn socket(scenario: &Scenario) -> PathBuf {
    scenario.pipeline().folder().join("data-actions.db.sock")
}

fn ask(pipeline: &Pipeline) -> Finished {
    pipeline
        .run_command(&["status"], &["--format", "json"])
        .unwrap()
}

/// What a running pipeline says; nothing while none answers.
fn status(pipeline: &Pipeline) -> Option<Value> {
    let asked = ask(pipeline);
    (asked.code() == Some(0)).then(|| serde_json::from_str(&asked.stdout).unwrap())
}

/// The first task that a running pipeline speaks of when `condition` holds of it.
fn task_when(host: &mut Host, pipeline: &Pipeline, condition: impl Fn(&Value) -> bool) -> Value {
    let mut seen = Value::Null;
    let found = host
        .wait_until(|_| {
            seen = status(pipeline).map_or(Value::Null, |status| status["tasks"][0].clone());
            !seen.is_null() && condition(&seen)
        })
        .unwrap();
    assert!(found, "the host ended before; last seen: {seen}");
    seen
}

/// How far the first partition was read; 0 before it was opened.
fn position(task: &Value) -> u64 {
    let partition = &task["sources"][0]["partitions"][0];
    partition["position"].as_u64().unwrap_or(0)
}

#[test]
fn the_position_rises_and_the_lag_falls_while_a_pipeline_runs() {
    let scenario = slow();
    let mut host = scenario.pipeline().start().unwrap();
    let first = task_when(&mut host, scenario.pipeline(), |task| position(task) > 0);
    let later = task_when(&mut host, scenario.pipeline(), |task| {
        position(task) > position(&first)
    });
    let lag = |task: &Value| task["sources"][0]["lag"].as_u64().unwrap();
    assert!(lag(&later) < lag(&first));
    assert_eq!(
        position(&later) + lag(&later),
        scenario.input().metadata().unwrap().len()
    );
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
}

#[test]
fn the_answer_has_the_fields_that_are_documented() {
    let scenario = slow();
    let mut host = scenario.pipeline().start().unwrap();
    let task = task_when(&mut host, scenario.pipeline(), |task| {
        task["checkpoint"]["epoch"].as_u64() > Some(1)
            && task["stages"][1]["watermark"].is_i64()
            && task["sinks"][2]["records"].as_u64() > Some(0)
    });
    assert_eq!(
        (&task["name"], &task["state"], &task["attempt"]),
        (&"data-actions".into(), &"running".into(), &1.into())
    );
    assert_eq!(
        (&task["restarts"], &task["waits"]),
        (&0.into(), &Value::Array(Vec::new()))
    );
    assert!(task["records"].as_u64() >= task["rejected"].as_u64());
    assert!(task["rejected"].as_u64() >= task["late"].as_u64());
    assert!(task["latest_event_time"].is_i64() && task["watermark_delay_seconds"].is_f64());
    let checkpoint = &task["checkpoint"];
    assert!(checkpoint["age_seconds"].is_f64() && checkpoint["pause_seconds"].is_f64());
    assert!(checkpoint["entries_written"].is_u64() && checkpoint["bytes_written"].is_u64());
    assert!(checkpoint["stored_bytes"].as_u64() > Some(0));
    let source = &task["sources"][0];
    assert_eq!(
        (&source["name"], &source["unit"]),
        (&"records".into(), &"bytes".into())
    );
    let names = |parts: &Value| -> Vec<String> {
        let parts = parts.as_array().unwrap().iter();
        parts
            .map(|part| part["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&task["stages"]), ["parse", "count", "join", "detect"]);
    assert_eq!(names(&task["sinks"]), ["volumes", "alerts", "enriched"]);

    let process = &status(scenario.pipeline()).unwrap()["host"];
    assert!(process["memory_bytes"].as_u64() > Some(1 << 20));
    assert!(process["uptime_seconds"].is_f64() && process["process"].is_u64());
    assert_eq!(process["version"], env!("CARGO_PKG_VERSION"));
    host.kill().unwrap();
}

#[test]
fn a_person_reads_the_same_in_a_table() {
    let scenario = slow();
    let mut host = scenario.pipeline().start().unwrap();
    task_when(&mut host, scenario.pipeline(), |task| position(task) > 0);
    let asked = scenario.pipeline().run_command(&["status"], &[]).unwrap();
    let text = asked.expect_success().stdout;
    for words in [
        "state       running",
        "SOURCE",
        "STAGE",
        "SINK",
        "input.jsonl",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    host.kill().unwrap();
}

#[test]
fn whoever_watches_sees_what_happens_in_a_second_until_the_end() {
    let scenario = Scenario::new(&lines(8_000)).with(|pipeline| pipeline.set(SLOW));
    let mut host = scenario.pipeline().start().unwrap();
    task_when(&mut host, scenario.pipeline(), |task| position(task) > 0);
    let watched = scenario
        .pipeline()
        .run_command(&["status"], &["--watch", "--format", "json"])
        .unwrap();
    host.wait().unwrap().expect_success();
    assert_eq!(watched.code(), Some(6), "{}", watched.stderr);
    let looks: Vec<Value> = watched
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(looks.len() > 2, "{}", watched.stdout);
    let rate = |look: &Value| look["tasks"][0]["records_per_second"].as_f64();
    assert_eq!(rate(&looks[0]), None);
    assert!(looks.iter().filter_map(rate).any(|rate| rate > 0.0));
    let last = &looks[looks.len() - 1];
    assert_eq!(last["host"], Value::Null);
    assert_eq!(last["tasks"][0]["checkpoint"]["complete"], true);
}

#[test]
fn a_pipeline_that_never_ran_has_nothing_but_a_code() {
    let asked = ask(Scenario::new(b"").pipeline());
    assert_eq!((asked.code(), asked.stdout.as_str()), (Some(6), ""));
    assert!(asked.stderr.contains("JF-8010"), "{}", asked.stderr);
}

#[test]
fn where_no_process_runs_the_last_checkpoint_speaks() {
    let scenario = Scenario::new(&lines(20_000));
    scenario.run();
    assert!(!socket(&scenario).exists());
    let asked = ask(scenario.pipeline());
    assert_eq!(asked.code(), Some(6));
    assert!(asked.stderr.contains("JF-8010"), "{}", asked.stderr);
    let status: Value = serde_json::from_str(&asked.stdout).unwrap();
    let task = &status["tasks"][0];
    assert_eq!(
        (&status["host"], &task["state"]),
        (&Value::Null, &"ended".into())
    );
    assert!(task["records"].as_u64() > Some(0));
    assert_eq!(task["checkpoint"]["complete"], true);
    let text = scenario.pipeline().run_command(&["status"], &[]).unwrap();
    assert!(
        text.stdout.contains("no process runs it"),
        "{}",
        text.stdout
    );
}

#[test]
fn what_is_thrown_at_the_socket_does_not_change_what_the_pipeline_does() {
    let scenario = Scenario::new(&lines(10_000)).with(|pipeline| pipeline.set(SLOW));
    let mut host = scenario.pipeline().start().unwrap();
    let socket = socket(&scenario);
    assert!(host.wait_until(|_| socket.exists()).unwrap());
    let mut held = Vec::new();
    let garbage = [&b"\n"[..], b"{\"version\":1", &[0xff; 100_000], b"\0\0\0\n"];
    for bytes in garbage.iter().cycle().take(40) {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // The host may hang up on it, and may not.
        let _ = stream.write_all(bytes);
        held.push(stream);
    }
    host.wait().unwrap().expect_success();
    scenario.assert_model_output();
}

#[test]
fn a_socket_that_a_killed_host_left_is_replaced_by_the_next_run() {
    let scenario = slow();
    let mut killed = scenario.pipeline().start().unwrap();
    task_when(&mut killed, scenario.pipeline(), |task| {
        task["checkpoint"]["epoch"].as_u64() > Some(1)
    });
    killed.kill().unwrap();
    assert!(socket(&scenario).exists());
    let asked = ask(scenario.pipeline());
    assert!(asked.stderr.contains("JF-8010"), "{}", asked.stderr);

    let mut next = scenario.pipeline().start().unwrap();
    task_when(&mut next, scenario.pipeline(), |task| position(task) > 0);
    next.terminate().unwrap();
    next.wait().unwrap().expect_success();
    assert!(!socket(&scenario).exists());
}

#[test]
fn a_database_too_deep_for_a_socket_beside_it_is_found_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.jsonl");
    fs::write(&input, lines(120_000)).unwrap();
    let runtime = folder.path().join("runtime");
    fs::create_dir(&runtime).unwrap();
    let deep = folder.path().join("deep".repeat(40));
    let pipeline = Pipeline::data_actions(&deep)
        .input(&input)
        .environment("XDG_RUNTIME_DIR", &runtime.display().to_string())
        .set(SLOW);
    let mut host = pipeline.start().unwrap();
    task_when(&mut host, &pipeline, |task| position(task) > 0);
    let sockets = || fs::read_dir(runtime.join("jackfield")).unwrap().count();
    assert_eq!(sockets(), 1);
    host.terminate().unwrap();
    host.wait().unwrap().expect_success();
    assert_eq!(sockets(), 0);
}

#[test]
fn two_pipelines_of_one_process_answer_for_themselves() {
    let scenario = slow();
    let folder = scenario.pipeline().folder();
    let neighbour = neighbour(scenario.input().parent().unwrap());
    let scenario_pipeline = scenario.pipeline().clone().beside(&neighbour);
    let mut host = scenario_pipeline.start().unwrap();
    let data = folder.display().to_string();
    let neighbour = Pipeline::new(&neighbour, folder)
        .environment("JACKFIELD_DATA", &data)
        .input(&scenario.input());
    task_when(&mut host, scenario.pipeline(), |task| position(task) > 0);
    task_when(&mut host, &neighbour, |task| position(task) > 0);
    let one = status(scenario.pipeline()).unwrap();
    let other = status(&neighbour).unwrap();
    assert_eq!(
        (&one["pipeline"], &other["pipeline"]),
        (&"data-actions".into(), &"neighbour".into())
    );
    assert_eq!(one["host"]["process"], other["host"]["process"]);
    host.kill().unwrap();
}

/// The example under another name, with outputs of its own.
fn neighbour(folder: &Path) -> PathBuf {
    let example = repository().join("examples/data-actions/embedded.toml");
    let plugins = repository().join("target/plugins").display().to_string();
    let text = fs::read_to_string(example)
        .unwrap()
        .replace("name = \"data-actions\"", "name = \"neighbour\"")
        .replace("../../target/plugins", &plugins)
        .replace("data-actions.db", "neighbour.db")
        .replace("enriched.jsonl", "neighbour.jsonl");
    let path = folder.join("neighbour.toml");
    fs::write(&path, text).unwrap();
    path
}
