//! One job in memory: its machine, and whatever is being done for it.
//!
//! What the machine says is done here, in its order: entries are handed to the store, and before anything leaves the host (a request, the word that a callback was
//! taken, the end) everything that was handed over is on disk. If it cannot be brought there, the slot is *lost*: the machine knows more than the disk, so it is dropped, as in a crash.

mod relocation;
mod work;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::definition::Defined;
use super::{Engine, locked};
use crate::job::JobError;
use crate::job::call::{Answer, Received, Time};
use crate::job::journal::Savepoint;
use crate::job::machine::{Event, Machine, Reception, Rules};
use crate::job::store::{JobStoreError, Ticket};
use crate::pipeline::clock::now;
pub(super) use relocation::Place;
use work::Work;

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
    version: Option<String>,
    /// The version of its journal; none where it is not here, so that the job cannot be run.
    defined: Option<Arc<Defined>>,
    /// The version to go back to, as long as no step was made since the job was moved.
    former: Option<String>,
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
    /// That of the journal.
    pub(super) defined: Arc<Defined>,
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
        self.relocate(&mut guard, engine)?;
        let Some(defined) = self.live(&mut guard, engine)?.defined.clone() else {
            return Ok(None);
        };
        let said = self.with(&mut guard, engine, Event::Begin)?;
        let live = self.live(&mut guard, engine)?;
        Ok(said.start.map(|savepoint| {
            live.running = true;
            live.stopped = false;
            Beginning {
                defined,
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
            let version = loaded.version.as_deref();
            let defined =
                version.and_then(|version| engine.versions().get(&loaded.job, version).cloned());
            let rules = match &defined {
                Some(defined) => defined.rules(loaded.submitted_at),
                None => Rules::unknown(loaded.submitted_at),
            };
            let machine = Machine::replay(rules, &loaded.entries);
            **guard = Some(Live {
                number: loaded.number,
                job: loaded.job,
                version: loaded.version,
                defined,
                former: loaded.former,
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
        match Work::of(self, engine, live, changed).perform(actions) {
            Ok((said, saved)) => {
                if saved && engine.store.target(live.number)?.is_some() {
                    // It is moved before its next run begins.
                    live.sync()?;
                    live.answer = None;
                    live.stopped = true;
                }
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
