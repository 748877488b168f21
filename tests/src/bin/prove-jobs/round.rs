//! The work of a system in a fresh folder, under faults, by hosts that are killed.

use std::io;
use std::path::Path;

use cxone_simulator::{FaultRates, Options};
use jackfield_tests::comparison::compare;
use jackfield_tests::harness::Host;
use jackfield_tests::random::Xorshift;
use jackfield_tests::systems::{Site, System};
use jackfield_tests::table::Table;

use crate::Tally;
use crate::moment::{Came, Moment};

pub struct Round<'a> {
    pub system: &'a dyn System,
    /// The rate of each fault.
    pub faults: f64,
    pub seed: u64,
    /// Whether the platform does what it is asked twice by one key only once.
    pub keys_honoured: bool,
    pub folder: &'a Path,
    pub expected: &'a [Table],
}

impl Round<'_> {
    /// Kills up to `kills` hosts, then lets one finish.
    pub fn run(&self, kills: u64, random: &mut Xorshift) -> io::Result<Tally> {
        let platform = Options {
            fault_rates: Some(FaultRates::every(self.faults, self.seed)),
            idempotency_keys_honoured: self.keys_honoured,
            ..self.system.platform()
        };
        let site = Site::open(self.system, self.folder, platform)?;
        let mut tally = Tally::default();
        let told = site.work(self.system, |is_done| {
            tally.kills = disturb(&site, kills, random, is_done)?;
            Ok(())
        })?;
        tally.kills += disturb_the_end(&site, kills - tally.kills, random)?;
        site.finish()?;
        tally.effects = site.effect_count();
        tally.differences = compare(self.expected, &self.system.outcome(&site, &told)?);
        // A key that was given with another body is a job that asked for something else than before it was killed.
        tally.differences.changed += site.conflict_count();
        Ok(tally)
    }
}

/// Kills hosts until the work is done; answers how many.
fn disturb(
    site: &Site,
    kills: u64,
    random: &mut Xorshift,
    is_done: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let mut killed = 0;
    let mut host = site.pipeline().start()?;
    loop {
        let moment = match killed < kills {
            true => Moment::draw(random),
            false => Moment::Never,
        };
        match moment.wait(site, &mut host, is_done)? {
            Came::Moment => {
                kill(host)?;
                killed += 1;
                host = site.pipeline().start()?;
            }
            Came::EndOfWork => break,
            Came::EndOfHost => return Err(site.ended_early(host)?),
        }
    }
    // Also the last one is not asked to end, if one more may be killed.
    if killed < kills {
        kill(host)?;
        return Ok(killed + 1);
    }
    host.terminate()?;
    host.wait()?;
    Ok(killed)
}

/// Kills a host that writes what is left, if one more may be killed.
fn disturb_the_end(site: &Site, kills: u64, random: &mut Xorshift) -> io::Result<u64> {
    if kills == 0 {
        return Ok(0);
    }
    let mut host = site.pipeline().clone().until_idle().start()?;
    match Moment::draw_in_commit(random).wait(site, &mut host, &|| false)? {
        Came::Moment => kill(host).map(|()| 1),
        Came::EndOfWork | Came::EndOfHost => Ok(0),
    }
}

fn kill(host: Host) -> io::Result<()> {
    let ended = host.kill()?;
    match ended.code() {
        // It was faster than the signal, and failed.
        Some(code) if code != 0 => Err(io::Error::other(format!(
            "a host failed: {}\n{}",
            ended.status, ended.stderr
        ))),
        _ => Ok(()),
    }
}
