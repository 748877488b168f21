//! A pipeline of one job (the guest `courier`), which asks a service, is called back, and emits to a file.

use std::fs;
use std::path::PathBuf;

use jackfield_tests::harness::{Finished, Host, Pipeline, guest};
use serde_json::Value;
use tempfile::TempDir;

use crate::service::Service;

pub struct Scenario {
    folder: TempDir,
    pub service: Service,
    /// More lines of `[jobs.courier]`.
    job: String,
    /// What it is granted.
    connections: String,
    /// More lines of `[connections.service]`.
    connection: String,
    /// More tables.
    tables: String,
}

impl Scenario {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            service: Service::start(),
            job: String::new(),
            connections: "[\"service\"]".to_owned(),
            connection: String::new(),
            tables: String::new(),
        }
    }

    /// With more lines in the table of the job.
    pub fn job(mut self, lines: &str) -> Self {
        self.job.push_str(lines);
        self
    }

    /// With these grants, as in `{ service = { paths = ["/a"] } }`.
    pub fn granted(mut self, connections: &str) -> Self {
        self.connections = connections.to_owned();
        self
    }

    /// With more lines in the table of the connection.
    pub fn connection(mut self, lines: &str) -> Self {
        self.connection.push_str(lines);
        self
    }

    /// With more tables in the manifest.
    pub fn table(mut self, table: &str) -> Self {
        self.tables.push_str(table);
        self
    }

    /// Replaces words of the manifest, for the next start.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.folder.path().join("pipeline.toml");
        let manifest = fs::read_to_string(&path).unwrap();
        assert!(manifest.contains(from), "{manifest}");
        fs::write(path, manifest.replace(from, to)).unwrap();
    }

    /// Removes the versions that the host keeps, as who cleans up too much does.
    pub fn forget_versions(&self) {
        fs::remove_dir_all(self.folder.path().join("pipeline.versions")).unwrap();
    }

    /// Has the running host take in what the manifest says now, and waits for what comes of it.
    pub fn reload(&self) -> Finished {
        let pipeline = self.pipeline();
        pipeline.run_command(&["reload"], &["--wait"]).unwrap()
    }

    pub fn start(&self) -> Host {
        let mut host = self.pipeline().start().unwrap();
        let answers = |_: &Host| self.run("list", &[]).code() == Some(0) && self.is_answered();
        assert!(host.wait_until(answers).unwrap(), "{:?}", host.wait());
        host
    }

    /// Whether a process answers at the control socket.
    fn is_answered(&self) -> bool {
        self.pipeline()
            .run_command(&["status"], &[])
            .unwrap()
            .code()
            == Some(0)
    }

    /// `jackfield run` with more arguments, waited for.
    pub fn run_to_idle(&self) -> Finished {
        self.pipeline()
            .run_command(&["run"], &["--until-idle"])
            .unwrap()
            .expect_success()
    }

    /// `jackfield job WORD MANIFEST ARGUMENTS…`.
    pub fn run(&self, word: &str, arguments: &[&str]) -> Finished {
        self.pipeline()
            .run_command(&["job", word], arguments)
            .unwrap()
    }

    /// Starts a job; gives its identifier.
    pub fn begin(&self, steps: &Value) -> String {
        let started = self.run("start", &["courier", "--input", &self.input(steps)]);
        started.expect_success().stdout.trim().to_owned()
    }

    /// Starts a job on a host, up to where it waits; gives its identifier.
    pub fn begin_waiting(&self, steps: &Value, host: &mut Host) -> String {
        let id = self.begin(steps);
        let waits = host.wait_until(|_| self.state(&id) == "waiting");
        assert!(waits.unwrap());
        id
    }

    /// Starts a job and waits for its end.
    pub fn finish(&self, steps: &Value) -> Finished {
        self.run(
            "start",
            &["courier", "--wait", "--input", &self.input(steps)],
        )
    }

    /// What is told of a job.
    pub fn show(&self, id: &str) -> Value {
        let shown = self.run("show", &[id, "--format", "json"]).expect_success();
        serde_json::from_str(&shown.stdout).unwrap()
    }

    pub fn state(&self, id: &str) -> String {
        self.show(id)["state"].as_str().unwrap().to_owned()
    }

    /// Lines of the sink.
    pub fn emitted(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("parcels.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The file with the address that the host listens on is what it logged.
    pub fn hooks(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log.stderr")).unwrap();
        let line = log
            .lines()
            .rfind(|line| line.contains("listening"))
            .unwrap();
        let address = line.split("address=").nth(1).unwrap();
        address.split_whitespace().next().unwrap().to_owned()
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn input(&self, steps: &Value) -> String {
        let path = self.folder.path().join("input.json");
        let input = serde_json::json!({"steps": steps});
        fs::write(&path, input.to_string()).unwrap();
        path.display().to_string()
    }

    fn pipeline(&self) -> Pipeline {
        let guest = guest("courier");
        let path = self.folder.path().join("pipeline.toml");
        let manifest = format!(
            r#"
            [pipeline]
            name = "couriers"

            [checkpoint]
            path = "pipeline.db"
            interval = "200ms"
            minimum-pause = "0s"

            [reload]
            probation.duration = "500ms"

            [server]
            listen = "127.0.0.1:0"

            [connections.service]
            base-url = "{url}"
            private-addresses = true
            {connection}

            [triggers.hook]
            type = "webhook"
            path = "/hook"
            correlation = "/id"
            delivery-header = "x-delivery"

            [jobs.courier]
            plugin = "{guest}"
            connections = {connections}
            {job}

            [sinks.parcels]
            type = "jsonl"
            from = "courier.parcels"
            path = "parcels.jsonl"

            {tables}
            "#,
            url = self.service.url(),
            connection = self.connection,
            connections = self.connections,
            guest = guest.display(),
            job = self.job,
            tables = self.tables,
        );
        // Once: a host may be reading it.
        if !path.exists() {
            fs::write(&path, manifest).unwrap();
        }
        Pipeline::new(path, self.folder.path())
    }
}
