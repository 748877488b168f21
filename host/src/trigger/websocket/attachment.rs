//! Which client is attached to which job. A job has one client at a time: one that comes back before it is noticed that it was
//! gone takes over from itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::trigger::service::JobService;

/// The clients of an endpoint, by job.
#[derive(Clone)]
pub(super) struct Attachments {
    clients: Arc<Mutex<HashMap<String, Arc<Notify>>>>,
    jobs: Arc<dyn JobService>,
    resume_within: Duration,
}

/// A client's hold on a job.
#[derive(Clone)]
pub(super) struct Attachment {
    job: String,
    superseded: Arc<Notify>,
}

impl Attachments {
    pub fn new(jobs: Arc<dyn JobService>, resume_within: Duration) -> Self {
        Self {
            clients: Arc::default(),
            jobs,
            resume_within,
        }
    }

    /// Attaches a client; the one that was attached hears of it.
    pub fn attach(&self, job: &str) -> Attachment {
        let superseded = Arc::new(Notify::new());
        let earlier = self
            .clients()
            .insert(job.to_owned(), Arc::clone(&superseded));
        if let Some(earlier) = earlier {
            earlier.notify_one();
        }
        Attachment {
            job: job.to_owned(),
            superseded,
        }
    }

    /// The client has gone before the job ended, and nobody took over: the job is cancelled, at once or when nobody has come
    /// back for it in time.
    pub async fn abandon(&self, attachment: Attachment, is_resumable: bool) {
        if !self.detach(&attachment) {
            return;
        }
        if !is_resumable {
            return self.cancel(attachment.job).await;
        }
        let (later, job) = (self.clone(), attachment.job);
        tokio::spawn(async move {
            tokio::time::sleep(later.resume_within).await;
            let is_attached = later.clients().contains_key(&job);
            if !is_attached {
                later.cancel(job).await;
            }
        });
    }

    /// Lets go of a job. Whether it was still this client's.
    pub fn detach(&self, attachment: &Attachment) -> bool {
        let mut clients = self.clients();
        let is_current = clients
            .get(&attachment.job)
            .is_some_and(|current| Arc::ptr_eq(current, &attachment.superseded));
        if is_current {
            clients.remove(&attachment.job);
        }
        is_current
    }

    async fn cancel(&self, job: String) {
        tracing::info!(job, "a job is cancelled, for its client has gone");
        if let Err(error) = self.jobs.cancel(job).await {
            tracing::warn!(%error, "a job whose client has gone could not be cancelled");
        }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        // No panic can leave it half changed.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attachment {
    /// Returns when another client has taken over.
    pub async fn superseded(&self) {
        self.superseded.notified().await;
    }
}
