//! What is told of jobs.

use serde::{Deserialize, Serialize};

use super::call::Time;
use super::journal::Outcome;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs, or will when there is a place.
    Ready,
    /// It sleeps, awaits a callback, or stands still because the host has not got its version.
    Waiting,
    /// It is not known whether a request of it arrived before the host stopped, and it may not be sent again by itself.
    Asking,
    /// It returned something.
    Done,
    /// It failed, for whatever reason.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl State {
    /// All of them, by name.
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Ready, "ready"),
        (Self::Waiting, "waiting"),
        (Self::Asking, "asking"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
    ];

    /// Its name, as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, known)| *known == name)
            .map(|(state, _)| *state)
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// The state of a job that ended so.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Returned(_) => Self::Done,
            Outcome::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

/// A job, as it is told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its identifier.
    pub id: String,
    /// The job of the manifest.
    pub job: String,
    /// Where it stands.
    pub state: State,
    /// When it was submitted.
    pub submitted_at: Time,
    /// When it ended, if it has.
    pub finished_at: Option<Time>,
    /// Until when it waits, if it does.
    pub wakes_at: Option<Time>,
    /// What it said last about what it is doing.
    pub progress: Option<String>,
    /// How it ended, if it has.
    pub outcome: Option<Outcome>,
    /// The version of its definition that it goes on under; none where a host made it that kept none.
    pub version: Option<String>,
    /// Whether it stands still because the host has not got that version.
    #[serde(default)]
    pub waits_for_version: bool,
}
