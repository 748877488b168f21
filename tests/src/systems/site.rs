//! One place where a system runs: a folder, an address, a simulated platform.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;

use cxone_simulator::{Effect, Options, RecordedRequest, Simulator};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Client, System, Told};
use crate::harness::{Host, Pipeline};
use crate::table::Table;

/// Where the platform delivers exports to: a receiver that is a part of the simulator.
const OWN_DELIVERIES: &str = "/api/v1/callbacks/cxone";

/// Where a system runs. The platform is part of this process, so that it is there whatever becomes of the host.
pub struct Site {
    name: &'static str,
    folder: PathBuf,
    address: SocketAddr,
    pipeline: Pipeline,
    simulator: Simulator,
    given_up: Arc<AtomicBool>,
    runtime: Runtime,
}

/// Something that requests to the platform brought about, and the body by which they did.
#[derive(Clone, Debug)]
pub struct Performed {
    /// How often, by which key, and what was answered.
    pub effect: Effect,
    /// What was sent; null if it is no JSON, or longer than what the simulator keeps.
    pub body: Value,
}

impl Site {
    /// Prepares a run of a system in a folder, on a platform of its own. Nothing is started but the platform.
    ///
    /// # Errors
    /// When there is no folder, address or platform to be had.
    pub fn open(system: &dyn System, folder: &Path, platform: Options) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let runtime = Runtime::new()?;
        let simulator = runtime.block_on(Simulator::start(platform))?;
        let address = free_address()?;
        let manifest = format!("examples/{}/pipeline.toml", system.name());
        let pipeline = Pipeline::new(manifest, folder)
            .environment("JACKFIELD_DATA", &folder.display().to_string())
            .environment("JACKFIELD_LISTEN", &address.to_string())
            .environment("JACKFIELD_URL", &format!("http://{address}"))
            .environment("CXONE_URL", &simulator.url())
            .environment("BI_URL", &simulator.url())
            .environment("PRIVATE_ADDRESSES", "true")
            .environment("CXONE_CLIENT_ID", crate::harness::Simulator::CLIENT_ID)
            .environment(
                "CXONE_CLIENT_SECRET",
                crate::harness::Simulator::CLIENT_SECRET,
            );
        let mut site = Self {
            name: system.name(),
            folder: folder.to_path_buf(),
            address,
            pipeline,
            simulator,
            given_up: Arc::default(),
            runtime,
        };
        system.prepare(&site)?;
        site.pipeline = system.configure(site.pipeline.clone(), &site);
        Ok(site)
    }

    /// Changes the pipeline before it is run.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(Pipeline) -> Pipeline) -> Self {
        self.pipeline = change(self.pipeline);
        self
    }

    /// Where the pipeline keeps and writes everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of the pipeline, which is that of its databases too.
    pub fn pipeline_name(&self) -> &'static str {
        self.name
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The platform.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Waits for something that the platform does.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Where the host listens, whenever it is there.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of the host.
    ///
    /// # Errors
    /// When there can be none.
    pub fn client(&self) -> io::Result<Client> {
        let url = format!("http://{}", self.address);
        Client::new(
            self.runtime.handle().clone(),
            url,
            Arc::clone(&self.given_up),
        )
    }

    /// Has the work of a system done, while `conduct` starts, watches and ends the host until the work is done, which the function that it is
    /// given says.
    ///
    /// # Errors
    /// Those of `conduct`, upon which the work is given up, and those of the work.
    pub fn work(
        &self,
        system: &dyn System,
        conduct: impl FnOnce(&dyn Fn() -> bool) -> io::Result<()>,
    ) -> io::Result<Vec<Told>> {
        thread::scope(|scope| {
            let working = scope.spawn(|| system.work(self));
            let conducted = conduct(&|| working.is_finished());
            self.given_up.store(conducted.is_err(), Ordering::Relaxed);
            let told = working.join();
            conducted?;
            told.unwrap_or_else(|_| Err(io::Error::other("who asked for work has panicked")))
        })
    }

    /// Has the work of a system done by one host that nobody disturbs, and gives what came of it.
    ///
    /// # Errors
    /// When the host or the work fails.
    pub fn run(&self, system: &dyn System) -> io::Result<Vec<Table>> {
        let told = self.work(system, |is_done| {
            let mut host = self.pipeline.start()?;
            if !host.wait_until(|_| is_done())? {
                return Err(self.ended_early(host)?);
            }
            host.terminate()?;
            succeeded(host)
        })?;
        self.finish()?;
        system.outcome(self, &told)
    }

    /// Lets a host write what is left to be written, and has the audit log verified.
    ///
    /// # Errors
    /// When it fails, or the log is not what was written.
    pub fn finish(&self) -> io::Result<()> {
        succeeded(self.pipeline.clone().until_idle().start()?)?;
        let verified = self.pipeline.run_command(&["audit", "verify"], &[])?;
        match verified.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(verified.stderr)),
        }
    }

    /// The error of a host that ended while there was work.
    ///
    /// # Errors
    /// When it has not ended.
    pub fn ended_early(&self, host: Host) -> io::Result<io::Error> {
        let ended = host.wait()?;
        let message = format!("the host has ended: {}\n{}", ended.status, ended.stderr);
        Ok(io::Error::other(message))
    }

    /// The records of the audit log, in their order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn audit(&self) -> io::Result<Vec<Value>> {
        let mut files = fs::read_dir(self.folder.join("audit"))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        let mut records = Vec::new();
        for file in files {
            records.extend(
                read_lines(&file)?
                    .into_iter()
                    .map(|mut line| line["record"].take()),
            );
        }
        Ok(records)
    }

    /// The records of a file of JSON lines, in their order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn lines(&self, name: &str) -> io::Result<Vec<Value>> {
        read_lines(&self.folder.join(name))
    }

    /// The objects of a data lake in a folder, each of them JSON, in the order of their names.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn objects(&self, name: &str) -> io::Result<Vec<Value>> {
        let mut folders = vec![self.folder.join(name)];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                // What a host that was killed has half written is no object, and has a name that none has.
                let is_staged = path.to_string_lossy().contains('#');
                match path.is_dir() {
                    true => folders.push(path),
                    false if is_staged => {}
                    false => files.push(path),
                }
            }
        }
        files.sort();
        let read = |path: PathBuf| -> io::Result<Value> {
            serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
        };
        files.into_iter().map(read).collect()
    }

    /// How many different things requests of hosts brought about.
    pub fn effect_count(&self) -> u64 {
        self.effects().count() as u64
    }

    /// How many requests gave the idempotency key of another one.
    pub fn conflict_count(&self) -> u64 {
        self.effects()
            .map(|effect| u64::from(effect.conflicting))
            .sum()
    }

    /// Without what the platform tells itself.
    fn effects(&self) -> impl Iterator<Item = Effect> {
        let effects = self.simulator.effects().into_iter();
        effects.filter(|effect| effect.path != OWN_DELIVERIES)
    }

    /// What requests to a path brought about, once for each time.
    pub fn performed(&self, path: &str) -> Vec<Performed> {
        let requests = self.simulator.requests();
        self.effects()
            .filter(|effect| effect.path == path)
            .flat_map(|effect| {
                let times = effect.performed as usize;
                let body = body_of(&requests, &effect);
                vec![Performed { effect, body }; times]
            })
            .collect()
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Site");
        shown.field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn succeeded(host: Host) -> io::Result<()> {
    let ended = host.wait()?;
    match ended.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "the host failed: {}\n{}",
            ended.status, ended.stderr
        ))),
    }
}

fn read_lines(path: &Path) -> io::Result<Vec<Value>> {
    let text = fs::read_to_string(path)?;
    let parsed = text.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().map_err(io::Error::other)
}

fn body_of(requests: &[RecordedRequest], effect: &Effect) -> Value {
    let mut requests = requests.iter();
    let sent = requests.find(|request| {
        request.body_sha256 == effect.body_sha256
            && request.idempotency_key == effect.idempotency_key
            && request.path == effect.path
    });
    let body = sent.and_then(|request| serde_json::from_str(&request.body).ok());
    body.unwrap_or_default()
}

/// An address to which a host can come back again and again: nobody else takes it meanwhile, since each site has one of the sixteen million of the
/// loopback interface for itself.
fn free_address() -> io::Result<SocketAddr> {
    static SITES: AtomicU8 = AtomicU8::new(0);
    let site = SITES.fetch_add(1, Ordering::Relaxed);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // Not 127.0.0.0/16, where everybody else is.
    let address = Ipv4Addr::new(127, high | 1, low, site);
    TcpListener::bind((address, 0))?.local_addr()
}
