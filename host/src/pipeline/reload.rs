//! Hot reload: another version of a pipeline takes over while it runs, and nothing is lost, doubled or left half done.
//!
//! A reload is a transaction with these steps:
//!
//! 1. *shadow*: the new version works on copies of what the running one is fed, from the same state, and what both make of it is compared;
//! 2. *cut over*: at a standstill the new version is given the state, and the checkpoint of that moment names it as the candidate;
//! 3. *probation*: the candidate works, and nothing of what it does is committed;
//! 4. *done*: the first checkpoint that the candidate takes makes it the version of the pipeline. Or *roll back*: the former version goes on from the checkpoint of the cut-over,
//!    and what the candidate did has not happened, as after a crash.
//!
//! Probation is therefore one epoch, and rolling back is the recovery that a crash takes: there is no second way to undo. What
//! is to happen next is decided by a [`Machine`] that knows neither clock nor thread; the task performs it.

mod board;
mod capture;
mod change;
mod comparison;
mod machine;
mod probation;
pub(super) mod replica;
pub(super) mod shadow;
pub(super) mod tap;

use std::time::Duration;

pub use board::{Board, Report, StepTaken, Tally, Witness};
pub use capture::{Capture, CaptureError, CapturedStage, ReplayError, Wanted};
pub(super) use capture::{Remembered, gather};
pub use change::{Change, Fate, StateFate};
pub use comparison::{Comparison, Difference, Kind, OutputComparison, Policy, Sides};
pub use machine::{Action, Candidate, Event, Machine, Note, Step};
pub use probation::Expectations;
pub(super) use probation::{Counted, Counters};

use super::plan::Plan;
use crate::connection::Services;

/// How a pipeline takes a new version in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// How much the outputs may differ.
    pub policy: Policy,
    /// Records that are compared; none if there is no shadow.
    pub shadow_records: u64,
    /// How long they may take.
    pub shadow_duration: Duration,
    /// The share of one CPU that the shadow may use, above 0 and up to 1.
    pub shadow_cpu_share: f64,
    /// What is expected of it on probation.
    pub probation: Expectations,
}

impl Terms {
    /// Whether the new version took too much CPU time where it was compared.
    ///
    /// # Errors
    /// By how much.
    pub(super) fn is_too_slow(&self, comparison: &Comparison) -> Result<(), String> {
        let counted = |nanos| Counted {
            records: comparison.records,
            cpu_time: Duration::from_nanos(nanos),
            ..Counted::default()
        };
        let (running, new) = (comparison.running_cpu_nanos, comparison.new_cpu_nanos);
        self.probation
            .compare(&counted(running), &counted(new), true)
    }
}

/// A version that may take over.
#[derive(Debug)]
pub struct Proposal {
    /// Its digest.
    pub version: String,
    /// What it consists of.
    pub plan: Plan,
    /// What it reaches out with, where that is something else than the running version does.
    pub services: Services,
    /// How it differs from the running one.
    pub change: Change,
    /// How it is taken in.
    pub terms: Terms,
    /// Whether it is the version before the running one, which somebody wants back.
    pub returns: bool,
}

/// What a task is told while it runs.
#[derive(Debug)]
pub enum Command {
    /// Take in another version.
    Reload(Box<Proposal>),
    /// Leave off the reload that is under way: the former version stays, or comes back.
    TakeBack,
    /// Take copies of what stages work on.
    Capture(Wanted),
}
