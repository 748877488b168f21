//! Changes a pipeline again and again under constant load, to good versions and to bad ones, kills the host at every step of that, and then compares all that was written with an
//! independent model: a reload may change what runs, and nothing else.
//!
//! What the host tells of itself meanwhile is held against what is known to be so.

mod course;
mod draft;
mod kind;
mod ledger;
mod place;
mod step;
mod trail;

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use jackfield_tests::comparison::{Differences, compare};
use jackfield_tests::harness::repository;
use jackfield_tests::random::{Xorshift, derive_seed};

use course::{Course, Planned};
use kind::Kind;
use place::{Place, Servers};
use step::Step;

/// Records of the embedded form for each reload and kill: more than are read until it is over.
const RECORDS_A_RELOAD: u64 = 15_000;

/// Reloads a pipeline under load, kills it at random steps of that, and compares all that it wrote with an independent model.
#[derive(Parser)]
struct Arguments {
    /// What the pipeline stands between.
    #[arg(long, value_enum, default_value_t = Form::Kafka)]
    form: Form,
    /// Repeats the input, the versions and the choice of moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often another version is to take over.
    #[arg(long, default_value_t = 50)]
    reloads: u64,
    /// How often the host is killed in the middle of it.
    #[arg(long, default_value_t = 20)]
    kills: u64,
    /// Lines of input of the form `embedded`, at 3,000 a second; 15,000 for each reload and kill by default.
    #[arg(long)]
    records: Option<u64>,
    /// Lets a version that makes something else take over and stay, which has to be found.
    #[arg(long, hide = true)]
    take_nothing_back: bool,
    /// Folder for what the hosts keep and write.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Files and one SQLite database.
    Embedded,
    /// A Kafka topic, Cassandra tables and another topic.
    Kafka,
}

impl Arguments {
    /// A fresh folder, which no other kind of run takes for its own.
    fn make_folder(&self) -> Result<PathBuf, Box<dyn Error>> {
        let parent = match &self.folder {
            Some(folder) => folder.clone(),
            None => repository().join("target/prove-reload"),
        };
        let form = match self.form {
            Form::Embedded => "embedded",
            Form::Kafka => "kafka",
        };
        let wrong = match self.take_nothing_back {
            true => "-wrong",
            false => "",
        };
        let folder = parent.join(format!("{form}{wrong}-seed-{}", self.seed));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn records(&self) -> u64 {
        let wanted = RECORDS_A_RELOAD * (self.reloads + self.kills + 1);
        self.records.unwrap_or(wanted)
    }
}

fn main() -> ExitCode {
    jackfield_tests::verdict(prove(&Arguments::parse()))
}

fn prove(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let folder = arguments.make_folder()?;
    let kept = |error: Box<dyn Error>| format!("{error}\nkept: {}", folder.display());
    let seed = derive_seed(arguments.seed, 1_000);
    let is_well = match arguments.form {
        Form::Embedded => {
            let place = Place::embedded(folder.clone(), seed, arguments.records())?;
            run(arguments, place).map_err(kept)?
        }
        Form::Kafka => {
            let of_servers = tempfile::tempdir()?;
            let servers = Servers::start(of_servers.path())?;
            let place = Place::between(&servers, folder.clone(), seed)?;
            run(arguments, place).map_err(kept)?
        }
    };
    match is_well {
        true => fs::remove_dir_all(folder)?,
        false => println!("kept: {}", folder.display()),
    }
    Ok(is_well)
}

fn run(arguments: &Arguments, place: Place<'_>) -> Result<bool, Box<dyn Error>> {
    let mut random = Xorshift::new(derive_seed(arguments.seed, 3));
    let planned = plan(arguments, &mut random);
    let mut course = Course::begin(place, random, arguments.take_nothing_back)?;
    for planned in planned {
        course.reload(planned)?;
    }
    let course::Ended {
        place,
        ledger,
        endings,
        hits,
    } = course.end()?;
    let written = place.written()?;
    let differences = compare(&place.expected().tables(), &written);
    endings.print();
    report_hits(&hits);
    println!(
        "status: looks={} untrue={}",
        ledger.looks,
        ledger.untruths.len()
    );
    report(arguments, &differences, ledger.pauses);
    Ok(differences.is_empty() && ledger.untruths.is_empty())
}

/// Reloads of all kinds in turn, beginning anywhere, and the steps at which the host is killed, each in turn too.
fn plan(arguments: &Arguments, random: &mut Xorshift) -> Vec<Planned> {
    let first = match arguments.take_nothing_back {
        true => Kind::ALL
            .iter()
            .position(|kind| *kind == Kind::WrongOutputObserved)
            .unwrap_or(0) as u64,
        false => random.below(Kind::ALL.len() as u64),
    };
    let kinds =
        (first..first + arguments.reloads).map(|turn| Kind::ALL[turn as usize % Kind::ALL.len()]);
    let mut planned: Vec<Planned> = kinds
        .map(|kind| Planned {
            kind,
            kills: VecDeque::new(),
        })
        .collect();
    for kill in 0..arguments.kills {
        let step = Step::UNDER_WAY[kill as usize % Step::UNDER_WAY.len()];
        let mut fit: Vec<&mut Planned> = planned
            .iter_mut()
            .filter(|planned| planned.kind.steps().contains(&step))
            .collect();
        // Not all at the same one.
        fit.sort_by_key(|planned| planned.kills.len());
        let least = fit.first().map_or(0, |planned| planned.kills.len());
        fit.retain(|planned| planned.kills.len() == least);
        if fit.is_empty() {
            continue;
        }
        let chosen = random.below(fit.len() as u64) as usize;
        fit[chosen].kills.push_back(step);
    }
    for planned in &mut planned {
        planned.kills.make_contiguous().sort();
    }
    planned
}

fn report_hits(hits: &BTreeMap<Option<Step>, u64>) {
    let words: Vec<String> = hits
        .iter()
        .map(|(step, count)| match step {
            Some(step) => format!("{step:?} {count}"),
            None => format!("before any {count}"),
        })
        .collect();
    println!("killed at: {}", words.join(", "));
}

fn report(arguments: &Arguments, differences: &Differences, mut pauses: Vec<f64>) {
    for example in &differences.examples {
        println!("  {example}");
    }
    pauses.sort_by(f64::total_cmp);
    let rank = (pauses.len() * 99).div_ceil(100).saturating_sub(1);
    let pause = pauses.get(rank).copied().unwrap_or_default() * 1_000.0;
    println!(
        "reload: reloads={} kills={} {differences} pause_p99_ms={pause:.0}",
        arguments.reloads, arguments.kills
    );
}
