//! Kills the host in the middle of jobs, again and again, while everything goes wrong at the platform that can, and then counts what came of it.
//!
//! Each system is first left in peace on a platform without faults: what comes of that is what is expected. A round is then the same
//! work in a fresh folder: the host is killed and started until all work has come to its end, and once more while it writes what is
//! left. As many rounds are made as it takes to have killed as often as was asked for.

mod moment;
mod round;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jackfield_tests::comparison::Differences;
use jackfield_tests::harness::repository;
use jackfield_tests::random::{Xorshift, derive_seed};
use jackfield_tests::systems::{SYSTEMS, Site, System};
use jackfield_tests::table::Table;

use round::Round;

/// Rounds after which a system is taken to be done too fast to be killed.
const MOST_ROUNDS: u64 = 100;
/// Characters of a difference that are shown.
const LONGEST_EXAMPLE: usize = 400;

/// Kills hosts while jobs run on a platform full of faults, and compares all that came of it with a run in peace.
#[derive(Parser)]
struct Arguments {
    /// Repeats the platform's faults and the choice of moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the host is killed in all.
    #[arg(long, default_value_t = 100)]
    kills: u64,
    /// The share of requests, and of pieces of work, that meet each kind of fault.
    #[arg(long, default_value_t = 0.05)]
    faults: f64,
    /// Only this system.
    #[arg(long, value_parser = system)]
    system: Option<usize>,
    /// A platform that knows no idempotency keys: what is sent twice is done twice, which has to be found.
    #[arg(long)]
    ignore_idempotency_keys: bool,
    /// Folder for what the hosts keep and write.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn system(name: &str) -> Result<usize, String> {
    let mut names = SYSTEMS.iter().map(|system| system.name());
    names.position(|known| known == name).ok_or_else(|| {
        let names: Vec<_> = SYSTEMS.iter().map(|system| system.name()).collect();
        format!("the systems are {}", names.join(", "))
    })
}

/// What was broken, and what came of it.
#[derive(Default)]
struct Tally {
    kills: u64,
    /// Things that were brought about outside.
    effects: u64,
    differences: Differences,
}

fn main() -> ExitCode {
    jackfield_tests::verdict(prove(&Arguments::parse()))
}

fn prove(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let chosen = match arguments.system {
        Some(index) => &SYSTEMS[index..=index],
        None => SYSTEMS,
    };
    let mut total = Tally::default();
    for (index, system) in chosen.iter().enumerate() {
        let left = arguments.kills.saturating_sub(total.kills);
        let kills = left.div_ceil((chosen.len() - index) as u64);
        let tally = prove_system(*system, arguments, kills)?;
        total.kills += tally.kills;
        total.effects += tally.effects;
        total.differences += tally.differences;
    }
    println!(
        "jobs: kills={} effects={} {}",
        total.kills, total.effects, total.differences
    );
    Ok(total.differences.is_empty())
}

fn prove_system(
    system: &dyn System,
    arguments: &Arguments,
    kills: u64,
) -> Result<Tally, Box<dyn Error>> {
    let expected = in_peace(system, arguments)?;
    let mut total = Tally::default();
    let mut rounds = 0;
    while rounds == 0 || total.kills < kills {
        if rounds == MOST_ROUNDS {
            let (name, kills) = (system.name(), total.kills);
            return Err(format!("{name}: only {kills} kills in {rounds} rounds").into());
        }
        let seed = derive_seed(arguments.seed, 1000 + rounds);
        let mut random = Xorshift::new(derive_seed(seed, 3));
        let folder = arguments.make_folder(system, &format!("round-{rounds}"))?;
        let round = Round {
            system,
            faults: arguments.faults,
            seed,
            keys_honoured: !arguments.ignore_idempotency_keys,
            folder: &folder,
            expected: &expected,
        };
        let tally = round
            .run(kills - total.kills, &mut random)
            .map_err(|error| format!("{error}\nkept: {}", folder.display()))?;
        for example in &tally.differences.examples {
            println!("  {}", shortened(example));
        }
        match tally.differences.is_empty() {
            true => fs::remove_dir_all(folder)?,
            false => println!("  kept: {}", folder.display()),
        }
        total.kills += tally.kills;
        total.effects += tally.effects;
        total.differences += tally.differences;
        rounds += 1;
    }
    println!(
        "{}: rounds={rounds} kills={} effects={} {}",
        system.name(),
        total.kills,
        total.effects,
        total.differences
    );
    Ok(total)
}

/// A result has many rows: what it begins with tells which it is.
fn shortened(example: &str) -> String {
    match example.char_indices().nth(LONGEST_EXAMPLE) {
        Some((end, _)) => format!("{}…", &example[..end]),
        None => example.to_owned(),
    }
}

/// What comes of the work where nothing goes wrong.
fn in_peace(system: &dyn System, arguments: &Arguments) -> Result<Vec<Table>, Box<dyn Error>> {
    let folder = arguments.make_folder(system, "in-peace")?;
    let tables = Site::open(system, &folder, system.platform())?.run(system)?;
    fs::remove_dir_all(folder)?;
    Ok(tables)
}

impl Arguments {
    /// A fresh folder for a run.
    fn make_folder(&self, system: &dyn System, run: &str) -> Result<PathBuf, Box<dyn Error>> {
        let parent = match &self.folder {
            Some(folder) => folder.clone(),
            None => repository().join("target/prove-jobs"),
        };
        let folder = parent.join(format!("{}-seed-{}-{run}", system.name(), self.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}
