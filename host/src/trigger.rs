//! How jobs come to be, and hear from outside: a request, the clock, a callback, a client that stays connected.
//!
//! All of it is the host's: plugins see an input, callbacks and nothing of HTTP. Triggers hold no state that a crash could take:
//! what they accept is in the journal of a job before it is answered, a caller's key or a scheduled time makes a repeated
//! start the same job, and what the clock has started is written down ([`CronLedger`]).
//!
//! `server` owns the socket, `router` finds the endpoint, `http`, `webhook`, `websocket` and `pages` are one each, `cron` keeps time,
//! `openapi` describes the whole. What they need of jobs is [`JobService`].

mod authorization;
mod body;
mod cron;
mod error;
mod http;
mod job_document;
mod openapi;
mod pages;
mod problem;
mod router;
mod server;
mod service;
mod webhook;
mod websocket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use cron::CronLedger;
pub use error::TriggerError;
pub use service::JobService;

use crate::config::{CronTrigger, Diagnostics, Environment, Manifest, Server, TriggerKind};
use cron::CronRunner;
use router::Router;

/// How long clients that stay connected may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// The triggers of a pipeline, their secrets revealed, and nothing started.
pub struct Triggers {
    server: Server,
    router: Router,
    crons: Vec<(String, CronTrigger)>,
}

/// Triggers at work.
pub struct RunningTriggers {
    address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Triggers {
    /// The triggers of a manifest, which start jobs by `jobs`.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says.
    pub fn of(
        manifest: &Manifest,
        environment: &dyn Environment,
        jobs: &Arc<dyn JobService>,
    ) -> Result<Self, Diagnostics> {
        let router = Router::of(manifest, environment, jobs)?;
        let crons = manifest.triggers.iter().filter_map(|trigger| {
            let TriggerKind::Cron(cron) = &trigger.kind else {
                return None;
            };
            Some((trigger.name.to_string(), CronTrigger::clone(cron)))
        });
        Ok(Self {
            server: manifest.server.clone(),
            router,
            crons: crons.collect(),
        })
    }

    /// Whether there is any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.router.is_empty() && self.crons.is_empty()
    }

    /// Listens, and keeps time, on the runtime that this is called on. `ledger` is the file in which stands what the clock has
    /// started.
    ///
    /// # Errors
    /// [`TriggerError`] if the address cannot be listened on, or the file cannot be read.
    pub async fn start(
        self,
        jobs: &Arc<dyn JobService>,
        ledger: PathBuf,
    ) -> Result<RunningTriggers, TriggerError> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut address = None;
        if !self.router.is_empty() {
            let listener = server::listen(*self.server.listen).await?;
            address = listener.local_addr().ok();
            let served = server::serve(listener, self.server, self.router, stopped.clone());
            tasks.spawn(served);
        }
        if !self.crons.is_empty() {
            let ledger = Arc::new(CronLedger::open(ledger)?);
            for (name, options) in self.crons {
                let runner = CronRunner::new(name, options, jobs, &ledger);
                tasks.spawn(runner.run(Timestamp::now, stopped.clone()));
            }
        }
        Ok(RunningTriggers {
            address,
            stop,
            tasks,
        })
    }
}

impl RunningTriggers {
    /// Where the server listens, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes no new request and starts no more jobs; returns when those under way have been answered, or their time is up.
    pub async fn stop(mut self) {
        // An error means that nobody is left to hear it.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
        // Clients that stay connected hear it too, and say goodbye.
        let _ = tokio::time::timeout(GOODBYE, self.stop.closed()).await;
    }
}

/// Returns when the host stops, or nobody is left who could say so.
async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[cfg(test)]
pub(crate) mod tests;
