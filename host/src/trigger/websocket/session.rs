//! What happens between a client's first message and its last.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::attachment::{Attachment, Attachments};
use super::client::{Client, Gone};
use super::handshake::Handshake;
use crate::config::WebSocketTrigger;
use crate::job::{Emitted, JobError, Outcome, SubmitError};
use crate::trigger::body::require_json;
use crate::trigger::job_document;
use crate::trigger::problem::Problem;
use crate::trigger::service::JobService;
use crate::trigger::until;

/// Records that are asked for at once.
const AT_ONCE: usize = 16;

/// A client's session.
pub(super) struct Session<'a> {
    pub trigger: &'a str,
    pub options: &'a WebSocketTrigger,
    pub jobs: &'a dyn JobService,
    pub attachments: &'a Attachments,
    pub client: Client,
    pub handshake: Handshake,
    pub stopped: watch::Receiver<bool>,
}

/// How a session ends: the last message, the close code and the reason.
struct Farewell {
    message: Option<Json>,
    code: CloseCode,
    reason: String,
}

/// Why a session ends.
enum End {
    /// The client has gone by itself.
    Gone,
    /// The client is told so.
    Farewell(Farewell),
}

impl From<Gone> for End {
    fn from(Gone(word): Gone) -> Self {
        match word {
            None => Self::Gone,
            Some((code, reason)) => Self::Farewell(Farewell::plain(code, reason)),
        }
    }
}

impl Farewell {
    fn plain(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            message: None,
            code,
            reason: reason.into(),
        }
    }

    fn problem(code: CloseCode, problem: Problem) -> Self {
        let problem = problem.json();
        let reason = problem["detail"].as_str().unwrap_or_default().to_owned();
        Self {
            message: Some(json!({ "error": problem })),
            code,
            reason,
        }
    }
}

impl Session<'_> {
    pub async fn run(mut self) {
        let end = match self.begin().await {
            Ok(job) => self.stream(job).await,
            Err(end) => end,
        };
        if let End::Farewell(farewell) = end {
            if let Some(message) = farewell.message {
                // If it cannot be sent, neither can the goodbye.
                let _ = self.client.send(message.to_string().into()).await;
            }
            self.client.close(farewell.code, &farewell.reason).await;
        }
    }

    /// The job that the first message starts, or that it comes back to.
    async fn begin(&mut self) -> Result<String, End> {
        let first = timeout(2 * self.options.ping_interval, self.client.next()).await;
        let input = first.map_err(|_| {
            End::Farewell(Farewell::plain(
                CloseCode::Protocol,
                "no first message came",
            ))
        })??;
        require_json(&input).map_err(|problem| {
            let farewell = Farewell::problem(CloseCode::Protocol, problem);
            End::Farewell(farewell)
        })?;
        let key = self.handshake.key.as_ref();
        let key = key.map(|key| format!("{}/{key}", self.trigger));
        let job = self.options.job.value.clone();
        let submission = self.jobs.submit(job, input, key).await;
        submission
            .map(|submission| submission.id)
            .map_err(|refusal| End::Farewell(refused(&refusal)))
    }

    /// Sends what the job emits, until it has ended or the client has gone.
    async fn stream(&mut self, job: String) -> End {
        let attachment = self.attachments.attach(&job);
        let end = self.deliver(&job, &attachment).await;
        match end {
            Ok(end) => {
                self.attachments.detach(&attachment);
                end
            }
            Err(end) => {
                let is_resumable = self.handshake.key.is_some();
                // What a host that stops leaves to the next one, a client can come back to there.
                if is_resumable && *self.stopped.borrow() {
                    self.attachments.detach(&attachment);
                } else {
                    self.attachments.abandon(attachment, is_resumable).await;
                }
                end
            }
        }
    }

    /// `Ok` when the job has ended, `Err` when the session ends before it.
    async fn deliver(&mut self, job: &str, attachment: &Attachment) -> Result<End, End> {
        let jobs = self.jobs;
        let port = self.options.port.to_string();
        let mut unacknowledged = VecDeque::new();
        // Those below have been acknowledged, in this session or an earlier one.
        let mut next = 0;
        let mut count = 0;
        loop {
            let emitted = jobs.emitted(job.to_owned(), port.clone(), next, AT_ONCE);
            let emitted = tokio::select! {
                emitted = emitted => emitted.map_err(|error| lost(&error))?,
                said = self.client.next() => {
                    self.acknowledged(job, &said?, &mut unacknowledged).await?;
                    continue;
                }
                () = attachment.superseded() => {
                    let reason = "another client took over";
                    return Err(End::Farewell(Farewell::plain(CloseCode::Policy, reason)));
                }
                () = until(&mut self.stopped) => {
                    let reason = "the host stops";
                    return Err(End::Farewell(Farewell::plain(CloseCode::Away, reason)));
                }
            };
            if emitted.is_empty() {
                return self.ended(job).await;
            }
            for Emitted { offset, record } in emitted {
                // One that leaves, or has had enough, is not sent what is left.
                while let Some(said) = self.client.said() {
                    self.acknowledged(job, &said?, &mut unacknowledged).await?;
                }
                self.client.send(record).await?;
                next = offset + 1;
                count += 1;
                unacknowledged.push_back((count, next));
            }
            if !self.handshake.acknowledges {
                unacknowledged.clear();
                self.acknowledge(job, next).await?;
            }
        }
    }

    /// What a client says while it is streamed to: how many messages have arrived.
    async fn acknowledged(
        &mut self,
        job: &str,
        said: &Bytes,
        unacknowledged: &mut VecDeque<(u64, u64)>,
    ) -> Result<(), End> {
        #[derive(Deserialize)]
        struct Acknowledgement {
            acknowledge: u64,
        }
        let Ok(Acknowledgement { acknowledge }) = serde_json::from_slice(said) else {
            let reason = "expected {\"acknowledge\": N}";
            return Err(End::Farewell(Farewell::plain(CloseCode::Protocol, reason)));
        };
        let mut below = None;
        while let Some((_, next)) = unacknowledged.pop_front_if(|(count, _)| *count <= acknowledge)
        {
            below = Some(next);
        }
        match below {
            Some(below) => self.acknowledge(job, below).await,
            None => Ok(()),
        }
    }

    async fn acknowledge(&mut self, job: &str, below: u64) -> Result<(), End> {
        let port = self.options.port.to_string();
        let acknowledged = self.jobs.acknowledge(job.to_owned(), port, below).await;
        acknowledged.map_err(|error| lost(&error))
    }

    async fn ended(&mut self, job: &str) -> Result<End, End> {
        let view = self.jobs.view(job.to_owned()).await;
        let outcome = view.map_err(|error| lost(&error))?.outcome;
        Ok(match outcome {
            Some(Outcome::Returned(output)) => {
                self.client.send(output.into()).await?;
                End::Farewell(Farewell::plain(CloseCode::Normal, "the job has ended"))
            }
            Some(other) => {
                match job_document::problem(&other, &std::collections::BTreeMap::new()) {
                    Some(problem) => End::Farewell(Farewell::problem(CloseCode::Error, problem)),
                    None => End::Gone,
                }
            }
            None => End::Farewell(Farewell::plain(CloseCode::Error, "the job has ended")),
        })
    }
}

fn lost(error: &JobError) -> End {
    End::Farewell(Farewell::problem(CloseCode::Error, Problem::of_jobs(error)))
}

fn refused(refusal: &SubmitError) -> Farewell {
    match refusal {
        SubmitError::Invalid(problems) => {
            let messages: Vec<&str> = problems.iter().map(|one| one.message.as_str()).collect();
            Farewell {
                reason: messages.join("; "),
                ..Farewell::problem(CloseCode::Unsupported, Problem::invalid(problems))
            }
        }
        SubmitError::OtherInput { .. } => Farewell::plain(
            CloseCode::Policy,
            "the key was used before, for another input",
        ),
        SubmitError::Busy { .. } => {
            Farewell::plain(CloseCode::Again, "there is no room for another job now")
        }
        SubmitError::Job(error) => Farewell::problem(CloseCode::Error, Problem::of_jobs(error)),
        SubmitError::Plugin { .. } | SubmitError::UnknownJob(_) => {
            Farewell::problem(CloseCode::Error, Problem::broken(refusal))
        }
    }
}
