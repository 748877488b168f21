//! One job in memory: its machine, and whatever is being done for it.
//!
//! What the machine says is done here, in its order: entries are handed to the store, and before anything leaves the host (a request, the word that a callback was
//! taken, the end) everything that was handed over is on disk. If it cannot be brought there, the slot is *lost*: the machine knows more than the disk, so it is dropped, as in a crash.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::task::AbortHandle;

use super::{Defined, Engine, locked};
use crate::job::JobError;
use crate::job::call::{Answer, Received, Request, RequestFailure, RequestFailureKind, Time};
use crate::job::journal::{Fact, Savepoint};
use crate::job::machine::{Action, Effect, Event, Machine, Reception};
use crate::job::store::{Append, JobStoreError, Ticket};
use crate::pipeline::clock::now;

/// A job that something is done for.
#[derive(Debug)]
pub(super) struct Slot {
    id: String,
    live: Mutex<Option<Live>>,
    changed: Condvar,
    /// Responses that have come, and were not told to the machine yet: step, index, and what came.
    inbox: Mutex<VecDeque<(u32, u32, Received)>>,
}

/// What is in memory of a job.
#[derive(Debug)]
pub(super) struct Live {
    number: i64,
    pub(super) job: String,
    pub(super) input: Arc<[u8]>,
    machine: Machine,
    written: i64,
    /// The last that was handed to the store: when it is on disk, all is.
    unsynced: Option<Ticket<()>>,
    /// Whether a thread runs it.
    running: bool,
    answer: Option<Answer>,
    waits_until: Option<Time>,
    /// The run is to end here.
    stopped: bool,
    under_way: Vec<AbortHandle>,
}

/// What was said of an event.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) reception: Option<Reception>,
    pub(super) retried: Option<bool>,
    start: Option<Option<Savepoint>>,
}

/// What a run is to begin with.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) job: String,
    pub(super) input: Arc<[u8]>,
    pub(super) savepoint: Option<Savepoint>,
}

/// The guest's next word from the host.
#[derive(Debug)]
pub(super) enum Heard {
    /// The answer to its call.
    Answer(Answer),
    /// The run is to end: the job is over, or waits for long.
    Stop,
}

impl Slot {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            live: Mutex::default(),
            changed: Condvar::new(),
            inbox: Mutex::default(),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn notify(&self) {
        // Whoever is about to wait has looked before: not to be passed in between.
        drop(self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something happen to the job; it is read from the store if it is not in memory.
    pub(super) fn tell(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        event: Event,
    ) -> Result<Said, JobError> {
        let mut guard = self.lock();
        let said = self.with(&mut guard, engine, event);
        drop(guard);
        self.changed.notify_all();
        said
    }

    /// Begins a run, if there is something to do for the job and nobody does it.
    pub(super) fn begin(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
    ) -> Result<Option<Beginning>, JobError> {
        let mut guard = self.lock();
        let live = self.live(&mut guard, engine)?;
        if live.running || !super::is_due(&live.machine.standing(), now()) {
            return Ok(None);
        }
        let said = self.with(&mut guard, engine, Event::Begin)?;
        let live = self.live(&mut guard, engine)?;
        Ok(said.start.map(|savepoint| {
            live.running = true;
            live.stopped = false;
            Beginning {
                job: live.job.clone(),
                input: Arc::clone(&live.input),
                savepoint,
            }
        }))
    }

    /// Takes callbacks that came before the job could say by what they are known.
    pub(super) fn take(self: &Arc<Self>, engine: &Arc<Engine>) -> Result<(), JobError> {
        let mut guard = self.lock();
        self.take_kept(&mut guard, engine)
    }

    /// The run is over: what is in memory goes.
    pub(super) fn end(&self) {
        let mut guard = self.lock();
        if let Some(mut live) = guard.take() {
            live.under_way.iter().for_each(AbortHandle::abort);
            if let Err(error) = live.sync() {
                tracing::error!(id = self.id, %error, "the last steps of a run could not be written: they will be made again");
            }
        }
        locked(&self.inbox).clear();
    }

    /// Waits for the answer to what the guest asked for last. A wait that is long ends the run.
    pub(super) fn hear(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        short: Duration,
    ) -> Result<Heard, JobError> {
        let mut guard = self.lock();
        loop {
            while let Some((step, index, received)) = { locked(&self.inbox).pop_front() } {
                let event = Event::Responded {
                    step,
                    index,
                    received,
                };
                self.with(&mut guard, engine, event)?;
            }
            let Some(live) = guard.as_mut() else {
                return Ok(Heard::Stop);
            };
            if let Some(answer) = live.answer.take() {
                return Ok(Heard::Answer(answer));
            }
            let in_flight = live.waits_until.is_none();
            // What was in memory was lost, and read anew for somebody else.
            if !live.running || live.stopped || (engine.is_stopping() && !in_flight) {
                return Ok(Heard::Stop);
            }
            let left = live.waits_until.map(|until| until.saturating_sub(now()));
            let left = left.map(|left| Duration::from_millis(u64::try_from(left).unwrap_or(0)));
            match left {
                Some(left) if left > short => return Ok(Heard::Stop),
                Some(Duration::ZERO) => {
                    self.with(&mut guard, engine, Event::Elapsed)?;
                    continue;
                }
                _ => {}
            }
            // Now and then the time that the job may take is looked at.
            let patience = left.unwrap_or(Duration::from_secs(1));
            let (woken, timeout) = self
                .changed
                .wait_timeout(guard, patience)
                .unwrap_or_else(PoisonError::into_inner);
            guard = woken;
            if timeout.timed_out() && in_flight && locked(&self.inbox).is_empty() {
                self.with(&mut guard, engine, Event::Elapsed)?;
            }
        }
    }

    /// Waits until a client has acknowledged all but so many of the job's records; gives false if the run is to end.
    pub(super) fn wait_for_client(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        port: &str,
        window: u64,
    ) -> Result<bool, JobError> {
        let mut guard = self.lock();
        loop {
            let Some(live) = guard.as_mut().filter(|live| !live.stopped) else {
                return Ok(false);
            };
            if engine.is_stopping() {
                return Ok(false);
            }
            live.sync()?;
            if engine.store.unacknowledged(live.number, port)? <= window {
                return Ok(true);
            }
            // Now and then the time that the job may take is looked at.
            let (woken, timeout) = self
                .changed
                .wait_timeout(guard, Duration::from_secs(1))
                .unwrap_or_else(PoisonError::into_inner);
            guard = woken;
            if timeout.timed_out() {
                self.with(&mut guard, engine, Event::Elapsed)?;
            }
        }
    }

    /// The job in memory, read from the store if it is not there.
    fn live<'g>(
        self: &Arc<Self>,
        guard: &'g mut MutexGuard<'_, Option<Live>>,
        engine: &Arc<Engine>,
    ) -> Result<&'g mut Live, JobError> {
        if guard.is_none() {
            let unknown = || JobError::Unknown(self.id.clone());
            let loaded = engine.store.load(&self.id)?.ok_or_else(unknown)?;
            let defined = engine
                .defined
                .get(&loaded.job)
                .ok_or_else(|| JobError::Undefined(loaded.job.clone()))?;
            let machine = Machine::replay(defined.rules(loaded.submitted_at), &loaded.entries);
            **guard = Some(Live {
                number: loaded.number,
                job: loaded.job,
                input: loaded.input.into(),
                machine,
                written: loaded.written,
                unsynced: None,
                running: false,
                answer: None,
                waits_until: None,
                stopped: false,
                under_way: Vec::new(),
            });
        }
        guard.as_mut().ok_or(JobError::Stopping)
    }

    fn with(
        self: &Arc<Self>,
        guard: &mut MutexGuard<'_, Option<Live>>,
        engine: &Arc<Engine>,
        event: Event,
    ) -> Result<Said, JobError> {
        let live = self.live(guard, engine)?;
        let expected = live.machine.expectations().clone();
        let actions = live.machine.apply(now(), event);
        let changed = *live.machine.expectations() != expected;
        let mut work = Work {
            slot: self,
            engine,
            live,
            changed,
            entries: Vec::new(),
            said: Said::default(),
        };
        match work.perform(actions) {
            Ok(()) => {
                let said = work.said;
                if changed && !live.machine.expectations().is_empty() {
                    self.take_kept(guard, engine)?;
                }
                Ok(said)
            }
            Err(error) => {
                // The machine is ahead of the disk.
                live.under_way.iter().for_each(AbortHandle::abort);
                **guard = None;
                Err(error.into())
            }
        }
    }

    /// Callbacks may have come before the job could say by what they are known.
    fn take_kept(
        self: &Arc<Self>,
        guard: &mut MutexGuard<'_, Option<Live>>,
        engine: &Arc<Engine>,
    ) -> Result<(), JobError> {
        let live = self.live(guard, engine)?;
        live.sync()?;
        for callback in engine.store.kept_for(live.number)? {
            self.with(guard, engine, Event::CalledBack(callback))?;
        }
        Ok(())
    }
}

impl Live {
    /// Waits until all that was handed to the store is on disk.
    fn sync(&mut self) -> Result<(), JobStoreError> {
        self.unsynced.take().map_or(Ok(()), Ticket::wait)
    }
}

/// The work that an event leads to.
struct Work<'a> {
    slot: &'a Arc<Slot>,
    engine: &'a Arc<Engine>,
    live: &'a mut Live,
    /// Whether other callbacks are expected now.
    changed: bool,
    entries: Vec<(crate::job::journal::Entry, Effect)>,
    said: Said,
}

impl Work<'_> {
    fn perform(&mut self, actions: Vec<Action>) -> Result<(), JobStoreError> {
        for action in actions {
            match action {
                Action::Record(entry, effect) => self.entries.push((entry, effect)),
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
        Ok(())
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
        let finished = |entry: &(crate::job::journal::Entry, Effect)| {
            matches!(entry.0.fact, Fact::Finished(_) | Fact::Retried { .. })
        };
        let expectations = (self.changed || entries.iter().any(finished))
            .then(|| self.live.machine.expectations().clone());
        let written = self.live.written;
        self.live.written += i64::try_from(entries.len()).unwrap_or(0);
        let ports = self.defined().map(|defined| Arc::clone(&defined.ports));
        let append = Append {
            number: self.live.number,
            written,
            entries,
            standing: self.live.machine.standing(),
            expectations,
            ports: ports.unwrap_or_default(),
        };
        self.live.unsynced = Some(self.engine.store.append(append));
    }

    fn defined(&self) -> Option<&Defined> {
        self.engine.defined.get(&self.live.job)
    }

    /// Sends a request on the clients' runtime; what comes of it goes to the inbox.
    fn send(&mut self, step: u32, index: u32, request: Request) {
        let granted = self
            .defined()
            .is_some_and(|defined| defined.definition.connections.contains(&request.connection));
        if !granted {
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
        }
        let key = idempotency_key(self.slot.id(), step, index);
        let sending = self.engine.transport.send(request, key);
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
