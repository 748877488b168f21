//! Kills the host again and again while it works, and then looks for the damage.
//!
//! A round is one input on a fresh folder: the host is started and killed until it has had enough, then started a last
//! time and left to finish. What it leaves is compared with the model row by row. As many rounds are made as it takes to
//! have killed it as often as was asked for.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jackfield_tests::comparison::{Differences, compare};
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::{Host, Pipeline, repository};
use jackfield_tests::model::Model;
use jackfield_tests::random::{Xorshift, derive_seed};
use jackfield_tests::table::{Observation, Table};

/// Rounds after which the host is taken to be too fast for the input.
const MOST_ROUNDS: u64 = 200;
/// Kills of one round, as far as its input lasts. More rounds of fewer kills see more beginnings and ends.
const KILLS_A_ROUND: u64 = 25;

/// Kills a running pipeline at random moments and compares all that it wrote with an independent model.
#[derive(Parser)]
struct Arguments {
    /// Repeats the input and the choice of moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the host is killed in all.
    #[arg(long, default_value_t = 100)]
    kills: u64,
    /// Lines of input a round.
    #[arg(long, default_value_t = 500_000)]
    records: u64,
    /// Instances of each stage; 0 takes turns between 1 and 2.
    #[arg(long, default_value_t = 0)]
    parallelism: u64,
    /// Milliseconds between checkpoints.
    #[arg(long, default_value_t = 10)]
    interval: u64,
    /// Folder for the input and what comes out of it.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    match prove(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn prove(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut total = Tally::default();
    let mut random = Xorshift::new(derive_seed(arguments.seed, 3));
    for number in 0.. {
        if number > 0 && total.kills >= arguments.kills {
            break;
        }
        if number == MOST_ROUNDS {
            return Err(format!(
                "only {} kills in {MOST_ROUNDS} rounds: give more RECORDS",
                total.kills
            )
            .into());
        }
        let round = Round::prepare(arguments, number)?;
        let tally = round.run(arguments.kills - total.kills, &mut random)?;
        println!(
            "round {number}: parallelism={} kills={} of which in a commit={} {}",
            round.parallelism, tally.kills, tally.in_commits, tally.differences
        );
        for example in &tally.differences.examples {
            println!("  {example}");
        }
        match tally.differences.is_empty() {
            true => fs::remove_dir_all(&round.folder)?,
            false => println!("  kept: {}", round.folder.display()),
        }
        total.kills += tally.kills;
        total.records += arguments.records;
        total.differences += tally.differences;
    }
    println!(
        "streams: kills={} records={} {}",
        total.kills, total.records, total.differences
    );
    Ok(total.differences.is_empty())
}

#[derive(Default)]
struct Tally {
    kills: u64,
    /// Those that were timed to hit the writing of a checkpoint.
    in_commits: u64,
    records: u64,
    differences: Differences,
}

/// When the host is killed.
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after the database was written to for the given time.
    InCommit(u64, Duration),
}

struct Round {
    folder: PathBuf,
    parallelism: u64,
    pipeline: Pipeline,
    expected: Vec<Table>,
    /// What the file of enriched interactions will hold at the end.
    enriched_bytes: u64,
}

impl Round {
    fn prepare(arguments: &Arguments, number: u64) -> Result<Self, Box<dyn Error>> {
        let parent = arguments
            .folder
            .clone()
            .unwrap_or_else(|| repository().join("target/prove-streams"));
        let folder = parent.join(format!("seed-{}-round-{number}", arguments.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let seed = derive_seed(arguments.seed, 1000 + number);
        let input = Generator::new(seed, Traffic::Hostile).lines(arguments.records);
        let path = folder.join("input.jsonl");
        fs::write(&path, &input)?;
        let output = Model::of(&input);
        let parallelism = if arguments.parallelism == 0 {
            1 + number % 2
        } else {
            arguments.parallelism
        };
        let pipeline = Pipeline::data_actions(folder.join("data"))
            .input(&path)
            .checkpoint_every(arguments.interval)
            .set(&format!("pipeline.parallelism={parallelism}"));
        let (expected, enriched_bytes) = (output.tables(), output.enriched_bytes());
        Ok(Self {
            folder,
            parallelism,
            pipeline,
            expected,
            enriched_bytes,
        })
    }

    /// Kills the host up to `kills` times, then lets it finish.
    fn run(&self, kills: u64, random: &mut Xorshift) -> Result<Tally, Box<dyn Error>> {
        let kills = kills.min(KILLS_A_ROUND);
        let mut tally = Tally::default();
        let mut finished = None;
        while finished.is_none() && tally.kills < kills {
            let ahead = self.progress() > tally.kills as f64 / kills as f64;
            let moment = draw_moment(random, ahead);
            let mut host = self.pipeline.start()?;
            if !self.wait_for(&moment, &mut host)? {
                finished = Some(host.wait()?);
                break;
            }
            let ended = host.kill()?;
            if ended.code().is_some() {
                // It was faster than the signal.
                finished = Some(ended);
                break;
            }
            tally.kills += 1;
            tally.in_commits += u64::from(matches!(moment, Moment::InCommit(..)));
        }
        let finished = match finished {
            Some(finished) => finished,
            None => self.pipeline.run()?,
        };
        if !finished.status.success() {
            let (kills, folder) = (tally.kills, self.folder.display());
            let message = format!(
                "after {kills} kills the host failed: {}\n{}",
                finished.status, finished.stderr
            );
            return Err(format!("{message}\nkept: {folder}").into());
        }
        tally.differences = compare(
            &self.expected,
            &Observation::of(self.pipeline.folder()).tables()?,
        );
        Ok(tally)
    }

    /// How much of the output is written, from 0 to 1.
    fn progress(&self) -> f64 {
        let written = fs::metadata(Observation::of(self.pipeline.folder()).enriched())
            .map_or(0, |file| file.len());
        written as f64 / self.enriched_bytes.max(1) as f64
    }

    /// Answers whether the moment came before the host ended.
    fn wait_for(&self, moment: &Moment, host: &mut Host) -> Result<bool, Box<dyn Error>> {
        let database = Observation::of(self.pipeline.folder()).database();
        let journal = database.with_extension("db-wal");
        let written = || {
            [&database, &journal].map(|path| {
                fs::metadata(path)
                    .map(|file| (file.len(), file.modified().ok()))
                    .ok()
            })
        };
        match *moment {
            Moment::After(delay) => Ok(host.wait_until(|host| host.age() >= delay)?),
            Moment::InCommit(commits, delay) => {
                for _ in 0..commits {
                    let before = written();
                    if !host.wait_until_closely(|_| written() != before)? {
                        return Ok(false);
                    }
                }
                let due = host.age() + delay;
                Ok(host.wait_until_closely(|host| host.age() >= due)?)
            }
        }
    }
}

/// Earlier moments where the input would not last for all kills otherwise.
fn draw_moment(random: &mut Xorshift, ahead: bool) -> Moment {
    let (latest, most_commits) = if ahead { (80_000, 1) } else { (400_000, 5) };
    match random.below(10) {
        // While it starts, reads its checkpoint or has hardly begun; or at any other time.
        0..4 => Moment::After(Duration::from_micros(random.below(latest))),
        _ => Moment::InCommit(
            1 + random.below(most_commits),
            Duration::from_micros(random.below(3_000)),
        ),
    }
}
