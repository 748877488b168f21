//! What is known of a job for ever. A job is the sum of the facts in its journal and of nothing else: after a crash they are all there is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::{Answer, Expectation, Fingerprint, Received, Time};

/// An entry of a job's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: Time,
    /// What happened.
    pub fact: Fact,
}

/// What happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// It asked for a step whose answer takes something.
    Asked {
        /// Its number, from 0 on.
        step: u32,
        /// What it asked for.
        call: Fingerprint,
        /// What the answer takes.
        pending: Pending,
    },
    /// It asked for a step, and was answered.
    Decided {
        /// Its number.
        step: u32,
        /// What it asked for.
        call: Fingerprint,
        /// The answer.
        answer: Answer,
        /// What is kept for it from now on, if that is what it asked for.
        expected: Option<Expectation>,
    },
    /// A request of a step is about to be sent.
    Intended {
        /// The step.
        step: u32,
        /// Which of its requests.
        index: u32,
    },
    /// A request of a step was answered, or came to nothing.
    Responded {
        /// The step.
        step: u32,
        /// Which of its requests.
        index: u32,
        /// What came of it.
        received: Received,
    },
    /// A request may have been sent before the host stopped, and its connection does not allow that it is sent again.
    Doubted {
        /// The step.
        step: u32,
        /// Which of its requests.
        index: u32,
    },
    /// A callback has come.
    CalledBack(Callback),
    /// A step that awaits a callback got the next one that fits.
    Delivered {
        /// The step.
        step: u32,
    },
    /// What a step waits for is over: a sleep, or the time for a callback.
    Elapsed {
        /// The step.
        step: u32,
    },
    /// From here on a run begins with this state; everything before is forgotten.
    Saved(Box<Saved>),
    /// It is over.
    Finished(Outcome),
    /// Somebody wants it to go on: in doubt, the request is sent again; failed, this step and what came after it is forgotten.
    Retried {
        /// The step; none to go on where it was.
        from: Option<u32>,
    },
}

impl Fact {
    /// Whether the guest made a step.
    #[must_use]
    pub fn is_step(&self) -> bool {
        matches!(
            self,
            Self::Asked { .. } | Self::Decided { .. } | Self::Saved(_)
        )
    }
}

/// What the answer of a step takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pending {
    /// Responses to so many requests.
    Responses(u32),
    /// That it is so late.
    Sleep {
        /// Until when.
        until: Time,
    },
    /// A callback.
    Callback {
        /// Who is called back.
        trigger: String,
        /// By what its callbacks are told apart.
        correlation: String,
        /// Until when.
        until: Option<Time>,
    },
}

/// A callback as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Who was called back.
    pub trigger: String,
    /// By what its callbacks are told apart.
    pub correlation: String,
    /// By what it is known when it comes again.
    pub delivery: String,
    /// What it says.
    pub payload: Vec<u8>,
}

/// All that is left of what came before a savepoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The step that made it.
    pub step: u32,
    /// The state version of the plugin.
    pub version: u32,
    /// The state.
    pub state: Vec<u8>,
    /// What is kept for the job.
    pub expected: Vec<Expectation>,
    /// Callbacks that were not awaited yet.
    pub mailbox: Vec<Callback>,
    /// Callbacks that have come: trigger and delivery.
    pub seen: Vec<(String, String)>,
    /// When the time that the job may take began.
    pub began: Time,
}

/// Where a run begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    /// The state version of the plugin.
    pub version: u32,
    /// The state.
    pub state: Vec<u8>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It returned something.
    Returned(Vec<u8>),
    /// It said that it failed.
    Failed(Failure),
    /// Somebody wanted it to end.
    Cancelled,
    /// It asked for something else than in an earlier run.
    Diverged {
        /// The first step that differs.
        step: u32,
        /// What the journal holds.
        journal: String,
        /// What it asked for now.
        asked: String,
    },
    /// It went over a limit.
    Exceeded {
        /// Which, and how.
        limit: String,
        /// What it was doing.
        doing: String,
    },
    /// The plugin broke off.
    Trapped {
        /// What it said.
        reason: String,
        /// What it was doing.
        doing: String,
    },
}

/// Why a job failed, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For machines, in kebab case.
    pub code: String,
    /// For people.
    pub message: String,
    /// More of it, in JSON.
    pub details: Option<String>,
    /// What an HTTP trigger answers with, 400 to 599.
    pub status: Option<u16>,
    /// After what time another try may do better.
    pub retry_after: Option<Duration>,
}
