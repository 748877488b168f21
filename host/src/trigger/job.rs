//! A job as those see it who started it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value as Json;

/// How a job fares.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// By what it is asked for.
    pub id: String,
    /// Its name in the manifest.
    pub job: String,
    /// Where it stands.
    pub state: JobState,
    /// What it said that it is doing.
    pub progress: Option<String>,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// It works, or waits for its turn.
    Running,
    /// It sleeps, or waits for a callback.
    Waiting,
    /// It waits for somebody to decide whether a request may be made again.
    Asking,
    /// It has come to an end.
    Ended(JobOutcome),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum JobOutcome {
    /// It returned this.
    Returned(Bytes),
    /// It said that it failed.
    Failed(JobFailure),
    /// Somebody ended it.
    Cancelled,
    /// The host ended it: it trapped, went over a limit, or did not repeat itself.
    Broken {
        /// The code of the host's error.
        code: String,
    },
}

/// Why a job came to nothing, in its own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobFailure {
    /// Short, stable and for machines.
    pub code: String,
    /// For people.
    pub message: String,
    /// More of it.
    pub details: Option<Json>,
    /// The status that the job would have it answered with.
    pub status: Option<u16>,
    /// After what time another try may do better.
    pub retry_after: Option<Duration>,
}
