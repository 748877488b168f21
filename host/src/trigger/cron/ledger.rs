//! Which run of each trigger was started last. It is a small file of JSON that is replaced as a whole, so that a crash leaves
//! the old one or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::trigger::TriggerError;

/// What the clock has started, by trigger.
#[derive(Debug)]
pub struct CronLedger {
    path: PathBuf,
    last: Mutex<BTreeMap<String, Timestamp>>,
}

impl CronLedger {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// [`TriggerError::Ledger`] if it cannot be read, or is something else.
    pub fn open(path: PathBuf) -> Result<Self, TriggerError> {
        let unusable = |reason: String| TriggerError::Ledger {
            path: path.clone(),
            reason,
        };
        let last = match fs::read(&path) {
            Ok(text) => read(&text).map_err(unusable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(unusable(error.to_string())),
        };
        Ok(Self {
            path,
            last: Mutex::new(last),
        })
    }

    /// The scheduled time of the last run of a trigger; none if it never ran.
    #[must_use]
    pub fn last(&self, trigger: &str) -> Option<Timestamp> {
        self.entries().get(trigger).copied()
    }

    /// Writes down a run, durably.
    ///
    /// # Errors
    /// Where the file cannot be replaced.
    pub fn record(&self, trigger: &str, scheduled: Timestamp) -> io::Result<()> {
        let mut last = self.entries();
        last.insert(trigger.to_owned(), scheduled);
        let times: BTreeMap<&str, String> = last
            .iter()
            .map(|(trigger, at)| (trigger.as_str(), at.to_string()))
            .collect();
        replace(&self.path, &serde_json::to_vec_pretty(&times)?)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Timestamp>> {
        // No panic can leave it half changed.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(text: &[u8]) -> Result<BTreeMap<String, Timestamp>, String> {
    let times: BTreeMap<String, String> = serde_json::from_slice(text)
        .map_err(|error| format!("it is not a record of times: {error}"))?;
    times
        .into_iter()
        .map(|(trigger, time)| match time.parse() {
            Ok(time) => Ok((trigger, time)),
            Err(error) => Err(format!("the time of `{trigger}`: {error}")),
        })
        .collect()
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // The name is durable when its folder is.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.cron.json");
        let at: Timestamp = "2026-11-21T02:00:00Z".parse().unwrap();
        let ledger = CronLedger::open(path.clone()).unwrap();
        ledger.record("nightly", at).unwrap();
        ledger.record("hourly", at).unwrap();
        let again = CronLedger::open(path).unwrap();
        assert_eq!(again.last("nightly"), Some(at));
        assert_eq!(again.last("weekly"), None);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.cron.json");
        for text in ["{", "[]", r#"{"nightly": "soon"}"#] {
            fs::write(&path, text).unwrap();
            let refusal = CronLedger::open(path.clone()).unwrap_err();
            assert_eq!(refusal.code(), crate::error::Code::TRIGGER_LEDGER, "{text}");
        }
    }
}
