//! A pipeline whose manifest and plugins lie in a folder of its own, so that they can be changed while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jackfield_tests::comparison::compare;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Host, Pipeline, binary, repository};
use jackfield_tests::model::Model;
use jackfield_tests::table::{Observation, Table};
use serde_json::Value;
use tempfile::TempDir;

/// Records a second.
const SPEED: u64 = 10_000;

/// The form of a tolerant section: a short look beside, and a short probation.
pub const BRIEF: &str = "
[reload]
shadow = { records = 2000, duration = \"400ms\" }
probation = { duration = \"400ms\" }
";

/// A pipeline that is changed.
pub struct Changing {
    folder: TempDir,
    pipeline: Pipeline,
    lines: Vec<u8>,
}

impl Changing {
    /// The example of this name, on as many records as it works on in so many seconds.
    pub fn new(example: &str, seconds: u64, section: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines = Generator::new(61, Traffic::Hostile).lines(SPEED * seconds);
        let input = folder.path().join("input.jsonl");
        fs::write(&input, &lines).unwrap();
        fs::create_dir(folder.path().join("plugins")).unwrap();
        for plugin in fs::read_dir(repository().join("target/plugins")).unwrap() {
            let plugin = plugin.unwrap().path();
            let to = folder
                .path()
                .join("plugins")
                .join(plugin.file_name().unwrap());
            fs::copy(plugin, to).unwrap();
        }
        let example = repository().join("examples/data-actions").join(example);
        let text = fs::read_to_string(example).unwrap();
        let text = text.replace("../../target/plugins", "plugins") + section;
        let manifest = folder.path().join("pipeline.toml");
        fs::write(&manifest, text).unwrap();
        let data = folder.path().join("data");
        let pipeline = Pipeline::new(&manifest, &data)
            .environment("JACKFIELD_DATA", &data.display().to_string())
            .input(&input)
            .set(&format!(
                "sources.records.rate-limit={{records-per-second={SPEED},burst=500}}"
            ))
            .checkpoint_every(200);
        Self {
            folder,
            pipeline,
            lines,
        }
    }

    /// Sets something otherwise than the manifest says.
    pub fn with(mut self, setting: &str) -> Self {
        self.pipeline = self.pipeline.set(setting);
        self
    }

    /// With a cache of compiled code of its own, which is empty.
    pub fn with_empty_cache(mut self) -> Self {
        self.pipeline = self.pipeline.code_cache(&self.folder.path().join("cache"));
        self
    }

    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("pipeline.toml")
    }

    /// Writes something else into the manifest, as an editor does that renames.
    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.manifest()).unwrap();
        assert!(text.contains(from), "the manifest does not say {from}");
        replace(&self.manifest(), text.replace(from, to).as_bytes());
    }

    /// Makes a plugin another one by its digest that does the same: with one more custom section.
    pub fn rebuild(&self, plugin: &str) {
        let path = self.folder.path().join("plugins").join(plugin);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"\x00\x06\x05build");
        replace(&path, &bytes);
    }

    /// The pipeline at work: it has read some records.
    pub fn start(&self) -> Host {
        let mut host = self.pipeline.start().unwrap();
        let at_work = |_: &Host| {
            let status = self.status();
            // What the last checkpoint says is told where nobody runs it yet.
            let runs = !status["host"].is_null();
            runs && status["tasks"][0]["records"].as_u64().unwrap_or(0) >= 5_000
        };
        assert!(
            host.wait_until(at_work).unwrap(),
            "{}",
            host.wait().unwrap().stderr
        );
        host
    }

    pub fn status(&self) -> Value {
        let asked = self.command(&["status"], &["--format", "json"]);
        serde_json::from_str(&asked.stdout).unwrap_or(Value::Null)
    }

    /// Waits until the last reload stands at this step.
    pub fn wait_for(&self, host: &mut Host, step: &str) -> Value {
        let mut seen = Value::Null;
        let came = host.wait_until(|_| {
            let last = self.status()["reload"]["last"].clone();
            if !last.is_null() {
                seen = last;
            }
            seen["step"] == step
        });
        assert!(came.unwrap(), "never {step}; last seen: {seen}");
        seen
    }

    pub fn reload(&self, arguments: &[&str]) -> Finished {
        self.command(&["reload"], arguments)
    }

    /// Asks for a reload, which says nothing before the version is prepared, and does not wait for that.
    pub fn begin_to_reload(&self) -> Host {
        let asked = self.pipeline.start_command(&["reload"], &[], "reload-log");
        asked.unwrap()
    }

    pub fn roll_back(&self, arguments: &[&str]) -> Finished {
        self.command(&["rollback"], arguments)
    }

    /// What a command says that is given the control socket in the place of a manifest.
    pub fn ask_at_socket(&self, words: &[&str]) -> Output {
        let socket = self.pipeline.folder().join("data-actions.db.sock");
        let (command, arguments) = words.split_first().unwrap();
        let mut asked = Command::new(binary("jackfield"));
        let asked = asked.arg(command).arg(socket).args(arguments);
        asked.output().unwrap()
    }

    /// Writes real batches into a file.
    pub fn capture(&self, to: &Path, arguments: &[&str]) -> Finished {
        let out = ["--out", to.to_str().unwrap()];
        self.command(&["capture"], &[&out, arguments].concat())
    }

    /// What a reload that is waited for comes to.
    pub fn reload_to_its_end(&self) -> Value {
        let asked = self.reload(&["--wait", "--format", "json"]);
        serde_json::from_str(&asked.stdout)
            .unwrap_or_else(|_| panic!("{}{}", asked.stdout, asked.stderr))
    }

    fn command(&self, words: &[&str], arguments: &[&str]) -> Finished {
        self.pipeline.run_command(words, arguments).unwrap()
    }

    /// Waits for the end of the input, and compares every row that was written with the model's.
    pub fn finish(&self, host: Host) {
        host.wait().unwrap().expect_success();
        self.assert_model_output();
    }

    fn assert_model_output(&self) {
        self.assert_model_output_of(|_| true);
    }

    /// Compares the rows of some tables with the model's.
    pub fn assert_model_output_of(&self, is_compared: impl Fn(&Table) -> bool) {
        let of = |tables: Vec<Table>| -> Vec<Table> {
            tables
                .into_iter()
                .filter(|table| is_compared(table))
                .collect()
        };
        let observed = Observation::of(self.pipeline.folder()).tables().unwrap();
        let differences = compare(&of(Model::of(&self.lines).tables()), &of(observed));
        assert!(
            differences.is_empty(),
            "{differences}\n{}",
            differences.examples.join("\n")
        );
    }
}

/// Another file beside it, and then its name: nobody sees a part of it.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, path).unwrap();
}
