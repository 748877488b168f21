//! What jobs cost: started and finished a second, journal, replay, sleep.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jackfield_tests::chart::grouped;
use jackfield_tests::harness::{Host, Pipeline, Simulator, guest};
use reqwest::{Client, StatusCode};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tokio::task::JoinSet;

use super::{Measured, output};

/// Those who ask for jobs at the same time.
const CALLERS: u64 = 16;
/// What takes longer than any measurement.
const DAY_MILLIS: u64 = 86_400_000;

#[derive(clap::Args)]
pub struct Options {
    /// Jobs of two requests and a record each, for how many are finished a second.
    #[arg(long, default_value_t = 4_000)]
    jobs: u64,
    /// Steps of the job that is replayed.
    #[arg(long, default_value_t = 1_000)]
    steps: u64,
    /// Jobs that sleep.
    #[arg(long, default_value_t = 10_000)]
    sleeping: u64,
}

pub fn measure(options: &Options) -> Measured {
    // An error means that there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(finished_a_second(options.jobs))?;
    replayed(&runtime, options.steps)?;
    sleeping(&runtime, options.sleeping)
}

/// A pipeline of one job, the guest `courier`, that asks the simulator.
struct Couriers {
    folder: PathBuf,
    pipeline: Pipeline,
    client: Client,
    _simulator: Simulator,
}

impl Couriers {
    fn new(of: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let simulator = Simulator::start(&[])?;
        let folder = output(of)?;
        let manifest = folder.join("couriers.toml");
        fs::write(&manifest, couriers(&simulator.url()))?;
        Ok(Self {
            pipeline: Pipeline::new(manifest, &folder),
            folder,
            client: Client::builder().build()?,
            _simulator: simulator,
        })
    }

    /// Starts the host and waits until it answers.
    fn start(&self) -> Result<(Host, String), Box<dyn std::error::Error>> {
        let mut host = self.pipeline.start()?;
        if !host.wait_until(|_| super::listening(&self.folder).is_some())? {
            return Err(format!("the host ended: {:?}", host.wait()?).into());
        }
        let address = super::listening(&self.folder).unwrap_or_default();
        Ok((host, format!("http://{address}")))
    }

    /// Starts jobs of the same steps, side by side.
    async fn submit(&self, host: &str, steps: &Value, count: u64) -> Measured {
        let body = json!({ "steps": steps }).to_string();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let share = count / CALLERS + u64::from(caller < count % CALLERS);
            let (client, url, body) = (self.client.clone(), format!("{host}/run"), body.clone());
            callers.spawn(async move {
                for _ in 0..share {
                    let post = client.post(&url).header("content-type", "application/json");
                    let answer = post.body(body.clone()).send().await?;
                    if answer.status() != StatusCode::ACCEPTED {
                        panic!("{}: {}", answer.status(), answer.text().await?);
                    }
                }
                Ok::<_, reqwest::Error>(())
            });
        }
        while let Some(called) = callers.join_next().await {
            called??;
        }
        Ok(())
    }

    fn store(&self) -> rusqlite::Result<Connection> {
        let path = self.folder.join("couriers.jobs.db");
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn count(&self, what: &str) -> rusqlite::Result<u64> {
        let count: i64 = self.store()?.query_row(what, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Waits until so many jobs are in a state.
    fn wait_for(&self, host: &mut Host, state: &str, count: u64) -> Measured {
        let mut failed = 0;
        let reached = host.wait_until(|_| {
            failed = self.in_state("failed");
            failed > 0 || self.in_state(state) == count
        })?;
        match (reached, failed) {
            (true, 0) => Ok(()),
            (true, _) => Err(format!("{failed} jobs have failed").into()),
            (false, _) => Err("the host has ended".into()),
        }
    }

    /// Jobs in a state.
    fn in_state(&self, state: &str) -> u64 {
        let found = format!("SELECT count(*) FROM jackfield_jobs WHERE state = '{state}'");
        self.count(&found).unwrap_or(0)
    }
}

fn couriers(service: &str) -> String {
    let guest = guest("courier");
    format!(
        r#"
        [pipeline]
        name = "couriers"
        [checkpoint]
        path = "couriers.db"
        interval = "1s"
        minimum-pause = "0s"
        [server]
        listen = "127.0.0.1:0"
        [connections.service]
        base-url = "{service}"
        private-addresses = true
        [triggers.run]
        type = "http"
        path = "/run"
        job = "courier"
        answer = "async"
        [triggers.hook]
        type = "webhook"
        path = "/hook"
        correlation = "/id"
        [jobs.courier]
        plugin = {guest:?}
        connections = ["service"]
        limits = {{ steps = 100000, wall-time = "2d" }}
        [sinks.parcels]
        type = "jsonl"
        from = "courier.parcels"
        path = "parcels.jsonl"
        "#
    )
}

async fn finished_a_second(jobs: u64) -> Measured {
    let couriers = Couriers::new("jobs")?;
    let (mut host, url) = couriers.start()?;
    let steps =
        json!([{"post": ["/webhook/a", {}]}, {"post": ["/webhook/b", {}]}, {"emit": {"n": 1}}]);
    // What is compiled and opened once is not what is measured.
    couriers.submit(&url, &steps, CALLERS).await?;
    couriers.wait_for(&mut host, "done", CALLERS)?;
    let begun = Instant::now();
    couriers.submit(&url, &steps, jobs).await?;
    let accepted = begun.elapsed();
    couriers.wait_for(&mut host, "done", CALLERS + jobs)?;
    let finished = begun.elapsed();
    host.terminate()?;
    let ended = host.wait()?.expect_success();
    println!(
        "{} jobs of two requests and a record: {:.0} accepted a second over HTTP, {:.0} finished a second; {:.2} ms of CPU a job, {:.0} MiB at most",
        grouped(jobs),
        jobs as f64 / accepted.as_secs_f64(),
        jobs as f64 / finished.as_secs_f64(),
        ended.cpu.as_secs_f64() * 1_000.0 / (jobs + CALLERS) as f64,
        ended.peak_memory as f64 / (1 << 20) as f64,
    );
    Ok(())
}

/// How long a job with a journal takes to come to where it was, after a crash.
fn replayed(runtime: &Runtime, steps: u64) -> Measured {
    let mut took = Vec::new();
    let mut bytes = 0.0;
    for steps in [1, steps] {
        let couriers = Couriers::new("replay")?;
        let (mut host, url) = couriers.start()?;
        let mut work = vec![json!({"post": ["/webhook/a", {}]}); steps as usize];
        work.push(json!({"await": ["hook", "1", DAY_MILLIS]}));
        let work = Value::Array(work);
        runtime.block_on(couriers.submit(&url, &work, 1))?;
        couriers.wait_for(&mut host, "waiting", 1)?;
        host.kill()?;
        bytes = couriers.count("SELECT sum(length(fact)) FROM jackfield_job_entries")? as f64
            / steps as f64;
        let (mut host, url) = couriers.start()?;
        let begun = Instant::now();
        let called = runtime.block_on(call_back(&couriers.client, &url))?;
        assert_eq!(called, StatusCode::OK);
        couriers.wait_for(&mut host, "done", 1)?;
        took.push(begun.elapsed());
        host.terminate()?;
        host.wait()?.expect_success();
    }
    let more = took[1].saturating_sub(took[0]);
    println!(
        "a job of {} steps: {bytes:.0} bytes of journal a step; after a crash it goes on {:.1} ms later than one of a single step",
        grouped(steps),
        more.as_secs_f64() * 1_000.0,
    );
    Ok(())
}

async fn call_back(client: &Client, host: &str) -> reqwest::Result<StatusCode> {
    let post = client.post(format!("{host}/hook"));
    let post = post.header("content-type", "application/json");
    Ok(post.body(r#"{"id":"1"}"#).send().await?.status())
}

fn sleeping(runtime: &Runtime, jobs: u64) -> Measured {
    let couriers = Couriers::new("sleeping")?;
    let (mut host, url) = couriers.start()?;
    let nap = json!([{"post": ["/webhook/a", {}]}, {"sleep": DAY_MILLIS}]);
    runtime.block_on(couriers.submit(&url, &nap, 200))?;
    couriers.wait_for(&mut host, "waiting", 200)?;
    let few = settled(&host);
    runtime.block_on(couriers.submit(&url, &nap, jobs))?;
    couriers.wait_for(&mut host, "waiting", 200 + jobs)?;
    let many = settled(&host);
    host.terminate()?;
    host.wait()?.expect_success();
    println!(
        "{} more sleeping jobs: {:.1} MiB of memory with 200, {:.1} MiB with all; {:.1} MiB of disk",
        grouped(jobs),
        few as f64 / (1 << 20) as f64,
        many as f64 / (1 << 20) as f64,
        size_of_store(&couriers.folder)? as f64 / (1 << 20) as f64,
    );
    Ok(())
}

/// Resident memory, once it grows no more: what was borrowed for the work of a moment is given back.
fn settled(host: &Host) -> u64 {
    let mut last = host.memory().unwrap_or(0);
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = host.memory().unwrap_or(0);
        if now >= last {
            return now;
        }
        last = now;
    }
}

fn size_of_store(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for name in ["couriers.jobs.db", "couriers.jobs.db-wal"] {
        if let Ok(found) = fs::metadata(folder.join(name)) {
            bytes += found.len();
        }
    }
    Ok(bytes)
}
