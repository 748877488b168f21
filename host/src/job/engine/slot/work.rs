//! The work that an event leads to: what the machine says is done, in its order.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Live, Said, Slot};
use crate::job::call::{Request, RequestFailure, RequestFailureKind};
use crate::job::engine::{Engine, locked};
use crate::job::journal::{Entry, Fact};
use crate::job::machine::{Action, Effect};
use crate::job::store::{Append, JobStoreError};

/// The work that an event leads to.
pub(super) struct Work<'a> {
    slot: &'a Arc<Slot>,
    engine: &'a Arc<Engine>,
    live: &'a mut Live,
    /// Whether other callbacks are expected now.
    changed: bool,
    /// Whether it has come to a savepoint.
    saved: bool,
    entries: Vec<(Entry, Effect)>,
    said: Said,
}

impl<'a> Work<'a> {
    pub(super) fn of(
        slot: &'a Arc<Slot>,
        engine: &'a Arc<Engine>,
        live: &'a mut Live,
        changed: bool,
    ) -> Self {
        Self {
            slot,
            engine,
            live,
            changed,
            saved: false,
            entries: Vec::new(),
            said: Said::default(),
        }
    }

    /// Gives what is said of the event, and whether it has brought the job to a savepoint.
    pub(super) fn perform(mut self, actions: Vec<Action>) -> Result<(Said, bool), JobStoreError> {
        for action in actions {
            match action {
                Action::Record(entry, effect) => {
                    self.saved |= matches!(entry.fact, Fact::Saved(_));
                    self.entries.push((entry, effect));
                }
                Action::Answer(answer) => {
                    self.live.answer = Some(answer);
                    self.live.waits_until = None;
                }
                Action::Start(savepoint) => self.said.start = Some(savepoint),
                Action::Send {
                    step,
                    index,
                    request,
                } => {
                    self.sync()?;
                    self.send(step, index, request);
                }
                Action::Wait(until) => {
                    self.sync()?;
                    self.live.waits_until = Some(until);
                }
                Action::Receive(reception) => {
                    self.sync()?;
                    self.said.reception = Some(reception);
                }
                Action::Retried(retried) => {
                    self.sync()?;
                    self.said.retried = Some(retried);
                }
                Action::Stop => self.stop()?,
            }
        }
        self.append();
        Ok((self.said, self.saved))
    }

    fn stop(&mut self) -> Result<(), JobStoreError> {
        self.sync()?;
        self.live.stopped = true;
        self.live.under_way.drain(..).for_each(|one| one.abort());
        if self.live.machine.outcome().is_some() {
            self.engine.on_end(self.slot.id(), &self.live.job);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JobStoreError> {
        self.append();
        self.live.sync()
    }

    /// Hands the entries that have come together to the store.
    fn append(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let entries = std::mem::take(&mut self.entries);
        let finished = |entry: &(Entry, Effect)| {
            matches!(entry.0.fact, Fact::Finished(_) | Fact::Retried { .. })
        };
        let expectations = (self.changed || entries.iter().any(finished))
            .then(|| self.live.machine.expectations().clone());
        let written = self.live.written;
        self.live.written += i64::try_from(entries.len()).unwrap_or(0);
        let ports = self.live.defined.as_ref().map(|defined| defined.ports());
        let is_step = |(entry, _): &(Entry, Effect)| entry.fact.is_step();
        let settles = self.live.former.is_some() && entries.iter().any(is_step);
        if settles {
            self.live.former = None;
        }
        let append = Append {
            number: self.live.number,
            version: self.live.version.clone(),
            settles,
            written,
            entries,
            standing: self.live.machine.standing(),
            expectations,
            ports: ports.unwrap_or_default(),
        };
        self.live.unsynced = Some(self.engine.store.append(append));
    }

    /// Sends a request on the clients' runtime; what comes of it goes to the inbox.
    fn send(&mut self, step: u32, index: u32, request: Request) {
        let defined = self.live.defined.as_ref();
        let grant =
            defined.and_then(|defined| defined.definition.connections.get(&request.connection));
        let Some(grant) = grant else {
            let failure = RequestFailure {
                kind: RequestFailureKind::Refused,
                message: format!(
                    "the manifest grants the job no connection `{}`",
                    request.connection
                ),
                retry_after: None,
            };
            locked(&self.slot.inbox).push_back((step, index, Err(failure)));
            return;
        };
        let key = idempotency_key(self.slot.id(), step, index);
        let sending = self.engine.transport.send(request, grant, key);
        // A run that was broken off is not to be kept in memory by what it sent.
        let slot = Arc::downgrade(self.slot);
        let task = self.engine.runtime.spawn(async move {
            let received = sending.await;
            let Some(slot) = slot.upgrade() else {
                return;
            };
            locked(&slot.inbox).push_back((step, index, received));
            // The lock of the slot is held while entries are brought to disk: not for a thread of the runtime to wait for.
            let _ = tokio::task::spawn_blocking(move || slot.notify()).await;
        });
        self.live.under_way.retain(|one| !one.is_finished());
        self.live.under_way.push(task.abort_handle());
    }
}

/// The same whenever this request of this job is sent, and no other's: 128 bits of SHA-256, in hexadecimal.
fn idempotency_key(id: &str, step: u32, index: u32) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(format!("{id}/{step}/{index}"));
    digest[..16].iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}
