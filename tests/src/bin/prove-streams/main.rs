//! Breaks what a running pipeline consists of, again and again, and then looks for the damage.
//!
//! A round is one input on a fresh folder: the host is started and killed until it has had enough, then started a last
//! time and left to finish. Where it stands between servers, they crash too, and each of them stands still for a while.
//! What is left at the end is compared with the model row by row. As many rounds are made as it takes to have broken as
//! much as was asked for.

mod embedded;
mod fault;
mod kafka;
mod moment;
mod shared;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use jackfield_tests::comparison::Differences;
use jackfield_tests::harness::repository;
use jackfield_tests::random::{Xorshift, derive_seed};

/// Rounds after which the host is taken to be too fast for the input.
const MOST_ROUNDS: u64 = 200;

/// Breaks a running pipeline at random moments and compares all that it wrote with an independent model.
#[derive(Parser)]
struct Arguments {
    /// What the pipeline stands between.
    #[arg(long, value_enum, default_value_t = Form::Embedded)]
    form: Form,
    /// Repeats the input and the choice of moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the host is killed in all, or with the form `kafka` something is broken.
    #[arg(long, default_value_t = 100)]
    kills: u64,
    /// Lines of input a round.
    #[arg(long, default_value_t = 500_000)]
    records: u64,
    /// Instances of each stage; 0 takes turns between 1 and 2.
    #[arg(long, default_value_t = 0)]
    parallelism: u64,
    /// Partitions of the topic; 0 takes turns between 1, with late records, and 4, without.
    #[arg(long, default_value_t = 0)]
    partitions: u32,
    /// Milliseconds between checkpoints; 10, or 300 with the form `kafka`.
    #[arg(long)]
    interval: Option<u64>,
    /// Folder for the input and what comes out of it.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Files and one SQLite database.
    Embedded,
    /// A Kafka topic, Cassandra tables and another topic.
    Kafka,
    /// The same, with two processes that share the work.
    Shared,
}

impl Arguments {
    /// A fresh folder for a round.
    fn make_folder(&self, round: u64) -> Result<PathBuf, Box<dyn Error>> {
        let parent = match &self.folder {
            Some(folder) => folder.clone(),
            None => repository().join("target/prove-streams"),
        };
        let folder = parent.join(format!("seed-{}-round-{round}", self.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn seed_of(&self, round: u64) -> u64 {
        derive_seed(self.seed, 1000 + round)
    }

    fn parallelism_of(&self, round: u64) -> u64 {
        match self.parallelism {
            0 => 1 + round % 2,
            parallelism => parallelism,
        }
    }
}

/// What was broken, and what came of it.
#[derive(Default)]
struct Tally {
    /// How often something was broken.
    kills: u64,
    /// What was broken how often, in words.
    of_which: String,
    differences: Differences,
}

fn main() -> ExitCode {
    jackfield_tests::verdict(prove(&Arguments::parse()))
}

fn prove(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut random = Xorshift::new(derive_seed(arguments.seed, 3));
    match arguments.form {
        Form::Embedded => repeat(arguments, |number, kills| {
            embedded::Round::prepare(arguments, number)?.run(kills, &mut random)
        }),
        Form::Kafka => {
            let folder = tempfile::tempdir()?;
            let servers = kafka::Servers::start(folder.path())?;
            repeat(arguments, |number, kills| {
                kafka::Round::prepare(arguments, number, &servers)?.run(kills, &mut random)
            })
        }
        Form::Shared => {
            let folder = tempfile::tempdir()?;
            let servers = kafka::Servers::start(folder.path())?;
            repeat(arguments, |number, kills| {
                shared::Round::prepare(arguments, number, &servers)?.run(kills, &mut random)
            })
        }
    }
}

/// Makes rounds, each of which is told how much is left to be broken; answers whether there was no damage.
fn repeat(
    arguments: &Arguments,
    mut round: impl FnMut(u64, u64) -> Result<Tally, Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    let mut total = Tally::default();
    let mut rounds = 0;
    while rounds == 0 || total.kills < arguments.kills {
        if rounds == MOST_ROUNDS {
            let kills = total.kills;
            return Err(format!("only {kills} kills in {rounds} rounds: give more RECORDS").into());
        }
        let tally = round(rounds, arguments.kills - total.kills)?;
        total.kills += tally.kills;
        total.differences += tally.differences;
        rounds += 1;
    }
    println!(
        "streams: kills={} records={} {}",
        total.kills,
        rounds * arguments.records,
        total.differences
    );
    Ok(total.differences.is_empty())
}

/// Says what came of a round, and keeps its folder if that is worth a look.
fn report(folder: &Path, round: &str, tally: &Tally) -> Result<(), Box<dyn Error>> {
    println!(
        "{round} kills={}{} {}",
        tally.kills, tally.of_which, tally.differences
    );
    for example in &tally.differences.examples {
        println!("  {example}");
    }
    match tally.differences.is_empty() {
        true => fs::remove_dir_all(folder)?,
        false => println!("  kept: {}", folder.display()),
    }
    Ok(())
}
