//! What goes wrong with the work that a request starts.

use serde::{Deserialize, Serialize};

use super::{Fault, FaultChance};

/// How work ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Outcome {
    #[default]
    Succeeds,
    Fails,
    /// Not at all.
    Stalls,
}

/// A change of the records' shape in the middle of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The first record that is different, counted from 0.
    pub offset: u64,
    /// What is different.
    pub change: DriftChange,
}

/// How a record's shape can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftChange {
    /// A member is missing.
    Missing,
    /// There is one more member.
    New,
    /// A number has become a text.
    Type,
}

impl DriftChange {
    pub(super) const ALL: [&'static Self; 3] = [&Self::Missing, &Self::New, &Self::Type];
}

/// All that goes wrong with one piece of work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consequences {
    pub outcome: Outcome,
    pub drift: Option<DriftPlan>,
    pub rejected: Rejected,
    pub duplicate_callback: bool,
    pub late_callback: bool,
}

/// Where an export drifts: planned to the record, or by chance somewhere in its middle.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DriftPlan {
    At(Drift),
    /// After this share of its records.
    After(f64, DriftChange),
}

impl DriftPlan {
    /// The drift of an export with so many records.
    pub fn within(self, rows: u64) -> Drift {
        match self {
            Self::At(drift) => drift,
            Self::After(share, change) => Drift {
                offset: (share * rows as f64) as u64,
                change,
            },
        }
    }
}

/// Which right records a sync finds fault with.
#[derive(Debug, Clone, Default)]
pub(crate) enum Rejected {
    #[default]
    None,
    /// As many from the first one on.
    First(u64),
    /// Any with this chance, by the chance's seed.
    ByChance { seed: u64, rate: f64 },
}

impl Consequences {
    pub fn of(planned: &[Fault]) -> Self {
        let mut all = Self::default();
        for fault in planned {
            match fault {
                Fault::Fail => all.outcome = Outcome::Fails,
                Fault::Stall => all.outcome = Outcome::Stalls,
                Fault::Drift(drift) => all.drift = Some(DriftPlan::At(*drift)),
                Fault::RejectRecords { count } => all.rejected = Rejected::First(*count),
                Fault::DuplicateCallback => all.duplicate_callback = true,
                Fault::LateCallback => all.late_callback = true,
                _ => {}
            }
        }
        all
    }

    /// What was not planned may still happen by chance.
    pub fn or_by_chance(self, chance: &FaultChance, subject: &str) -> Self {
        let by_chance = chance.consequences(subject);
        Self {
            outcome: match self.outcome {
                Outcome::Succeeds => by_chance.outcome,
                planned => planned,
            },
            drift: self.drift.or(by_chance.drift),
            rejected: match self.rejected {
                Rejected::None => by_chance.rejected,
                planned => planned,
            },
            duplicate_callback: self.duplicate_callback || by_chance.duplicate_callback,
            late_callback: self.late_callback || by_chance.late_callback,
        }
    }
}
