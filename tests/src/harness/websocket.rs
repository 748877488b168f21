//! A client of WebSockets that is none of ours: the `websockets` library of Python, installed for the tests once.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::repository;

const LIBRARY: &str = "websockets==15.0.1";

/// What such a client hears that is told this: the first message, and, if it shall not listen until it is closed on, to how many messages it listens and
/// how many of them it acknowledges before it goes away.
///
/// # Errors
/// When it cannot be installed or fails.
pub fn other_client(url: &str, arguments: &[&str]) -> io::Result<Vec<Value>> {
    let script = repository().join("tests/websocket/client.py");
    let mut client = Command::new(python()?);
    let ran = client.arg(script).arg(url).args(arguments).output()?;
    if !ran.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&ran.stderr)));
    }
    let told = String::from_utf8(ran.stdout).map_err(io::Error::other)?;
    let told = told.lines().map(serde_json::from_str);
    told.collect::<Result<_, _>>().map_err(io::Error::other)
}

/// Python with the library, in a folder of its own. Whoever comes first makes it, the others wait.
fn python() -> io::Result<PathBuf> {
    let folder = repository().join("target/websocket-client");
    std::fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    let (python, ready) = (folder.join("bin/python"), folder.join("ready"));
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", LIBRARY]))?;
        File::create(ready)?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{command:?}: {status}"))),
    }
}
