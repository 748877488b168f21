//! Watches the manifest and the plugins that it names.
//!
//! What counts is content. A build tool writes a file in pieces, an editor writes another one beside it and renames it: only when nothing has moved between two looks the files are read,
//! and only when what they hold is something else than before the pipeline is told.
//!
//! Whether something has moved is told by what a file looks like from outside: as long as that is the same nothing is read. A file that is written twice within the resolution of the clock of its file
//! system, at the same length, looks the same afterwards; therefore files are read once more when they have looked the same for longer than that
//! ([`RESOLUTION`]): what is written after that reading gets another time. This is how Git tells that its index may be wrong ("racy Git"), but by our clock alone, so that
//! the clocks of file servers do not matter. What is not noticed is a file that is written at the same length while the clock of its file system is set back to the very moment of its last change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::hexadecimal;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// No file system tells times that are further apart than this as one; the coarsest, FAT, has steps of two seconds.
const RESOLUTION: Duration = Duration::from_secs(3);

/// Watches files until it is dropped.
#[derive(Debug)]
pub struct Watch {
    ends: Arc<AtomicBool>,
}

impl Watch {
    /// Calls `changed` when files hold something else than has been `taken` in and nobody seems to be writing them any more, and again at the next look where it gives false: it could not be
    /// taken in yet. `files` is asked when one of them has changed: what is to be watched changes with what it holds.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn start(
        taken: Contents,
        files: impl Fn() -> Vec<PathBuf> + Send + 'static,
        mut changed: impl FnMut() -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let mut seen = Seen::new(taken, &files, Instant::now());
        thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                while !ended.load(Relaxed) {
                    thread::sleep(LOOK);
                    if seen.look(&files, Instant::now()) && changed() {
                        seen.take();
                    }
                }
            })?;
        Ok(Self { ends })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
    }
}

/// What a file looks like from outside. Every write changes one of these, whatever the writer does to the time of modification: nobody can set that of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    file: u64,
    size: u64,
    changed: (i64, i64),
}

/// What files look like; none for one that is not there.
type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// The SHA-256 of what files hold.
pub type Contents = BTreeMap<PathBuf, String>;

/// What was seen of some files.
#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    /// Since when they have looked like that.
    since: Instant,
    reading: Reading,
    /// What was in them when they were read last; none where one was not there.
    found: Option<Contents>,
    /// What was in them when that was taken in.
    taken: Contents,
}

/// How far what the files hold is known, for as long as they look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// They have just changed.
    Due,
    /// They were read when they had come to rest; a change within the resolution of the clock would not show.
    First,
    /// What is written now will show.
    Last,
}

impl Seen {
    fn new(taken: Contents, files: &impl Fn() -> Vec<PathBuf>, now: Instant) -> Self {
        Self {
            stamps: stamps(&files()),
            since: now,
            reading: Reading::Due,
            found: None,
            taken,
        }
    }

    /// Whether the files have come to rest and hold something that has not been taken in.
    fn look(&mut self, files: &impl Fn() -> Vec<PathBuf>, now: Instant) -> bool {
        let stamps = stamps(self.stamps.keys());
        if stamps != self.stamps {
            self.moved(stamps, now);
            return false;
        }
        // A file that is not there is about to be renamed into its place, or will be missed by whoever reads the manifest.
        if stamps.values().any(Option::is_none) {
            return false;
        }
        let is_due = match self.reading {
            Reading::Due => true,
            Reading::First => now.duration_since(self.since) >= RESOLUTION,
            Reading::Last => false,
        };
        if is_due && !self.read(files, now) {
            return false;
        }
        self.found
            .as_ref()
            .is_some_and(|found| *found != self.taken)
    }

    /// What was found has been taken in.
    fn take(&mut self) {
        if let Some(found) = &self.found {
            self.taken.clone_from(found);
        }
    }

    /// Reads the files; gives false where they are no longer the same ones.
    fn read(&mut self, files: &impl Fn() -> Vec<PathBuf>, now: Instant) -> bool {
        let stamps = stamps(&files());
        if stamps != self.stamps {
            self.moved(stamps, now);
            return false;
        }
        self.found = contents(self.stamps.keys());
        self.reading = match now.duration_since(self.since) >= RESOLUTION {
            true => Reading::Last,
            false => Reading::First,
        };
        true
    }

    fn moved(&mut self, stamps: Stamps, now: Instant) {
        self.stamps = stamps;
        self.since = now;
        self.reading = Reading::Due;
        self.found = None;
    }
}

fn stamps<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Stamps {
    let stamp = |path: &PathBuf| {
        let found = fs::metadata(path).ok().map(|found| Stamp {
            device: found.dev(),
            file: found.ino(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        });
        (path.clone(), found)
    };
    files.into_iter().map(stamp).collect()
}

/// None where one cannot be read.
fn contents<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Option<Contents> {
    let content = |path: &PathBuf| Some((path.clone(), digest(path)?));
    files.into_iter().map(content).collect()
}

fn digest(path: &Path) -> Option<String> {
    Some(hexadecimal::text(&Sha256::digest(fs::read(path).ok()?)))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A file, and what is seen of it as time passes.
    struct Watched {
        folder: tempfile::TempDir,
        file: PathBuf,
        /// What it names too.
        named: Vec<PathBuf>,
        seen: Seen,
        now: Instant,
        asked: Cell<u32>,
    }

    impl Watched {
        /// Of a file with this content, which has been taken in.
        fn new(content: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("a.toml");
            fs::write(&file, content).unwrap();
            let taken = contents([&file]).unwrap();
            let now = Instant::now();
            Self {
                seen: Seen::new(taken, &|| vec![file.clone()], now),
                folder,
                file,
                named: Vec::new(),
                now,
                asked: Cell::new(0),
            }
        }

        fn look(&mut self) -> bool {
            self.now += LOOK;
            let files = || {
                self.asked.set(self.asked.get() + 1);
                let file = std::iter::once(&self.file);
                file.chain(&self.named).cloned().collect()
            };
            self.seen.look(&files, self.now)
        }

        /// Looks for as long as a change may take to be noticed; whether there was something new, which is taken.
        fn settle(&mut self) -> bool {
            let looks = RESOLUTION.as_millis() / LOOK.as_millis() + 2;
            let is_new = (0..looks).any(|_| self.look());
            if is_new {
                self.seen.take();
            }
            is_new
        }

        /// Writes so soon after the last look that nothing can be seen of it from outside.
        fn write_unseen(&mut self, content: &str) {
            fs::write(&self.file, content).unwrap();
            self.seen.stamps = stamps([&self.file]);
        }
    }

    #[test]
    fn a_file_counts_when_it_has_come_to_rest_and_holds_something_else() {
        let mut watched = Watched::new("one");
        assert!(!watched.settle());
        fs::write(&watched.file, "other").unwrap();
        assert!(!watched.look(), "it may still be written");
        assert!(watched.look());
        assert!(watched.look(), "nobody has taken it");
        watched.seen.take();
        assert!(!watched.settle());
    }

    #[test]
    fn what_was_written_before_the_watch_began_counts_too() {
        let mut watched = Watched::new("one");
        watched.write_unseen("other");
        assert!(watched.look());
    }

    #[test]
    fn another_file_of_the_same_content_is_nothing_new() {
        let mut watched = Watched::new("one");
        let beside = watched.folder.path().join("a.toml~");
        fs::write(&beside, "one").unwrap();
        fs::rename(&beside, &watched.file).unwrap();
        assert!(!watched.settle());
        fs::write(&beside, "two").unwrap();
        fs::rename(&beside, &watched.file).unwrap();
        assert!(watched.settle());
    }

    #[test]
    fn a_file_that_is_gone_is_waited_for() {
        let mut watched = Watched::new("one");
        fs::remove_file(&watched.file).unwrap();
        assert!(!watched.settle());
        fs::write(&watched.file, "two").unwrap();
        assert!(watched.settle());
    }

    #[test]
    fn a_change_too_soon_after_another_to_have_another_time_is_noticed_a_little_later() {
        let mut watched = Watched::new("one");
        fs::write(&watched.file, "two").unwrap();
        assert!(!watched.look() && watched.look());
        watched.seen.take();
        watched.write_unseen("six");
        assert!(!watched.look(), "it looks the same");
        assert!(watched.settle());
    }

    #[test]
    fn files_that_look_the_same_are_not_read_again() {
        let mut watched = Watched::new("one");
        assert!(!watched.settle());
        let asked = watched.asked.get();
        assert!(!watched.settle());
        assert_eq!(watched.asked.get(), asked);
        fs::write(&watched.file, "other").unwrap();
        assert!(watched.settle());
        assert!(watched.asked.get() > asked);
    }

    #[test]
    fn what_a_file_names_is_watched_from_then_on() {
        let mut watched = Watched::new("one");
        let named = watched.folder.path().join("plugin.wasm");
        fs::write(&named, "code").unwrap();
        assert!(!watched.settle());
        watched.named.push(named.clone());
        assert!(!watched.settle(), "no file that is watched has changed");
        fs::write(&watched.file, "with a plugin").unwrap();
        assert!(watched.settle());
        fs::write(&named, "better code").unwrap();
        assert!(watched.settle());
    }
}
