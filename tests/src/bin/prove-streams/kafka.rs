//! Between a Kafka topic, Cassandra tables and another topic, all of which may break too.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jackfield_tests::comparison::compare;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Finished, Host, Pipeline};
use jackfield_tests::model::Model;
use jackfield_tests::random::Xorshift;
use jackfield_tests::served::ServedPipeline;
use jackfield_tests::services::{Cassandra, Kafka};
use jackfield_tests::table::{Observation, ServedObservation, Table};

pub use crate::fault::Servers;
use crate::fault::{Fault, Faults, draw_standstill};
use crate::moment::Moment;
use crate::{Arguments, Tally, report};

/// What breaks in one round, as far as its input lasts: every kind of it once.
const FAULTS_A_ROUND: u64 = 14;
const CHECKPOINT_INTERVAL: u64 = 300;
/// How long the input lasts for each fault: about as long as a host takes to start and to come to a checkpoint.
const PACE: Duration = Duration::from_millis(600);

impl Servers {
    pub fn start(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            kafka: Kafka::start(&folder.join("kafka"))?,
            cassandra: Cassandra::start(&folder.join("cassandra"))?,
        })
    }
}

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
            (0, 0) => 1,
            (0, _) => 4,
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
        let served = ServedPipeline::prepare(both, &number.to_string(), data, partitions)?;
        served.feed(&input)?;
        // Takes other turns than the partitions do, so that every pair comes up.
        let parallelism = arguments.parallelism_of(number / 2);
        let pipeline = served
            .pipeline(pace(arguments.records))
            .checkpoint_every(arguments.interval.unwrap_or(CHECKPOINT_INTERVAL))
            .set(&format!("pipeline.parallelism={parallelism}"));
        Ok(Self {
            number,
            servers,
            title: format!("round {number}: partitions={partitions} parallelism={parallelism}"),
            pipeline,
            observation: served.observation(),
            folder,
            expected: Model::of(&input).tables(),
        })
    }

    /// Breaks something up to `kills` times, then lets the host finish.
    pub fn run(self, kills: u64, random: &mut Xorshift) -> Result<Tally, Box<dyn Error>> {
        let mut faults = Faults::default();
        let mut host = self.pipeline.start()?;
        while faults.total() < kills.min(FAULTS_A_ROUND) {
            let fault = Fault::number(self.number * FAULTS_A_ROUND + faults.total());
            let database = Observation::of(self.pipeline.folder()).database();
            if !draw_moment(fault, random).wait(&database, &mut host)? {
                break;
            }
            faults.add(fault);
            host = self.break_it(fault, host, random)?;
        }
        let finished = host.wait()?;
        if !finished.status.success() {
            return Err(self.failure(&faults, &finished).into());
        }
        let tally = Tally {
            kills: faults.total(),
            of_which: faults.to_string(),
            differences: compare(&self.expected, &self.observation.tables()?),
        };
        report(&self.folder, &self.title, &tally)?;
        Ok(tally)
    }

    /// Answers the host that works on, which is another one if the fault was the host's.
    fn break_it(
        &self,
        fault: Fault,
        host: Host,
        random: &mut Xorshift,
    ) -> Result<Host, Box<dyn Error>> {
        match fault {
            Fault::HostKilled => return self.kill(host),
            Fault::HostStopped => {
                host.suspend()?;
                std::thread::sleep(draw_standstill(random));
                host.resume()?;
            }
            Fault::ServerKilled(server) => {
                self.servers.kill(server)?;
                self.servers.restart(server)?;
            }
            Fault::BothKilled(server) => {
                self.servers.kill(server)?;
                let host = self.kill(host)?;
                self.servers.restart(server)?;
                return Ok(host);
            }
            Fault::ServerStopped(server) => {
                self.servers.suspend(server)?;
                std::thread::sleep(draw_standstill(random));
                self.servers.resume(server)?;
            }
        }
        Ok(host)
    }

    /// Kills the host and starts another one.
    fn kill(&self, host: Host) -> Result<Host, Box<dyn Error>> {
        let ended = host.kill()?;
        match ended.code() {
            // It was faster than the signal, and failed.
            Some(code) if code != 0 => Err(self.failure(&Faults::default(), &ended).into()),
            _ => Ok(self.pipeline.start()?),
        }
    }

    fn failure(&self, faults: &Faults, finished: &Finished) -> String {
        format!(
            "{}: after {} faults{faults} the host failed: {}\n{}\nkept: {}",
            self.title,
            faults.total(),
            finished.status,
            finished.stderr,
            self.folder.display()
        )
    }
}

/// Records a second, slow enough for the faults of a round to come while there is input.
fn pace(records: u64) -> u32 {
    let lasts = PACE.as_secs_f64() * FAULTS_A_ROUND as f64;
    (records as f64 / lasts).ceil() as u32
}

fn draw_moment(fault: Fault, random: &mut Xorshift) -> Moment {
    match (fault, random.below(10)) {
        // Checkpoint and transaction are committed one after the other, within some milliseconds.
        (Fault::HostKilled, 0..6) => Moment::draw_in_commit(4, Duration::from_millis(40), random),
        (Fault::HostKilled, _) => Moment::draw_within(Duration::from_millis(1500), random),
        (_, 0..5) => Moment::draw_in_commit(3, Duration::from_millis(40), random),
        _ => Moment::draw_within(Duration::from_millis(1000), random),
    }
}
