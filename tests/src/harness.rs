//! The host as its users run it: the built binary, a process of its own, told what to do by its command line, its
//! environment and signals.

mod process;
mod simulator;
mod websocket;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

pub use process::{Finished, Host};
pub use simulator::Simulator;
pub use websocket::other_client;

use crate::services::{Cassandra, Kafka};

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into())
}

/// A binary that `make build` leaves; in another folder than `target/release` if `JACKFIELD_BINARIES` names it.
///
/// # Panics
/// When it was not built: a test that passes without what it tests is worth nothing.
pub fn binary(name: &str) -> PathBuf {
    let folder = env::var_os("JACKFIELD_BINARIES")
        .map_or_else(|| repository().join("target/release"), PathBuf::from);
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `make build` first",
        path.display()
    );
    path
}

/// A plugin for tests that `make guests` leaves.
///
/// # Panics
/// When it was not built, as [`binary`].
pub fn guest(name: &str) -> PathBuf {
    let path = repository().join(format!("target/guests/{name}.wasm"));
    assert!(
        path.is_file(),
        "{} is missing: run `make guests` first",
        path.display()
    );
    path
}

/// A pipeline to run: the manifest, what it reads and writes, and what is set otherwise than the manifest says.
#[derive(Clone, Debug)]
pub struct Pipeline {
    manifests: Vec<PathBuf>,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    settings: Vec<String>,
    arguments: Vec<String>,
    live_log: bool,
    json_log: bool,
}

impl Pipeline {
    /// The example for document streams of a contact centre, writing to `folder`.
    pub fn data_actions(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let data = folder.display().to_string();
        Self::new("examples/data-actions/embedded.toml", folder)
            .environment("JACKFIELD_DATA", &data)
    }

    /// The same example between a broker and a node of Cassandra, keeping its checkpoints in `folder`.
    pub fn data_actions_on(
        kafka: &Kafka,
        cassandra: &Cassandra,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let folder = folder.into();
        let data = folder.display().to_string();
        Self::new("examples/data-actions/kafka.toml", folder)
            .environment("JACKFIELD_DATA", &data)
            .environment("KAFKA_BOOTSTRAP", kafka.address())
            .environment("CASSANDRA_NODES", cassandra.address())
    }

    /// The same, shared by several processes.
    pub fn data_actions_shared_on(
        kafka: &Kafka,
        cassandra: &Cassandra,
        folder: impl Into<PathBuf>,
    ) -> Self {
        Self::data_actions_on(kafka, cassandra, folder)
            .of_manifest("examples/data-actions/shared.toml")
    }

    /// The same of another manifest, whose path is absolute or from the repository's folder on.
    pub fn of_manifest(mut self, manifest: impl AsRef<Path>) -> Self {
        self.manifests = vec![repository().join(manifest)];
        self
    }

    /// The pipeline of a manifest, whose path is absolute or from the repository's folder on, running in `folder`.
    pub fn new(manifest: impl AsRef<Path>, folder: impl Into<PathBuf>) -> Self {
        Self {
            manifests: vec![repository().join(manifest)],
            folder: folder.into(),
            environment: Vec::new(),
            settings: Vec::new(),
            arguments: Vec::new(),
            live_log: false,
            json_log: false,
        }
    }

    /// Runs the pipeline of another manifest in the same process.
    pub fn beside(mut self, manifest: impl AsRef<Path>) -> Self {
        self.manifests.push(repository().join(manifest));
        self
    }

    /// The folder that it writes to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads `input`.
    pub fn input(self, input: &Path) -> Self {
        self.environment("JACKFIELD_INPUT", &input.display().to_string())
    }

    /// Reads several files, each a partition.
    pub fn inputs(self, inputs: &[PathBuf]) -> Self {
        let paths: Vec<String> = inputs
            .iter()
            .map(|input| format!("{:?}", input.display().to_string()))
            .collect();
        self.set(&format!("sources.records.paths=[{}]", paths.join(",")))
    }

    /// Sets an environment variable.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Keeps compiled code in this folder, and not where the user's is.
    pub fn code_cache(self, folder: &Path) -> Self {
        self.environment("XDG_CACHE_HOME", &folder.display().to_string())
    }

    /// Overrides a setting of the manifest: `path.to.key=value`.
    pub fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// What is set otherwise than the manifest says, as the command line is told.
    pub fn settings(&self) -> &[String] {
        &self.settings
    }

    /// Takes a checkpoint every `milliseconds`, with no pause between them.
    pub fn checkpoint_every(self, milliseconds: u64) -> Self {
        self.set(&format!("checkpoint.interval={milliseconds}ms"))
            .set("checkpoint.minimum-pause=0s")
    }

    /// Makes the host end as soon as every job has ended and what it emitted was worked on.
    pub fn until_idle(mut self) -> Self {
        self.arguments.push("--until-idle".into());
        self
    }

    /// Leaves the host the terminal of this process for what it has to say.
    pub fn with_live_log(mut self) -> Self {
        self.live_log = true;
        self
    }

    /// Makes the host write its log as lines of JSON.
    pub fn with_json_log(mut self) -> Self {
        self.json_log = true;
        self
    }

    /// `jackfield run`, as a process in the background.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(&self) -> io::Result<Host> {
        self.start_as("log")
    }

    /// One of several processes, whose log has that name.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start_as(&self, log: &str) -> io::Result<Host> {
        std::fs::create_dir_all(&self.folder)?;
        let mut command = self.command(&["run"]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.args(&self.arguments);
        if self.json_log {
            command.args(["--log-format", "json"]);
        }
        match self.live_log {
            true => Host::start_in_terminal(command),
            false => Host::start(command, &self.folder.join(log)),
        }
    }

    /// `jackfield run`, waited for.
    ///
    /// # Errors
    /// When the process cannot be started, or does not end.
    pub fn run(&self) -> io::Result<Finished> {
        self.start()?.wait()
    }

    /// Another command on the manifest, as in `jackfield dlq list MANIFEST`, waited for.
    ///
    /// # Errors
    /// When the process cannot be started, or does not end.
    pub fn run_command(&self, words: &[&str], arguments: &[&str]) -> io::Result<Finished> {
        self.start_command(words, arguments, "command-log")?.wait()
    }

    /// Another command on the manifest, as a process in the background, whose log has that name.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start_command(&self, words: &[&str], arguments: &[&str], log: &str) -> io::Result<Host> {
        std::fs::create_dir_all(&self.folder)?;
        let mut command = self.command(words);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.args(arguments);
        Host::start(command, &self.folder.join(log))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary("jackfield"));
        // What the caller's environment says must not change what a test means.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let ours = ["JACKFIELD_", "CXONE_", "KAFKA_", "CASSANDRA_"];
            if ours.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .args(words)
            .args(&self.manifests)
            .envs(self.environment.iter().cloned())
            .current_dir(&self.folder);
        command
    }
}
