//! What a pipeline waits for: systems that do not answer stop it, and whoever looks at it has to see why.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// By who waits: what for, and since when.
#[derive(Debug, Default)]
pub struct Waits(Mutex<BTreeMap<String, (String, Instant)>>);

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// A source, sink or other part of the pipeline.
    pub who: String,
    /// What it waits for, and why.
    pub what: String,
    /// For how long.
    pub since: Duration,
}

impl Waits {
    /// `who` waits for `what` from now on, or still does.
    pub fn begin(&self, who: &str, what: &str) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waits.get_mut(who) {
            Some((known, _)) => what.clone_into(known),
            None => {
                tracing::warn!(part = who, "waiting: {what}");
                waits.insert(who.to_owned(), (what.to_owned(), Instant::now()));
            }
        }
    }

    /// `who` waits no longer.
    pub fn end(&self, who: &str) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((what, since)) = waits.remove(who) {
            let waited = since.elapsed();
            tracing::info!(part = who, ?waited, "no longer waiting: {what}");
        }
    }

    /// Nobody waits any longer: those who did have gone.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Everything that is waited for.
    #[must_use]
    pub fn list(&self) -> Vec<Wait> {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |(who, (what, since)): (&String, &(String, Instant))| Wait {
            who: who.clone(),
            what: what.clone(),
            since: since.elapsed(),
        };
        waits.iter().map(wait).collect()
    }
}
