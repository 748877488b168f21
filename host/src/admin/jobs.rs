//! What can be asked of the jobs of a running pipeline, and what is answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::protocol::{Content, Refusal};
use crate::error::Code;
use crate::job::{Filter, JobError, Jobs, Migrated, Problem, Report, SubmitError};

/// How long an answer may wait for the end of a job: an exchange has an end.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What is to be done with jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobRequest {
    /// A job is to be started.
    Start {
        /// The job of the manifest.
        job: String,
        /// What it is started with, as text.
        input: String,
        /// By which a repeated start is known.
        idempotency_key: Option<String>,
    },
    /// Where it stands; when it has ended, or in a few seconds.
    Wait {
        /// The job.
        id: String,
    },
    /// Where it stands, with its steps.
    Show {
        /// The job.
        id: String,
    },
    /// Those that fit.
    List(Filter),
    /// It is to end.
    Cancel {
        /// The job.
        id: String,
    },
    /// They are to go on under the current version.
    Migrate {
        /// The job; all if there is none.
        id: Option<String>,
    },
    /// It is to go on.
    Retry {
        /// The job.
        id: String,
    },
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobAnswer {
    /// There is a job.
    Started {
        /// Its identifier.
        id: String,
        /// Whether it was there already.
        repeated: bool,
    },
    /// There is none: what is wrong with the input.
    Invalid(Vec<Problem>),
    /// Where it stands.
    Job(Box<Report>),
    /// Where they stand.
    Jobs(Vec<Report>),
    /// How many go on under the current version.
    Migrated(Migrated),
}

pub(super) async fn answer(wanted: JobRequest, jobs: &Jobs) -> Content {
    let done = match wanted {
        JobRequest::Wait { id } => {
            let view = jobs.outcome(&id, LONGEST_WAIT).await;
            view.map(|view| JobAnswer::Job(Box::new(Report::of(view, Vec::new()))))
        }
        wanted => {
            let jobs = jobs.clone();
            let done = tokio::task::spawn_blocking(move || serve(wanted, &jobs)).await;
            match done {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(content)) => return content,
                Err(_) => Err(JobError::Stopping),
            }
        }
    };
    match done {
        Ok(answer) => Content::Job(Box::new(answer)),
        Err(error) => refused(error.code(), &error),
    }
}

fn serve(wanted: JobRequest, jobs: &Jobs) -> Result<JobAnswer, Content> {
    let of_job = |error: JobError| refused(error.code(), &error);
    let report = |view| JobAnswer::Job(Box::new(Report::of(view, Vec::new())));
    match wanted {
        JobRequest::Start {
            job,
            input,
            idempotency_key,
        } => match jobs.submit(&job, input.as_bytes(), idempotency_key.as_deref()) {
            Ok(submission) => Ok(JobAnswer::Started {
                id: submission.id,
                repeated: submission.repeated,
            }),
            Err(SubmitError::Invalid(problems)) => Ok(JobAnswer::Invalid(problems)),
            Err(error) => Err(refused(error.code(), &error)),
        },
        JobRequest::Show { id } | JobRequest::Wait { id } => {
            let view = jobs.view(&id).map_err(of_job)?;
            let steps = jobs.steps(&id).map_err(of_job)?;
            Ok(JobAnswer::Job(Box::new(Report::of(view, steps))))
        }
        JobRequest::List(filter) => {
            let views = jobs.list(&filter).map_err(of_job)?;
            let reports = views.into_iter().map(|view| Report::of(view, Vec::new()));
            Ok(JobAnswer::Jobs(reports.collect()))
        }
        JobRequest::Cancel { id } => jobs.cancel(&id).map(report).map_err(of_job),
        JobRequest::Migrate { id } => {
            let migrated = jobs.migrate(id.as_deref());
            migrated.map(JobAnswer::Migrated).map_err(of_job)
        }
        JobRequest::Retry { id } => jobs.retry(&id).map(report).map_err(of_job),
    }
}

fn refused(code: Code, problem: &dyn std::fmt::Display) -> Content {
    Content::Error(Refusal {
        code: code.id.to_owned(),
        problem: problem.to_string(),
    })
}
