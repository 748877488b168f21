//! What drives jobs: instances on a bounded number of threads, requests on the runtime of the clients, and one thread that starts what is due.
//!
//! A job that something is done for has a `Slot`: its machine, behind a lock, so that a callback, a command and the run itself follow each other. When nothing is done
//! for it any more the slot goes, and what is left of the job is in the store.

mod definition;
mod migration;
mod run;
mod schedule;
mod slot;
mod slots;
mod versions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::call::Time;
use super::journal::Callback;
use super::machine::{Event, Reception, Standing};
use super::store::{Filter, JobStore, Made, Route, Step, Submitted};
use super::transport::Transport;
use super::{JobError, Submission, SubmitError, View};
use crate::config::Grant;
use crate::pipeline::clock::now;
use crate::plugin::Limits;
use crate::plugin::job::JobComponent;
use definition::Defined;
pub use migration::Migrated;
use slot::Said;
use slots::Slots;
use versions::Versions;

/// A job of the manifest, ready to be run.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its code.
    pub component: JobComponent,
    /// JSON.
    pub configuration: String,
    /// The output ports that something reads, by index.
    pub connected: BTreeSet<u32>,
    /// The output ports that clients read, each what its own job emits, by index.
    pub streamed: BTreeSet<u32>,
    /// Connections that it may make requests of, by name, and which.
    pub connections: BTreeMap<String, Grant>,
    /// What an instance may use.
    pub limits: Limits,
    /// Steps that the journal of one may hold.
    pub steps: u32,
    /// How long one may take.
    pub wall_time: Duration,
    /// The longest output or record, bytes.
    pub output: u64,
    /// Runs at a time.
    pub concurrency: usize,
    /// Jobs that are not finished at a time.
    pub queue: u64,
    /// How long a finished job is kept.
    pub keep_finished: Duration,
}

/// Drives the jobs of one pipeline.
pub struct Engine {
    store: JobStore,
    versions: RwLock<Versions>,
    /// Held by whoever changes the versions or relies on one that no unfinished job needs.
    adoption: Mutex<()>,
    transport: Arc<dyn Transport>,
    runtime: Handle,
    slots: Slots,
    /// Who waits for the end of which job.
    waiters: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
    signal: Sender<()>,
    stopping: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Starts to drive the jobs of a store. New jobs are of the `current` definitions; `former` ones are kept for the jobs that began with them. A job of a version that is
    /// in neither stands as it is and waits for it; jobs that a host made which kept no versions are of the current definition.
    ///
    /// # Errors
    /// [`JobError`] where the store cannot be read.
    pub fn start(
        store: JobStore,
        current: Vec<Definition>,
        former: Vec<Definition>,
        transport: Arc<dyn Transport>,
        runtime: Handle,
    ) -> Result<Arc<Self>, JobError> {
        let (signal, signalled) = crossbeam_channel::bounded(1);
        let engine = Arc::new(Self {
            store,
            versions: RwLock::default(),
            adoption: Mutex::default(),
            transport,
            runtime,
            slots: Slots::default(),
            waiters: Mutex::default(),
            signal,
            stopping: AtomicBool::new(false),
            threads: Mutex::default(),
        });
        let unfinished = engine.store.unfinished()?;
        engine
            .versions_mut()
            .keep(former, &unfinished, &*engine.transport);
        engine.adopt(current)?;
        for id in engine.store.with_kept()? {
            let slot = engine.slots.take(&id);
            if let Err(error) = slot.take(&engine) {
                tracing::warn!(id, %error, "callbacks that a job expects could not be given to it");
            }
            engine.slots.leave(slot);
        }
        schedule::start(&engine, signalled);
        Ok(engine)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &JobStore {
        &self.store
    }

    fn versions(&self) -> RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn versions_mut(&self) -> RwLockWriteGuard<'_, Versions> {
        self.versions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no job that is not finished, but those whose version is not here.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let versions = self.versions().all();
        versions.iter().all(|(defined, _)| {
            let needed = self
                .store
                .is_needed(&defined.definition.name, &defined.version);
            needed.is_ok_and(|needed| !needed)
        })
    }

    /// Starts nothing more, waits for what is under way to come to a step, and leaves the rest to the next start.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.poke();
        self.slots.notify();
        let threads = std::mem::take(&mut *locked(&self.threads));
        for thread in threads {
            // A thread's panic has been logged by its hook; the journal is what counts.
            let _ = thread.join();
        }
        locked(&self.waiters).clear();
        self.store.news().notify_waiters();
    }

    pub(super) fn submit(
        &self,
        job: &str,
        input: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<Submission, SubmitError> {
        loop {
            let defined = self.accepting(job, input)?;
            // As long as it is looked at no other version is adopted: what comes after an adoption is of the version that was adopted.
            let versions = self.versions();
            let current = versions.current(job).map(|current| &current.version);
            if current == Some(&defined.version) {
                return self.make(&defined, input, idempotency_key);
            }
        }
    }

    /// The current version of a job, which has looked at the input and found nothing wrong.
    fn accepting(&self, job: &str, input: &[u8]) -> Result<Arc<Defined>, SubmitError> {
        let current = self.versions().current(job).cloned();
        let Some(defined) = current else {
            return Err(SubmitError::UnknownJob(job.to_owned()));
        };
        if self.is_stopping() {
            return Err(JobError::Stopping.into());
        }
        let unfinished = defined.counts.unfinished.load(Ordering::Acquire);
        if unfinished >= defined.definition.queue {
            let job = job.to_owned();
            return Err(SubmitError::Busy { job, unfinished });
        }
        let problems = defined
            .validate(input)
            .map_err(|failure| SubmitError::Plugin {
                failure: Box::new(failure),
            })?;
        match problems.is_empty() {
            true => Ok(defined),
            false => Err(SubmitError::Invalid(problems)),
        }
    }

    fn make(
        &self,
        defined: &Defined,
        input: &[u8],
        idempotency_key: Option<&str>,
    ) -> Result<Submission, SubmitError> {
        let at = now();
        let id = identifier(at)?;
        let submitted = Submitted {
            id: id.clone(),
            job: defined.definition.name.clone(),
            version: defined.version.clone(),
            idempotency_key: idempotency_key.map(str::to_owned),
            input: input.to_vec(),
            at,
        };
        let made = self
            .store
            .submit(submitted)
            .wait()
            .map_err(JobError::from)?;
        match made {
            Made::New => {
                defined.counts.unfinished.fetch_add(1, Ordering::AcqRel);
                self.poke();
                Ok(Submission {
                    id,
                    repeated: false,
                })
            }
            Made::Repeated(id) => Ok(Submission { id, repeated: true }),
            Made::OtherInput(id) => Err(SubmitError::OtherInput { id }),
        }
    }

    pub(super) fn view(&self, id: &str) -> Result<View, JobError> {
        let view = self.store.view(id)?.map(|view| self.told(view));
        view.ok_or_else(|| JobError::Unknown(id.to_owned()))
    }

    pub(super) fn list(&self, filter: &Filter) -> Result<Vec<View>, JobError> {
        Ok(self.store.list(filter, |view| self.told(view))?)
    }

    pub(super) fn steps(&self, id: &str) -> Result<Vec<Step>, JobError> {
        Ok(self.store.steps(id)?)
    }

    pub(super) fn cancel(self: &Arc<Self>, id: &str) -> Result<View, JobError> {
        self.tell(id, Event::Cancel)?;
        self.view(id)
    }

    pub(super) fn retry(self: &Arc<Self>, id: &str) -> Result<View, JobError> {
        // Whoever has finished is not needed by: the version is to stay until it is needed again.
        let _adoption = locked(&self.adoption);
        let before = self.view(id)?;
        if !self.has(&before) {
            return Err(JobError::VersionAbsent {
                id: id.to_owned(),
                job: before.job,
                version: before.version.unwrap_or_default(),
            });
        }
        let was_over = before.state.is_over();
        let said = self.tell(id, Event::Retry)?;
        let view = self.view(id)?;
        if said.retried != Some(true) {
            let (id, state) = (id.to_owned(), view.state.as_str().to_owned());
            return Err(JobError::NotRetryable { id, state });
        }
        if let (true, Some(counts)) = (was_over, self.versions().counts(&view.job)) {
            counts.unfinished.fetch_add(1, Ordering::AcqRel);
        }
        self.poke();
        Ok(view)
    }

    pub(super) fn call_back(self: &Arc<Self>, callback: Callback) -> Result<Reception, JobError> {
        match self.store.route(callback.clone(), now()).wait()? {
            Route::Kept(reception) => Ok(reception),
            Route::Job(id) => {
                let said = self.tell(&id, Event::CalledBack(callback))?;
                self.poke();
                Ok(said.reception.unwrap_or(Reception::Unknown))
            }
        }
    }

    /// Will be told when the job has ended; at once if it is waited for no more.
    pub(super) fn ended(&self, id: &str) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        if !self.is_stopping() {
            let mut waiters = locked(&self.waiters);
            let of_job = waiters.entry(id.to_owned()).or_default();
            of_job.retain(|waiter| !waiter.is_closed());
            of_job.push(sender);
        }
        receiver
    }

    /// Lets something happen to a job, whether it runs or not.
    fn tell(self: &Arc<Self>, id: &str, event: Event) -> Result<Said, JobError> {
        if self.is_stopping() {
            return Err(JobError::Stopping);
        }
        let slot = self.slots.take(id);
        let told = slot.tell(self, event);
        self.slots.leave(slot);
        told
    }

    pub(super) fn acknowledge(&self, id: &str, port: &str, below: u64) -> Result<(), JobError> {
        let known = self
            .store
            .acknowledge(id.to_owned(), port.to_owned(), below)
            .wait()?;
        if !known {
            return Err(JobError::Unknown(id.to_owned()));
        }
        // A job that stands still for it is to look again.
        if let Some(slot) = self.slots.find(id) {
            slot.notify();
        }
        Ok(())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Something may be due.
    fn poke(&self) {
        // Full: the thread knows already.
        let _ = self.signal.try_send(());
    }

    fn on_end(&self, id: &str, job: &str) {
        if let Some(counts) = self.versions().counts(job) {
            let less = |count: u64| Some(count.saturating_sub(1));
            let _ = counts
                .unfinished
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        }
        locked(&self.waiters).remove(id);
        self.poke();
    }
}

/// The time and 64 random bits, in hexadecimal: in the order of time, and not to be guessed.
fn identifier(at: Time) -> Result<String, JobError> {
    Ok(format!("{:011x}{:016x}", at, random()?))
}

fn random() -> Result<u64, JobError> {
    let mut bytes = [0; 8];
    openssl::rand::rand_bytes(&mut bytes)
        .map_err(|error| JobError::Host(format!("there is no randomness: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Whether a run is of use for a job that stands so at this time.
fn is_due(standing: &Standing, at: Time) -> bool {
    match standing {
        Standing::Ready => true,
        Standing::Waiting(until) => *until <= at,
        Standing::Asking | Standing::Finished => false,
    }
}
