//! A job as commands tell of it: with words in the place of what only programs read.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::call::Time;
use super::journal::Outcome;
use super::store::Step;
use super::view::{State, View};
use crate::error::Code;

/// A job, for people and for programs that read JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its identifier.
    pub id: String,
    /// The job of the manifest.
    pub job: String,
    /// Where it stands.
    pub state: State,
    /// When it was submitted, milliseconds since the Unix epoch.
    pub submitted_at: Time,
    /// When it ended, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Until when it waits, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wakes_at: Option<Time>,
    /// What it said last about what it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// What it returned; text that is no JSON as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    /// The version of its definition that it goes on under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it ended otherwise, what it asks, or that it waits for its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureReport>,
    /// The steps that its journal holds, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// Why a job ended otherwise than by returning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReport {
    /// The host's code; `jackfield explain` says more. None for a job that was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The plugin's own code, where it failed by its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For people.
    pub message: String,
}

impl Report {
    /// Of what is told of a job.
    #[must_use]
    pub fn of(view: View, steps: Vec<Step>) -> Self {
        let output = match &view.outcome {
            Some(Outcome::Returned(output)) => Some(json(output)),
            _ => None,
        };
        let failure = match (&view.outcome, view.state) {
            (Some(outcome), _) => FailureReport::of(outcome),
            (None, State::Asking) => Some(FailureReport {
                code: Some(Code::JOB_DOUBT.id.to_owned()),
                reason: None,
                message: format!("{}: retry or cancel it", Code::JOB_DOUBT.title),
            }),
            (None, _) if view.waits_for_version => Some(FailureReport {
                code: Some(Code::JOB_VERSION.id.to_owned()),
                reason: None,
                message: Code::JOB_VERSION.title.to_owned(),
            }),
            _ => None,
        };
        Self {
            version: view.version,
            id: view.id,
            job: view.job,
            state: view.state,
            submitted_at: view.submitted_at,
            finished_at: view.finished_at,
            wakes_at: view.wakes_at,
            progress: view.progress,
            output,
            failure,
            steps,
        }
    }
}

impl FailureReport {
    fn of(outcome: &Outcome) -> Option<Self> {
        let of_host = |code: Code, message: String| Self {
            code: Some(code.id.to_owned()),
            reason: None,
            message,
        };
        Some(match outcome {
            Outcome::Returned(_) => return None,
            Outcome::Failed(failure) => Self {
                reason: Some(failure.code.clone()),
                ..of_host(Code::JOB_FAILED, failure.message.clone())
            },
            Outcome::Cancelled => Self {
                code: None,
                reason: None,
                message: "it was cancelled".to_owned(),
            },
            Outcome::Diverged {
                step,
                journal,
                asked,
            } => of_host(
                Code::JOB_DIVERGED,
                format!("step {step} was `{journal}` when it was first made, and is `{asked}` now"),
            ),
            Outcome::Exceeded { limit, doing } => of_host(
                Code::JOB_EXCEEDED,
                format!("{limit}; where it stood: {doing}"),
            ),
            Outcome::Trapped { reason, doing } => of_host(
                Code::JOB_TRAPPED,
                format!("{reason}; where it stood: {doing}"),
            ),
        })
    }
}

fn json(output: &[u8]) -> Json {
    serde_json::from_slice(output)
        .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(output).into_owned()))
}
