//! What servers have in common: a script, a folder, a port, and a process that can crash, stand still and come back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::port::PortPair;
use crate::harness::repository;

/// A server process and what belongs to it.
#[derive(Debug)]
pub(super) struct Node {
    script: PathBuf,
    folder: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
    ports: PortPair,
    /// Kills the server when its standard input ends, which it does with this process too.
    guard: Child,
}

/// What becomes of a server's folder when the server is not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    Keep,
    Remove,
}

impl Node {
    /// Starts the server of `tests/services/NAME.sh` and waits until it serves.
    ///
    /// # Errors
    /// With what the script said, when it does not.
    pub fn start(
        name: &str,
        folder: &Path,
        afterwards: Folder,
        environment: &[(&'static str, &'static str)],
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let script = repository().join(format!("tests/services/{name}.sh"));
        let mut guard = Command::new(&script);
        guard.arg("guard").arg(folder);
        if afterwards == Folder::Remove {
            guard.arg("remove");
        }
        let node = Self {
            folder: folder.to_path_buf(),
            environment: environment.to_vec(),
            ports: PortPair::reserve()?,
            guard: guard
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
            script,
        };
        node.restart()?;
        Ok(node)
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.ports.first()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again, on the same folder and port.
    pub fn restart(&self) -> io::Result<()> {
        self.run("start", &[&self.port().to_string()])
    }

    /// Ends it as a crash does.
    pub fn kill(&self) -> io::Result<()> {
        self.run("kill", &[])
    }

    /// Lets it end in good order.
    pub fn stop(&self) -> io::Result<()> {
        self.run("stop", &[])
    }

    /// Makes it stand still, with its connections open.
    pub fn suspend(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let text = fs::read_to_string(self.folder.join("pid"))?;
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        let pid =
            pid.ok_or_else(|| io::Error::other(format!("no process identifier: {text:?}")))?;
        Ok(kill_process(pid, signal)?)
    }

    fn run(&self, command: &str, arguments: &[&str]) -> io::Result<()> {
        // What it says goes to a file: a pipe would have to be read until the server, which inherits it, has ended.
        let words = self.folder.join(format!("{command}.log"));
        let status = Command::new(&self.script)
            .arg(command)
            .arg(&self.folder)
            .args(arguments)
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&words)?)
            .status()?;
        if status.success() {
            return Ok(());
        }
        let words = fs::read_to_string(&words).unwrap_or_default();
        Err(io::Error::other(format!(
            "{} {command}: {status}\n{words}",
            self.script.display()
        )))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        _ = self.guard.wait();
    }
}

/// A folder for a server that all tests of one process share.
pub(super) fn shared_folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("jackfield-{name}-{}", std::process::id()))
}
