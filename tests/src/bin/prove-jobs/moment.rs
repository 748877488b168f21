//! When a host is killed: counted by what it has done, so that a moment means the same on a machine of any speed, and a little later than
//! that.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jackfield_tests::harness::Host;
use jackfield_tests::random::Xorshift;
use jackfield_tests::systems::Site;

/// An instant in the life of a host.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after it is waited for, whatever is being done.
    After(Duration),
    /// So long after so many requests more have arrived at the platform.
    Requests(u64, Duration),
    /// So long after so many things more were brought about.
    Effects(u64, Duration),
    /// So long after the jobs' journals were written to for the given time.
    InJournal(u64, Duration),
    /// So long after the checkpoint was written to for the given time.
    InCommit(u64, Duration),
    /// When the work is done.
    Never,
}

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Moment,
    EndOfWork,
    EndOfHost,
}

/// As long as an answer takes, or a write.
const ANSWER: Duration = Duration::from_millis(10);
const WRITE: Duration = Duration::from_millis(3);

impl Moment {
    pub fn draw(random: &mut Xorshift) -> Self {
        match random.below(10) {
            // While it starts, or at any other time.
            0..2 => Self::After(draw_up_to(Duration::from_millis(800), random)),
            2..5 => Self::Requests(1 + random.below(20), draw_up_to(ANSWER, random)),
            5..7 => Self::Effects(1 + random.below(4), draw_up_to(ANSWER, random)),
            7..9 => Self::InJournal(1 + random.below(20), draw_up_to(WRITE, random)),
            _ => Self::draw_in_commit(random),
        }
    }

    pub fn draw_in_commit(random: &mut Xorshift) -> Self {
        Self::InCommit(1 + random.below(4), draw_up_to(WRITE, random))
    }

    /// Waits for what comes first.
    pub fn wait(
        self,
        site: &Site,
        host: &mut Host,
        is_done: &dyn Fn() -> bool,
    ) -> io::Result<Came> {
        let name = site.pipeline_name();
        let requests = || site.simulator().request_count() as u64;
        let effects = || site.effect_count();
        let (reached, delay) = match self {
            Self::After(delay) => (true, delay),
            Self::Requests(count, delay) => (counted(host, count, is_done, requests)?, delay),
            Self::Effects(count, delay) => (counted(host, count, is_done, effects)?, delay),
            Self::InJournal(count, delay) => {
                let files = database(site, &format!("{name}.jobs.db"));
                (written(host, count, is_done, &files)?, delay)
            }
            Self::InCommit(count, delay) => {
                let files = database(site, &format!("{name}.db"));
                (written(host, count, is_done, &files)?, delay)
            }
            Self::Never => (host.wait_until(|_| is_done())?, Duration::ZERO),
        };
        let due = host.age() + delay;
        let reached = reached && host.wait_until_closely(|host| is_done() || host.age() >= due)?;
        Ok(match reached {
            _ if is_done() => Came::EndOfWork,
            true => Came::Moment,
            false => Came::EndOfHost,
        })
    }
}

/// Waits until something has been counted so many times more.
fn counted(
    host: &mut Host,
    count: u64,
    is_done: &dyn Fn() -> bool,
    now: impl Fn() -> u64,
) -> io::Result<bool> {
    let goal = now() + count;
    host.wait_until_closely(|_| is_done() || now() >= goal)
}

/// Waits until one of the files was changed for the given time.
fn written(
    host: &mut Host,
    count: u64,
    is_done: &dyn Fn() -> bool,
    files: &[PathBuf; 2],
) -> io::Result<bool> {
    let look = || {
        files.each_ref().map(|path| {
            Some((
                fs::metadata(path).ok()?.len(),
                path.metadata().ok()?.modified().ok()?,
            ))
        })
    };
    for _ in 0..count {
        let before = look();
        if !host.wait_until_closely(|_| is_done() || look() != before)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A database of SQLite, and the log that it is written to first.
fn database(site: &Site, name: &str) -> [PathBuf; 2] {
    let file = site.folder().join(name);
    let log = site.folder().join(format!("{name}-wal"));
    [file, log]
}

fn draw_up_to(longest: Duration, random: &mut Xorshift) -> Duration {
    Duration::from_micros(random.below(longest.as_micros() as u64))
}
