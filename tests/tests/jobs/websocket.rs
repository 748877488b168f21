//! A client of WebSockets that is none of ours: the `websockets` library of Python, installed for the tests once.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use jackfield_tests::harness::repository;
use serde_json::Value;

use crate::scenario::Scenario;

const LIBRARY: &str = "websockets==15.0.1";

/// Says one thing, and listens until it is closed on.
pub fn connect(scenario: &Scenario, path: &str, first: &str) -> Vec<Value> {
    client(scenario, path, &[first])
}

/// Says one thing, listens to so many messages, acknowledges so many of them and goes away.
pub fn stay(
    scenario: &Scenario,
    path: &str,
    first: &str,
    messages: u32,
    acknowledged: u32,
) -> Vec<Value> {
    let (messages, acknowledged) = (messages.to_string(), acknowledged.to_string());
    client(scenario, path, &[first, &messages, &acknowledged])
}

fn client(scenario: &Scenario, path: &str, arguments: &[&str]) -> Vec<Value> {
    let url = format!("ws://{}{path}", scenario.hooks());
    let script = repository().join("tests/websocket/client.py");
    let ran = Command::new(python())
        .arg(script)
        .arg(url)
        .args(arguments)
        .output();
    let ran = ran.unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let told = String::from_utf8(ran.stdout).unwrap();
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Python with the library, in a folder of its own. Whoever comes first makes it, the others wait.
fn python() -> PathBuf {
    let folder = repository().join("target/websocket-client");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (python, ready) = (folder.join("bin/python"), folder.join("ready"));
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", LIBRARY]));
        File::create(ready).unwrap();
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
