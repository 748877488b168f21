//! One process with nothing beside it, from files to a database and a file.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jackfield_tests::comparison::compare;
use jackfield_tests::generator::{Generator, Traffic};
use jackfield_tests::harness::Pipeline;
use jackfield_tests::model::Model;
use jackfield_tests::random::Xorshift;
use jackfield_tests::table::{Observation, Table};

use crate::moment::Moment;
use crate::{Arguments, Tally, report};

/// Kills of one round, as far as its input lasts. More rounds of fewer kills see more beginnings and ends.
const KILLS_A_ROUND: u64 = 25;
const CHECKPOINT_INTERVAL: u64 = 10;

pub struct Round {
    number: u64,
    folder: PathBuf,
    parallelism: u64,
    pipeline: Pipeline,
    expected: Vec<Table>,
    /// What the file of enriched interactions will hold at the end.
    enriched_bytes: u64,
}

impl Round {
    pub fn prepare(arguments: &Arguments, number: u64) -> Result<Self, Box<dyn Error>> {
        let folder = arguments.make_folder(number)?;
        let mut generator = Generator::new(arguments.seed_of(number), Traffic::Hostile);
        let input = generator.lines(arguments.records);
        let path = folder.join("input.jsonl");
        fs::write(&path, &input)?;
        let output = Model::of(&input);
        let parallelism = arguments.parallelism_of(number);
        let pipeline = Pipeline::data_actions(folder.join("data"))
            .input(&path)
            .checkpoint_every(arguments.interval.unwrap_or(CHECKPOINT_INTERVAL))
            .set(&format!("pipeline.parallelism={parallelism}"));
        let (expected, enriched_bytes) = (output.tables(), output.enriched_bytes());
        Ok(Self {
            number,
            folder,
            parallelism,
            pipeline,
            expected,
            enriched_bytes,
        })
    }

    /// Kills the host up to `kills` times, then lets it finish.
    pub fn run(self, kills: u64, random: &mut Xorshift) -> Result<Tally, Box<dyn Error>> {
        let kills = kills.min(KILLS_A_ROUND);
        let database = Observation::of(self.pipeline.folder()).database();
        let mut tally = Tally::default();
        let mut in_commits = 0;
        let mut finished = None;
        while finished.is_none() && tally.kills < kills {
            let ahead = self.progress() > tally.kills as f64 / kills as f64;
            let moment = draw_moment(random, ahead);
            let mut host = self.pipeline.start()?;
            if !moment.wait(&database, &mut host)? {
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
            in_commits += u64::from(matches!(moment, Moment::InCommit(..)));
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
        let observed = Observation::of(self.pipeline.folder()).tables()?;
        tally.differences = compare(&self.expected, &observed);
        tally.of_which = format!(" of which in a commit={in_commits}");
        let round = format!("round {}: parallelism={}", self.number, self.parallelism);
        report(&self.folder, &round, &tally)?;
        Ok(tally)
    }

    /// How much of the output is written, from 0 to 1.
    fn progress(&self) -> f64 {
        let written = fs::metadata(Observation::of(self.pipeline.folder()).enriched())
            .map_or(0, |file| file.len());
        written as f64 / self.enriched_bytes.max(1) as f64
    }
}

/// Earlier moments where the input would not last for all kills otherwise.
fn draw_moment(random: &mut Xorshift, ahead: bool) -> Moment {
    let (latest, most_commits) = if ahead { (80, 1) } else { (400, 5) };
    match random.below(10) {
        // While it starts, reads its checkpoint or has hardly begun; or at any other time.
        0..4 => Moment::draw_within(Duration::from_millis(latest), random),
        _ => Moment::draw_in_commit(most_commits, Duration::from_millis(3), random),
    }
}
