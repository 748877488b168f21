//! Two processes that share the work, of which each may go, come back, or wake up after the other has taken over.

use std::error::Error;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jackfield_tests::comparison::compare;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Host, Pipeline};
use jackfield_tests::model::Model;
use jackfield_tests::random::Xorshift;
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::table::{ServedObservation, Table};

use crate::fault::{Server, Servers};
use crate::{Arguments, Tally, report};

/// What breaks in one round, as far as its input lasts: every kind of it once.
const FAULTS_A_ROUND: u64 = 7;
const CHECKPOINT_INTERVAL: u64 = 300;
/// How long the input lasts for each fault: until the other process has taken over.
const PACE: Duration = Duration::from_millis(3_000);
/// A process that is not heard of for so long loses its tasks.
const SESSION_TIMEOUT: Duration = Duration::from_millis(1_500);
const HOSTS: usize = 2;
/// Makes another version of the pipeline, whose plugins have other limits and are told the same in other words.
const OTHER_WORDS: [&str; 3] = [
    "stages.count.configuration.window=10000ms",
    "stages.detect.configuration.within=30000ms",
    "stages.join.limits.memory=200MiB",
];

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A process is killed, and another one joins at once.
    Replaced,
    /// A process is killed; the other one has all of the work until another one joins.
    LeftAlone,
    /// A process stands still until its tasks have gone to the other, and then wakes up.
    Overslept,
    /// A process is told to stop, and another one joins with another version of the pipeline, which does the same.
    Changed,
    /// Both are killed at once.
    BothKilled,
    /// A server is killed and started again.
    ServerKilled(Server),
}

const ROTATION: [Fault; FAULTS_A_ROUND as usize] = [
    Fault::Replaced,
    Fault::Overslept,
    Fault::LeftAlone,
    Fault::ServerKilled(Server::Kafka),
    Fault::BothKilled,
    Fault::Changed,
    Fault::ServerKilled(Server::Cassandra),
];

pub struct Round<'a> {
    number: u64,
    servers: &'a Servers,
    folder: PathBuf,
    title: String,
    pipeline: Pipeline,
    observation: ServedObservation<'a>,
    expected: Vec<Table>,
}

impl<'a> Round<'a> {
    pub fn prepare(
        arguments: &Arguments,
        number: u64,
        servers: &'a Servers,
    ) -> Result<Self, Box<dyn Error>> {
        let folder = arguments.make_folder(number)?;
        let partitions = match (arguments.partitions, number % 2) {
            (0, 0) => 4,
            (0, _) => 1,
            (partitions, _) => partitions,
        };
        // With several partitions it is not decided which record comes first, and so not which of them would be late.
        let traffic = match partitions {
            1 => Traffic::Hostile,
            _ => Traffic::Punctual,
        };
        let input = Generator::new(arguments.seed_of(number), traffic).lines(arguments.records);
        let both = (&servers.kafka, &servers.cassandra);
        let data = folder.join("data");
        let name = format!("shared_{number}");
        let served = ServedPipeline::prepare(both, &name, data, partitions)?;
        served.feed(&input)?;
        let pipeline = served
            .shared_pipeline(pace(arguments.records, partitions))
            .environment(
                "KAFKA_SESSION_TIMEOUT",
                &SESSION_TIMEOUT.as_millis().to_string(),
            )
            .checkpoint_every(arguments.interval.unwrap_or(CHECKPOINT_INTERVAL));
        Ok(Self {
            number,
            servers,
            title: format!("round {number}: hosts={HOSTS} partitions={partitions}"),
            observation: served.shared_observation(pipeline.clone())?,
            pipeline,
            folder,
            expected: Model::of(&input).tables(),
        })
    }

    /// Breaks something up to `kills` times, then lets the hosts finish.
    pub fn run(self, kills: u64, random: &mut Xorshift) -> Result<Tally, Box<dyn Error>> {
        let mut hosts = Vec::new();
        for host in 0..HOSTS {
            hosts.push(Some(self.start(host)?));
        }
        let mut tally = Tally::default();
        while tally.kills < kills.min(FAULTS_A_ROUND) {
            thread::sleep(Duration::from_millis(500 + random.below(2_000)));
            if is_done(&mut hosts)? {
                break;
            }
            let fault = ROTATION[((self.number + tally.kills) % FAULTS_A_ROUND) as usize];
            let victim = usize::try_from(random.below(HOSTS as u64))?;
            self.break_it(fault, victim, &mut hosts, random)?;
            tally.kills += 1;
            tally.of_which += &format!(" {fault:?}");
        }
        for host in hosts.into_iter().flatten() {
            self.expect_success(&host.wait()?)?;
        }
        tally.differences = compare(&self.expected, &self.observation.tables()?);
        report(&self.folder, &self.title, &tally)?;
        Ok(tally)
    }

    fn start(&self, host: usize) -> Result<Host, Box<dyn Error>> {
        Ok(self.pipeline.start_as(&name(host))?)
    }

    fn break_it(
        &self,
        fault: Fault,
        victim: usize,
        hosts: &mut [Option<Host>],
        random: &mut Xorshift,
    ) -> Result<(), Box<dyn Error>> {
        match fault {
            Fault::Replaced => self.replace(victim, hosts, Duration::ZERO)?,
            Fault::LeftAlone => self.replace(victim, hosts, 2 * SESSION_TIMEOUT)?,
            Fault::Overslept => {
                if let Some(host) = &hosts[victim] {
                    host.suspend()?;
                    let longer = Duration::from_millis(random.below(1_500));
                    thread::sleep(2 * SESSION_TIMEOUT + longer);
                    host.resume()?;
                }
            }
            Fault::Changed => {
                if let Some(host) = hosts[victim].take() {
                    host.terminate()?;
                    self.expect_success(&host.wait()?)?;
                }
                let changed = OTHER_WORDS
                    .iter()
                    .fold(self.pipeline.clone(), |pipeline, words| pipeline.set(words));
                hosts[victim] = Some(changed.start_as(&name(victim))?);
            }
            Fault::BothKilled => {
                for host in 0..HOSTS {
                    self.replace(host, hosts, Duration::ZERO)?;
                }
            }
            Fault::ServerKilled(server) => {
                self.servers.kill(server)?;
                thread::sleep(Duration::from_millis(random.below(1_000)));
                self.servers.restart(server)?;
            }
        }
        Ok(())
    }

    /// Kills a host, and starts another one after a while.
    fn replace(
        &self,
        victim: usize,
        hosts: &mut [Option<Host>],
        pause: Duration,
    ) -> Result<(), Box<dyn Error>> {
        if let Some(host) = hosts[victim].take() {
            let ended = host.kill()?;
            // It was faster than the signal.
            if ended.code().is_some() {
                self.expect_success(&ended)?;
            }
        }
        thread::sleep(pause);
        hosts[victim] = Some(self.start(victim)?);
        Ok(())
    }

    fn expect_success(&self, finished: &Finished) -> Result<(), Box<dyn Error>> {
        if finished.status.success() {
            return Ok(());
        }
        let (title, status, stderr) = (&self.title, finished.status, &finished.stderr);
        Err(format!(
            "{title}: a host failed: {status}\n{stderr}\nkept: {}",
            self.folder.display()
        )
        .into())
    }
}

fn name(host: usize) -> String {
    format!("host-{host}")
}

fn is_done(hosts: &mut [Option<Host>]) -> Result<bool, Box<dyn Error>> {
    for host in hosts.iter_mut().flatten() {
        if host.is_running()? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Records a second that each task may read, slow enough for the faults of a round to come while there is input.
fn pace(records: u64, partitions: u32) -> u32 {
    let lasts = PACE.as_secs_f64() * FAULTS_A_ROUND as f64;
    (records as f64 / lasts / f64::from(partitions)).ceil() as u32
}
