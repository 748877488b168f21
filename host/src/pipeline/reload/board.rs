//! What is told of reloads.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::comparison::Comparison;
use super::machine::Step;
use crate::pipeline::clock::now;

/// A reload, as it is told of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its number since the start of the process, from 1 on.
    pub number: u64,
    /// The digest of the version that runs when it begins.
    pub former: String,
    /// The digest of the version that is to take its place; empty before it is known.
    pub new: String,
    /// Where it stands.
    pub step: Step,
    /// Why it was refused or rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The steps that it has taken.
    pub steps: Vec<StepTaken>,
    /// What differs between the versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What both versions made of the same records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// For how long the pipeline stood still for the cut-over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_seconds: Option<f64>,
    /// Whether unfinished jobs are to go on under the new version when it is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub migrates_jobs: bool,
}

/// A step of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTaken {
    /// The step.
    pub step: Step,
    /// When it began, milliseconds since the Unix epoch.
    pub at: i64,
}

/// How reloads ended since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The new version took over for good.
    pub done: u64,
    /// It was not let in.
    pub refused: u64,
    /// It was let in and sent away.
    pub rolled_back: u64,
    /// Whoever asked for it took that back.
    pub cancelled: u64,
}

/// Is told of every step of a reload, and keeps what it is told.
pub trait Witness: fmt::Debug + Send + Sync {
    /// A reload has come to another step, or has ended.
    fn tell(&self, report: &Report);

    /// From now on this version works on the pipeline's records.
    fn runs(&self, _version: &str) {}
}

/// Where it is written how a reload fares.
#[derive(Debug, Default)]
pub struct Board {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    version: Option<String>,
    before: Option<String>,
    report: Option<Report>,
    tally: Tally,
    witnesses: Vec<Arc<dyn Witness>>,
}

impl Board {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every step is told to this one too.
    pub fn call(&self, witness: Arc<dyn Witness>) {
        self.written().witnesses.push(witness);
    }

    /// The digest of the version that works on the pipeline's records; none where versions are not kept.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        self.written().version.clone()
    }

    /// The reload that is under way, or the last one.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        self.written().report.clone()
    }

    /// The version that works, how reloads ended, and the last of them, all of one moment; none where versions are not kept.
    #[must_use]
    pub fn told(&self) -> Option<(String, Tally, Option<Report>)> {
        let written = self.written();
        let version = written.version.clone()?;
        Some((version, written.tally, written.report.clone()))
    }

    /// Whether a reload is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.written().is_busy()
    }

    /// Begins to tell of a reload. Gives none if one is under way.
    #[must_use]
    pub fn begin(&self, former: &str) -> Option<u64> {
        let mut written = self.written();
        if written.is_busy() {
            return None;
        }
        let number = written.report.as_ref().map_or(0, |report| report.number) + 1;
        written.report = Some(Report {
            number,
            former: former.to_owned(),
            new: String::new(),
            step: Step::Preparing,
            reason: None,
            steps: Vec::new(),
            change: None,
            comparison: None,
            pause_seconds: None,
            migrates_jobs: false,
        });
        written.take(Step::Preparing);
        self.changed.notify_all();
        Some(number)
    }

    /// Adds to what is told of the present reload.
    pub fn add(&self, change: impl FnOnce(&mut Report)) {
        if let Some(report) = &mut self.written().report {
            change(report);
        }
    }

    /// The present reload comes to a step.
    pub fn enter(&self, step: Step, reason: Option<&str>) {
        self.enter_by(step, reason, None);
    }

    /// The same, where another version works from then on: nobody sees one without the other.
    pub fn enter_by(&self, step: Step, reason: Option<&str>, version: Option<&str>) {
        let mut written = self.written();
        if let Some(version) = version {
            written.version = Some(version.to_owned());
        }
        if let Some(report) = &mut written.report {
            if report.step == step {
                return;
            }
            report.reason = reason.map(str::to_owned);
        }
        match step {
            Step::Done => written.tally.done += 1,
            Step::Refused => written.tally.refused += 1,
            Step::RolledBack => written.tally.rolled_back += 1,
            Step::Cancelled => written.tally.cancelled += 1,
            Step::Preparing | Step::Shadow | Step::CutOver | Step::Probation | Step::RollBack => {}
        }
        written.take(step);
        self.changed.notify_all();
    }

    /// This version works on the pipeline's records.
    pub fn runs(&self, version: &str) {
        let mut written = self.written();
        if written.version.as_deref() == Some(version) {
            return;
        }
        written.version = Some(version.to_owned());
        let witnesses = written.witnesses.clone();
        // They may ask for what is written here.
        drop(written);
        for witness in &witnesses {
            witness.runs(version);
        }
    }

    /// This version's work was committed before that of the present one was.
    pub fn comes_after(&self, before: Option<String>) {
        self.written().before = before;
    }

    /// The version to go back to; none if there was none.
    #[must_use]
    pub fn before(&self) -> Option<String> {
        self.written().before.clone()
    }

    /// Waits until a reload has come to another step than this one, or is another, for as long as is said.
    pub fn wait_beyond(&self, step: Step, within: Duration) {
        let until = Instant::now() + within;
        let mut written = self.written();
        while written
            .report
            .as_ref()
            .is_some_and(|report| report.step == step)
        {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(written, left);
            written = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Written {
    fn is_busy(&self) -> bool {
        let report = self.report.as_ref();
        report.is_some_and(|report| !report.step.is_over())
    }

    fn take(&mut self, step: Step) {
        let Some(report) = &mut self.report else {
            return;
        };
        report.step = step;
        report.steps.push(StepTaken { step, at: now() });
        for witness in &self.witnesses {
            witness.tell(report);
        }
    }
}
