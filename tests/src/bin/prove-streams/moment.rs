//! When something is broken: at any time, and often while a checkpoint is being made.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use jackfield_tests::harness::Host;
use jackfield_tests::random::Xorshift;

/// An instant in the life of a host.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after it is waited for.
    After(Duration),
    /// So long after the database was written to for the given time.
    InCommit(u64, Duration),
}

impl Moment {
    /// At most so long after it is waited for.
    pub fn draw_within(longest: Duration, random: &mut Xorshift) -> Self {
        Self::After(draw_up_to(longest, random))
    }

    /// At most so long after one of the next checkpoints began.
    pub fn draw_in_commit(most: u64, longest: Duration, random: &mut Xorshift) -> Self {
        Self::InCommit(1 + random.below(most), draw_up_to(longest, random))
    }

    /// Answers whether the moment came before the host ended.
    pub fn wait(self, database: &Path, host: &mut Host) -> io::Result<bool> {
        let journal = database.with_extension("db-wal");
        let written = || {
            [database, &journal].map(|path| {
                fs::metadata(path)
                    .map(|file| (file.len(), file.modified().ok()))
                    .ok()
            })
        };
        let (commits, delay) = match self {
            Self::After(delay) => (0, delay),
            Self::InCommit(commits, delay) => (commits, delay),
        };
        for _ in 0..commits {
            let before = written();
            if !host.wait_until_closely(|_| written() != before)? {
                return Ok(false);
            }
        }
        let due = host.age() + delay;
        host.wait_until_closely(|host| host.age() >= due)
    }
}

fn draw_up_to(longest: Duration, random: &mut Xorshift) -> Duration {
    Duration::from_micros(random.below(longest.as_micros() as u64))
}
