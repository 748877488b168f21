//! One process's share of a distributed pipeline: the tasks that its membership gives it, each on its own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::attention::Attention;
use super::channel::Fault;
use super::distribution::{Distribution, TaskId};
use super::error::TaskError;
use super::halt::Halt;
use super::plan::{Plan, SourcePlan};
use super::progress::{Part, Progress, TaskState};
use super::replay::Replayed;
use super::task::{Ending, Task};
use crate::checkpoint::{DeadLetterFilter, Location};
use crate::connection::Services;
use crate::connection::kafka::{
    Assignee, Cluster, Inquiry, KafkaError, Listener, Membership, Wanted,
};

/// How often the group is taken part in, and ended tasks are looked for.
const TURN: Duration = Duration::from_millis(100);

/// How long a task that goes to another process may take to commit what it has done. Then that is left to be done again.
const GRACE: Duration = Duration::from_secs(15);

/// How long a task that another process has taken over is left alone although the group still gives it to this one.
const RESPITE: Duration = Duration::from_secs(2);

/// Of the topics between segments. They are read by tasks that may stand still for long: what has not been read must not go. Messages hold whole batches.
const EXCHANGE_SETTINGS: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("max.message.bytes", "8388608"),
];

/// Runs this process's share of a distributed pipeline.
pub struct Distributed {
    distribution: Distribution,
    location: Location,
    services: Services,
    cluster: Arc<Cluster>,
    share: Arc<Share>,
    progress: Arc<Progress>,
}

/// The tasks of this process, for those who look on.
#[derive(Default)]
pub struct Share {
    assigned: Mutex<BTreeMap<TaskId, Assigned>>,
    /// Every task that this process has run, also those that have gone to others.
    known: Mutex<Vec<Part>>,
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.tasks().into_iter().map(|(name, _)| name).collect();
        formatter.debug_tuple("Share").field(&names).finish()
    }
}

/// A task that the group has given to this process.
struct Assigned {
    name: String,
    phase: Phase,
}

enum Phase {
    /// To be started, at that time at the earliest.
    Due(Instant),
    AtWork(Running),
    /// It has worked on everything there was.
    Complete,
}

/// A task on its thread.
struct Running {
    stop: Sender<()>,
    /// Known once it has opened its store.
    progress: Arc<OnceLock<Arc<Progress>>>,
    thread: JoinHandle<Result<Ending, TaskError>>,
}

impl Running {
    fn tell_to_stop(&self) {
        // Full: it has been told as often as it listens. Disconnected: it has ended.
        let _ = self.stop.try_send(());
    }

    fn join(self) -> Result<Ending, TaskError> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(TaskError::Failed(Fault::Disconnected)))
    }
}

impl Share {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, Assigned>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how far a task had come when this process took it on.
    fn knows(&self, task: &Task, reads_sources: bool) {
        let progress = task.progress();
        let part = Part {
            before: progress.totals(),
            progress,
            is_here: true,
            reads_sources,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(part);
    }

    /// Sums up what the tasks have done.
    fn sum_into(&self, whole: &Progress) {
        let here: Vec<Arc<Progress>> = self.tasks().into_iter().map(|(_, here)| here).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for part in known.iter_mut() {
            part.is_here = here.iter().any(|here| Arc::ptr_eq(here, &part.progress));
        }
        whole.sum(&known);
    }

    /// The tasks that are at work, by name.
    #[must_use]
    pub fn tasks(&self) -> Vec<(String, Arc<Progress>)> {
        let assigned = self.lock();
        let at_work = assigned.values().filter_map(|task| match &task.phase {
            Phase::AtWork(running) => {
                Some((task.name.clone(), Arc::clone(running.progress.get()?)))
            }
            _ => None,
        });
        at_work.collect()
    }

    fn take(&self, tasks: &[TaskId]) -> Vec<Running> {
        let mut assigned = self.lock();
        let taken = tasks.iter().filter_map(|task| assigned.remove(task));
        taken
            .filter_map(|task| match task.phase {
                Phase::AtWork(running) => Some(running),
                _ => None,
            })
            .collect()
    }

    fn take_all(&self) -> Vec<Running> {
        let all: Vec<TaskId> = self.lock().keys().cloned().collect();
        self.take(&all)
    }
}

/// Tells tasks to stop, and waits for them. Those that are not done when `impatient` says so are told to leave what they have not committed.
fn end(tasks: Vec<Running>, impatient: impl Fn() -> bool) -> Vec<Result<Ending, TaskError>> {
    tasks.iter().for_each(Running::tell_to_stop);
    let is_at_work = |task: &Running| !task.thread.is_finished();
    while tasks.iter().any(is_at_work) && !impatient() {
        thread::sleep(Duration::from_millis(5));
    }
    tasks.iter().for_each(Running::tell_to_stop);
    tasks.into_iter().map(Running::join).collect()
}

impl Assignee for Share {
    fn give_up(&self, tasks: &[TaskId], lost: bool) {
        let deadline = Instant::now() + GRACE;
        let endings = end(self.take(tasks), || lost || Instant::now() >= deadline);
        for error in endings.into_iter().filter_map(Result::err) {
            let code = error.code().id;
            tracing::warn!(code, "a task that goes to another process: {error}");
        }
    }
}

impl Distributed {
    /// Prepares to share in a pipeline; none if the plan is for one process. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TaskError`] where the cluster of the exchange is not among the services.
    pub fn open(
        plan: &Plan,
        location: &Location,
        services: Services,
    ) -> Result<Option<Self>, TaskError> {
        let Some(distribution) = Distribution::of(plan) else {
            return Ok(None);
        };
        let cluster = services.kafka(distribution.connection()).cloned();
        let cluster = cluster.ok_or_else(|| unknown(distribution.connection()))?;
        let progress = Progress::new(
            plan.stages.iter().map(|stage| stage.name.clone()),
            1,
            plan.sinks.iter().map(|sink| sink.name.clone()),
        );
        Ok(Some(Self {
            distribution,
            location: location.clone(),
            services,
            cluster,
            share: Arc::default(),
            progress: Arc::new(progress),
        }))
    }

    /// The tasks of this process; to be watched from other threads.
    #[must_use]
    pub fn share(&self) -> Arc<Share> {
        Arc::clone(&self.share)
    }

    /// How far they have come together; to be watched from other threads.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs the tasks that are given to this process until all of them have worked on everything, or something comes through `stop`.
    ///
    /// # Errors
    /// The first of a task that trying again is of no use to.
    pub fn run(&self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        let ending = self.take_part(stop);
        self.progress.state.enter(TaskState::Ended);
        ending
    }

    /// Gives dead letters of one task back to the stages and sinks that refused them, as [`Task::replay`] does. None if there is no task of that name.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn replay(
        &self,
        task: &str,
        filter: &DeadLetterFilter,
    ) -> Result<Option<Replayed>, TaskError> {
        let partitions = self.ask(&Halt::default())?;
        let task = self.distribution.tasks(&partitions).find(|id| {
            self.distribution
                .task_name(id)
                .is_some_and(|name| name == task)
        });
        let plan = task.and_then(|task| self.distribution.plan_of(&task, &partitions));
        let Some(plan) = plan else {
            return Ok(None);
        };
        let task = Task::open(plan, &self.location, self.services.clone())?;
        task.replay(filter).map(Some)
    }

    fn take_part(&self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        let Some(mut partitions) = self.prepare(stop)? else {
            return Ok(Ending::Stopped);
        };
        let membership = self.join()?;
        self.progress.state.enter(TaskState::Running);
        let ending = loop {
            for task in membership.poll(TURN) {
                self.take_on(task);
            }
            if stop.try_recv().is_ok() {
                break self.stop(stop);
            }
            if self.has_grown(&partitions) {
                match self.prepare(stop)? {
                    Some(found) => partitions = found,
                    None => break self.stop(stop),
                }
            }
            self.share.sum_into(&self.progress);
            match self.look(&partitions) {
                Ok(false) => {}
                Ok(true) => break Ok(Ending::Complete),
                Err(error) => {
                    end(self.share.take_all(), || true);
                    break Err(error);
                }
            }
        };
        self.share.sum_into(&self.progress);
        drop(membership);
        ending
    }

    fn join(&self) -> Result<Membership, TaskError> {
        let exchanges: Vec<String> = self
            .distribution
            .exchange_topics()
            .map(|topic| topic.name)
            .collect();
        let sources = self.distribution.source_topics();
        let topics: Vec<&str> = sources
            .chain(exchanges.iter().map(String::as_str))
            .collect();
        let group = format!("jackfield-{}", self.distribution.name());
        let share: Arc<dyn Assignee> = self.share();
        Ok(Membership::join(&self.cluster, &group, &topics, share)?)
    }

    /// Makes the topics between the segments if they are missing, and gives the number of partitions of each source's topic. None if it is told to stop
    /// before the cluster has answered.
    fn prepare(&self, stop: &Receiver<()>) -> Result<Option<BTreeMap<String, u32>>, TaskError> {
        let halt = Halt::default();
        let mut attention = Attention::new(stop);
        match attention.during(&halt, 1, || self.ask(&halt)) {
            // Who told it does not tell it again.
            Ok(_) if attention.is_told() => Ok(None),
            Ok(partitions) => Ok(Some(partitions)),
            Err(KafkaError::Halted) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn ask(&self, halt: &Halt) -> Result<BTreeMap<String, u32>, KafkaError> {
        let listener = Listener::new(self.cluster.name());
        let inquiry = Inquiry {
            cluster: &self.cluster,
            listener: &listener,
            who: "exchange",
            waits: &self.progress.waits,
            halt,
        };
        for topic in self.distribution.exchange_topics() {
            let expected = i32::from(topic.partitions);
            let wanted = Wanted {
                partitions: expected,
                replication_factor: topic.replication_factor.map_or(-1, i32::from),
                settings: EXCHANGE_SETTINGS,
            };
            let found = inquiry.create_topic(&topic.name, wanted)?;
            if found != expected {
                return Err(KafkaError::Partitions {
                    topic: topic.name,
                    found,
                    expected,
                });
            }
        }
        let client = inquiry.client()?;
        self.distribution
            .source_topics()
            .map(|topic| {
                let partitions = inquiry.partitions(&client, topic)?;
                Ok((topic.to_owned(), u32::try_from(partitions).unwrap_or(0)))
            })
            .collect()
    }

    fn take_on(&self, task: TaskId) {
        let Some(name) = self.distribution.task_name(&task) else {
            return;
        };
        tracing::info!(task = name, "the task has come to this process");
        let phase = Phase::Due(Instant::now());
        self.share
            .lock()
            .entry(task)
            .or_insert(Assigned { name, phase });
    }

    /// Whether there is a task for a partition that its topic did not have.
    fn has_grown(&self, partitions: &BTreeMap<String, u32>) -> bool {
        self.share.lock().keys().any(|task| {
            let known = partitions.get(&task.topic);
            known.is_some_and(|known| i64::from(task.partition) >= i64::from(*known))
        })
    }

    /// Starts tasks that are due and looks after those that have ended. Gives whether there are tasks and all are complete.
    fn look(&self, partitions: &BTreeMap<String, u32>) -> Result<bool, TaskError> {
        let mut assigned = self.share.lock();
        for (id, task) in assigned.iter_mut() {
            let over =
                matches!(&task.phase, Phase::AtWork(running) if running.thread.is_finished());
            let due = matches!(&task.phase, Phase::Due(at) if *at <= Instant::now());
            if due {
                if let Some(plan) = self.distribution.plan_of(id, partitions) {
                    task.phase = Phase::AtWork(self.start(plan, &task.name)?);
                }
            } else if over
                && let Phase::AtWork(running) = std::mem::replace(&mut task.phase, Phase::Complete)
            {
                task.phase = after(running.join(), &task.name)?;
            }
        }
        let is_complete = |task: &Assigned| matches!(task.phase, Phase::Complete);
        Ok(!assigned.is_empty() && assigned.values().all(is_complete))
    }

    fn start(&self, plan: Plan, name: &str) -> Result<Running, TaskError> {
        let (stop, told) = bounded(2);
        let progress = Arc::<OnceLock<Arc<Progress>>>::default();
        let (services, known) = (self.services.clone(), Arc::clone(&progress));
        let (share, location) = (self.share(), self.location.clone());
        let reads_sources = plan.sources.iter().all(SourcePlan::is_of_manifest);
        let run = move || {
            let mut task = Task::open(plan, &location, services)?;
            share.knows(&task, reads_sources);
            // Nobody else sets it.
            let _ = known.set(task.progress());
            task.run(&told)
        };
        let thread = thread::Builder::new()
            .name(format!("task {name}"))
            .spawn(run)
            .map_err(|error| {
                TaskError::Failed(Fault::Thread(format!("task {name}"), error.to_string()))
            })?;
        Ok(Running {
            stop,
            progress,
            thread,
        })
    }

    /// Stops all tasks; to be told so again means not to wait for anything.
    fn stop(&self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        let endings = end(self.share.take_all(), || stop.try_recv().is_ok());
        let mut stopped = Ending::Stopped;
        for ending in endings {
            match ending {
                Ok(Ending::Abandoned) => stopped = Ending::Abandoned,
                Ok(_) => {}
                // Who has it now goes on with it.
                Err(error) if error.is_fenced() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(stopped)
    }
}

/// What becomes of a task that has ended although nobody told it to.
fn after(ending: Result<Ending, TaskError>, name: &str) -> Result<Phase, TaskError> {
    match ending {
        Ok(Ending::Complete | Ending::AlreadyComplete) => Ok(Phase::Complete),
        Ok(Ending::Stopped | Ending::Abandoned) => Ok(Phase::Due(Instant::now())),
        Err(error) if error.is_fenced() => {
            tracing::warn!(code = error.code().id, task = name, "{error}");
            Ok(Phase::Due(Instant::now() + RESPITE))
        }
        Err(error) => Err(error),
    }
}

fn unknown(connection: &str) -> KafkaError {
    KafkaError::Settings {
        connection: connection.to_owned(),
        reason: "it is not a Kafka connection of the manifest".to_owned(),
    }
}
