//! What drives jobs: instances on a bounded number of threads, requests on the runtime of the clients, and one thread that starts what is due.
//!
//! A job that something is done for has a `Slot`: its machine, behind a lock, so that a callback, a command and the run itself follow each other. When nothing is done
//! for it any more the slot goes, and what is left of the job is in the store.

mod run;
mod schedule;
mod slot;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::call::Time;
use super::journal::Callback;
use super::machine::{Event, Reception, Rules, Standing};
use super::store::{Filter, JobStore, Made, Port, Route, Step, Submitted};
use super::transport::{AfterCrash, Transport};
use super::{JobError, Submission, SubmitError, View};
use crate::pipeline::clock::now;
use crate::plugin::job::JobComponent;
use crate::plugin::{Failure, Limits};
use slot::{Said, Slot};

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
    /// Connections that it may make requests of.
    pub connections: BTreeSet<String>,
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

/// A definition at work.
#[derive(Debug)]
struct Defined {
    definition: Definition,
    ports: Arc<[Port]>,
    unfinished: AtomicU64,
    running: AtomicUsize,
    /// Connections whose requests are not sent again by themselves if nobody knows whether they arrived.
    asks: BTreeSet<String>,
}

/// Drives the jobs of one pipeline.
pub struct Engine {
    store: JobStore,
    defined: BTreeMap<String, Defined>,
    transport: Arc<dyn Transport>,
    runtime: Handle,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
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
    /// Starts to drive the jobs of a store.
    ///
    /// # Errors
    /// [`JobError`] where the store cannot be read.
    pub fn start(
        store: JobStore,
        definitions: Vec<Definition>,
        transport: Arc<dyn Transport>,
        runtime: Handle,
    ) -> Result<Arc<Self>, JobError> {
        let (signal, signalled) = crossbeam_channel::bounded(1);
        let mut unfinished: BTreeMap<_, _> = store.unfinished()?.into_iter().collect();
        let defined = definitions.into_iter().map(|definition| {
            let left = unfinished.remove(&definition.name).unwrap_or_default();
            let name = definition.name.clone();
            (name, Defined::new(definition, left, &*transport))
        });
        let engine = Arc::new(Self {
            store,
            defined: defined.collect(),
            transport,
            runtime,
            slots: Mutex::default(),
            waiters: Mutex::default(),
            signal,
            stopping: AtomicBool::new(false),
            threads: Mutex::default(),
        });
        for (job, jobs) in unfinished {
            tracing::warn!(
                job,
                jobs,
                "jobs are not finished whose job is not in the manifest: they stay as they are"
            );
        }
        for id in engine.store.with_kept()? {
            let slot = engine.slot(&id);
            if let Err(error) = slot.take(&engine) {
                tracing::warn!(id, %error, "callbacks that a job expects could not be given to it");
            }
            engine.leave(slot);
        }
        schedule::start(&engine, signalled);
        Ok(engine)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &JobStore {
        &self.store
    }

    /// Whether there is no job that is not finished.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let finished = |defined: &Defined| defined.unfinished.load(Ordering::Acquire) == 0;
        self.defined.values().all(finished)
    }

    /// Starts nothing more, waits for what is under way to come to a step, and leaves the rest to the next start.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.poke();
        let slots: Vec<_> = locked(&self.slots).values().cloned().collect();
        slots.iter().for_each(|slot| slot.notify());
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
        let Some(defined) = self.defined.get(job) else {
            return Err(SubmitError::UnknownJob(job.to_owned()));
        };
        if self.is_stopping() {
            return Err(JobError::Stopping.into());
        }
        let unfinished = defined.unfinished.load(Ordering::Acquire);
        if unfinished >= defined.definition.queue {
            let job = job.to_owned();
            return Err(SubmitError::Busy { job, unfinished });
        }
        let problems = defined
            .validate(input)
            .map_err(|failure| SubmitError::Plugin {
                failure: Box::new(failure),
            })?;
        if !problems.is_empty() {
            return Err(SubmitError::Invalid(problems));
        }
        let at = now();
        let id = identifier(at)?;
        let submitted = Submitted {
            id: id.clone(),
            job: job.to_owned(),
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
                defined.unfinished.fetch_add(1, Ordering::AcqRel);
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
        let view = self.store.view(id)?;
        view.ok_or_else(|| JobError::Unknown(id.to_owned()))
    }

    pub(super) fn list(&self, filter: &Filter) -> Result<Vec<View>, JobError> {
        Ok(self.store.list(filter)?)
    }

    pub(super) fn steps(&self, id: &str) -> Result<Vec<Step>, JobError> {
        Ok(self.store.steps(id)?)
    }

    pub(super) fn cancel(self: &Arc<Self>, id: &str) -> Result<View, JobError> {
        self.tell(id, Event::Cancel)?;
        self.view(id)
    }

    pub(super) fn retry(self: &Arc<Self>, id: &str) -> Result<View, JobError> {
        let was_over = self.view(id)?.state.is_over();
        let said = self.tell(id, Event::Retry)?;
        let view = self.view(id)?;
        if said.retried != Some(true) {
            let (id, state) = (id.to_owned(), view.state.as_str().to_owned());
            return Err(JobError::NotRetryable { id, state });
        }
        if let (true, Some(defined)) = (was_over, self.defined.get(&view.job)) {
            defined.unfinished.fetch_add(1, Ordering::AcqRel);
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
        let slot = self.slot(id);
        let told = slot.tell(self, event);
        self.leave(slot);
        told
    }

    /// The place of a job in memory, made if there is none.
    fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = locked(&self.slots);
        let slot = slots
            .entry(id.to_owned())
            .or_insert_with(|| Arc::new(Slot::new(id)));
        Arc::clone(slot)
    }

    /// Gives a slot up; the last one who does takes it away.
    fn leave(&self, slot: Arc<Slot>) {
        let mut slots = locked(&self.slots);
        // One is here, one in the table.
        if Arc::strong_count(&slot) <= 2 {
            slots.remove(slot.id());
        }
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
        let slot = locked(&self.slots).get(id).cloned();
        slot.inspect(|slot| slot.notify());
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
        if let Some(defined) = self.defined.get(job) {
            let less = |count: u64| Some(count.saturating_sub(1));
            let _ = defined
                .unfinished
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        }
        locked(&self.waiters).remove(id);
        self.poke();
    }
}

impl Defined {
    fn new(definition: Definition, unfinished: u64, transport: &dyn Transport) -> Self {
        let outputs = &definition.component.description().outputs;
        let ports = (0..).zip(outputs).map(|(index, name)| Port {
            name: name.clone(),
            is_consumed: definition.connected.contains(&index),
            is_streamed: definition.streamed.contains(&index),
        });
        let asks = |connection: &&String| transport.after_crash(connection) == AfterCrash::Ask;
        Self {
            ports: ports.collect(),
            asks: definition
                .connections
                .iter()
                .filter(asks)
                .cloned()
                .collect(),
            unfinished: AtomicU64::new(unfinished),
            running: AtomicUsize::new(0),
            definition,
        }
    }

    fn rules(&self, submitted: Time) -> Rules {
        Rules {
            submitted,
            wall_time: self.definition.wall_time,
            steps: self.definition.steps,
            asks: self.asks.clone(),
        }
    }

    fn instantiate(&self, name: &str) -> Result<crate::plugin::job::JobInstance, Failure> {
        let Definition {
            connected,
            streamed,
            component,
            limits,
            configuration,
            ..
        } = &self.definition;
        let read: Vec<u32> = connected.union(streamed).copied().collect();
        component.instantiate(name, limits, configuration, &read)
    }

    fn validate(&self, input: &[u8]) -> Result<Vec<super::Problem>, Failure> {
        self.instantiate(&self.definition.name)?.validate(input)
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
