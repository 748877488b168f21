//! Where the pipeline works: its folder, what feeds it, and what it writes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jackfield_tests::feed;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Pipeline, repository};
use jackfield_tests::model::{Model, Output};
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::services::{Cassandra, Compression, Kafka};
use jackfield_tests::table::{Observation, ServedObservation, Table};
use sha2::{Digest, Sha256};

use crate::draft::{Draft, Plugin, READING, STAGES, Template};

/// Records a second.
const PACE: u64 = 3_000;
/// Between two portions of what is fed.
const PORTION: Duration = Duration::from_millis(20);

/// Kafka and Cassandra.
pub struct Servers {
    kafka: Kafka,
    cassandra: Cassandra,
}

impl Servers {
    pub fn start(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            kafka: Kafka::start(&folder.join("kafka"))?,
            cassandra: Cassandra::start(&folder.join("cassandra"))?,
        })
    }
}

/// A pipeline whose manifest and plugins lie beside its data, and can be changed.
pub struct Place<'a> {
    folder: PathBuf,
    pub pipeline: Pipeline,
    template: Template,
    load: Load,
    written: Written<'a>,
}

enum Load {
    /// All of it is there, and the source is slow.
    File(Vec<u8>),
    /// It comes as time goes by.
    Feeder(Feeder),
    /// It has come.
    Fed(Model),
}

enum Written<'a> {
    Folder(Observation),
    Servers(ServedObservation<'a>),
}

impl<'a> Place<'a> {
    /// Between a file and a database.
    pub fn embedded(folder: PathBuf, seed: u64, records: u64) -> Result<Self, Box<dyn Error>> {
        let input = Generator::new(seed, Traffic::Hostile).lines(records);
        let path = folder.join("input.jsonl");
        fs::write(&path, &input)?;
        let (data, manifest) = (folder.join("data"), folder.join("pipeline.toml"));
        let pipeline = Pipeline::new(&manifest, &data)
            .environment("JACKFIELD_DATA", &data.display().to_string())
            .input(&path);
        let kind = "type = \"file\"";
        let place = Self {
            template: Template::of("embedded.toml", (kind, &format!("{kind}\n{READING}")), "")?,
            written: Written::Folder(Observation::of(&data)),
            pipeline,
            load: Load::File(input),
            folder,
        };
        place.furnish()?;
        Ok(place)
    }

    /// Between Kafka and Cassandra.
    pub fn between(
        servers: &'a Servers,
        folder: PathBuf,
        seed: u64,
    ) -> Result<Self, Box<dyn Error>> {
        let (data, manifest) = (folder.join("data"), folder.join("pipeline.toml"));
        let both = (&servers.kafka, &servers.cassandra);
        // One partition: it is decided which record comes first, and so which ones are late.
        let served = ServedPipeline::prepare(both, "reload", data, 1)?;
        let limit = "rate-limit = { records-per-second = 500, burst = 500 }";
        let place = Self {
            template: Template::of("kafka.toml", (limit, READING), "end = \"end-of-topic\"")?,
            written: Written::Servers(served.observation()),
            pipeline: served.pipeline_of(&manifest),
            load: Load::Feeder(Feeder::start(&servers.kafka, served.input(), seed)?),
            folder,
        };
        place.furnish()?;
        Ok(place)
    }

    /// Gives it the plugins that versions are made of.
    fn furnish(&self) -> io::Result<()> {
        fs::create_dir_all(self.folder.join("plugins"))?;
        let built = repository().join("target");
        for (_, plugin) in STAGES {
            let file = format!("{plugin}.wasm");
            fs::copy(built.join("plugins").join(&file), self.plugin(&file))?;
        }
        let falter = built.join("guests/falter.wasm");
        fs::copy(falter, self.plugin("falter.wasm")).map(drop)
    }

    fn plugin(&self, file: &str) -> PathBuf {
        self.folder.join("plugins").join(file)
    }

    /// The log of all steps that reloads have taken.
    pub fn audit_folder(&self) -> PathBuf {
        self.pipeline.folder().join("data-actions.versions/audit")
    }

    /// Puts a version where the host looks for it, and gives its digest.
    pub fn lay(&self, draft: &Draft) -> io::Result<String> {
        for (_, plugin) in draft.plugins() {
            let path = self.plugin(&plugin.file());
            if !path.exists() {
                let built = Plugin {
                    variant: 0,
                    ..plugin
                };
                let mut bytes = fs::read(self.plugin(&built.file()))?;
                append_section(&mut bytes, plugin.variant);
                fs::write(path, bytes)?;
            }
        }
        let text = draft.manifest(&self.template);
        // Another file first, so that nobody sees a part of it.
        let beside = self.folder.join("pipeline.new");
        fs::write(&beside, &text)?;
        fs::rename(beside, self.folder.join("pipeline.toml"))?;
        self.digest(draft)
    }

    /// What the host has to call a version: SHA-256 of the manifest, of what is set otherwise, and of the plugins.
    pub fn digest(&self, draft: &Draft) -> io::Result<String> {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        };
        part(&draft.manifest(&self.template));
        for setting in self.pipeline.settings() {
            part("override");
            part(setting);
        }
        let plugins: BTreeMap<_, _> = draft.plugins().collect();
        for (stage, plugin) in plugins {
            part(&format!("stage {stage}"));
            let bytes = fs::read(self.plugin(&plugin.file()))?;
            part(&hexadecimal(&Sha256::digest(bytes)));
        }
        Ok(hexadecimal(&digest.finalize()))
    }

    /// No more is fed.
    pub fn stop_feeding(&mut self) -> Result<(), Box<dyn Error>> {
        self.load = match std::mem::replace(&mut self.load, Load::File(Vec::new())) {
            Load::Feeder(feeder) => Load::Fed(feeder.end()?),
            load => load,
        };
        Ok(())
    }

    /// What is expected of all that was fed.
    pub fn expected(self) -> Output {
        match self.load {
            Load::File(input) => Model::of(&input),
            Load::Feeder(_) => Output::default(),
            Load::Fed(model) => model.finish(),
        }
    }

    /// What was written of it.
    pub fn written(&self) -> Result<Vec<Table>, Box<dyn Error>> {
        Ok(match &self.written {
            Written::Folder(folder) => folder.tables()?,
            Written::Servers(servers) => servers.tables()?,
        })
    }
}

impl Template {
    /// Of an example: what stands there for how its source is read, and how it is read to its end.
    fn of(
        example: &str,
        (found, mark): (&str, &str),
        draining: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let path = repository().join("examples/data-actions").join(example);
        let text = fs::read_to_string(path)?;
        if !text.contains(found) {
            return Err(format!("{example} does not say {found}").into());
        }
        Ok(Self {
            example: text.replace(found, mark),
            working: format!("rate-limit = {{ records-per-second = {PACE}, burst = {PACE} }}"),
            draining: draining.to_owned(),
        })
    }
}

/// Makes a component another one that does the same: a custom section is its last.
fn append_section(component: &mut Vec<u8>, number: u64) {
    let content = number.to_le_bytes();
    component.extend_from_slice(&[0, 6 + content.len() as u8, 5]);
    component.extend_from_slice(b"build");
    component.extend_from_slice(&content);
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A topic is fed, a few records at a time.
struct Feeder {
    stops: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Model>>,
}

impl Feeder {
    fn start(kafka: &Kafka, topic: &str, seed: u64) -> io::Result<Self> {
        let stops = Arc::new(AtomicBool::new(false));
        let (stopped, topic) = (Arc::clone(&stops), topic.to_owned());
        let producer = kafka.producer(Compression::Lz4)?;
        let mut generator = Generator::new(seed, Traffic::Hostile);
        let feed = move || {
            let mut model = Model::default();
            let (started, mut fed) = (Instant::now(), 0);
            while !stopped.load(Relaxed) {
                let due = started.elapsed().as_millis() as u64 * PACE / 1_000;
                let lines = generator.lines(due - fed);
                fed = due;
                for message in feed::messages(&lines, 1) {
                    producer.send(&topic, &message)?;
                    model.accept(message.value.as_deref().unwrap_or_default());
                }
                thread::sleep(PORTION);
            }
            producer.flush()?;
            Ok(model)
        };
        Ok(Self {
            stops,
            thread: thread::Builder::new()
                .name("feeder".to_owned())
                .spawn(feed)?,
        })
    }

    fn end(self) -> Result<Model, Box<dyn Error>> {
        self.stops.store(true, Relaxed);
        Ok(self.thread.join().map_err(|_| "the feeder has failed")??)
    }
}
