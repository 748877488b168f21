//! A task runs a plan: attempts one after another, checkpoints in between, until the input ends or it is told to stop.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};

use super::attempt::{Attempt, Start};
use super::channel::{Control, Event, Fault, Flushed, PluginFault};
use super::clock::now;
use super::error::TaskError;
use super::plan::Plan;
use super::progress::{Committed, Progress};
use super::recovery::{Decision, Recovery};
use super::replay::{Replay, Replayed};
use super::rhythm::Rhythm;
use crate::checkpoint::{Checkpoint, DeadLetterFilter, StageCheckpoint, Store};
use crate::plugin::Changes;
use crate::record::KEY_GROUPS;

/// When a checkpoint is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    UnderWay,
    /// The pipeline was told to stop.
    Stop,
    /// Everything there was has been worked on.
    End,
}

/// Runs a plan.
pub struct Task {
    plan: Arc<Plan>,
    store: Arc<Mutex<Store>>,
    progress: Arc<Progress>,
    recovery: Recovery,
    last: Checkpoint,
    replay: Option<Replay>,
}

/// How a run ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All input was read and worked on.
    Complete,
    /// That had been so before.
    AlreadyComplete,
    /// It was told to stop, and committed what it had done.
    Stopped,
}

impl Task {
    /// Opens the database of the pipeline and checks that its last checkpoint fits the plan.
    ///
    /// # Errors
    /// [`TaskError`] where it cannot be used or does not fit.
    pub fn open(plan: Plan) -> Result<Self, TaskError> {
        let store = Store::open(&plan.checkpoint.path, &plan.name)?;
        let last = store.latest()?.unwrap_or_default();
        super::compatibility::check(&plan, &store, &last)?;
        let progress = Progress::new(
            plan.stages.iter().map(|stage| stage.name.clone()),
            plan.parallelism,
        );
        let recovery = Recovery::new(plan.maximum_restarts);
        let task = Self {
            plan: Arc::new(plan),
            store: Arc::new(Mutex::new(store)),
            progress: Arc::new(progress),
            recovery,
            last,
            replay: None,
        };
        task.progress.commit(committed(&task.last));
        Ok(task)
    }

    /// How far it has come; to be watched from other threads.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Runs until the input ends, or something comes through `stop`: then what is in flight is finished and committed.
    ///
    /// # Errors
    /// [`TaskError`] where something failed and trying again is of no use.
    pub fn run(&mut self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        if self.last.complete {
            self.check_nothing_was_added()?;
            self.check_sinks()?;
            return Ok(Ending::AlreadyComplete);
        }
        self.run_attempts(stop)
    }

    /// Gives the dead letters that `filter` lets through back to the stages and sinks that refused them. They leave the queue in the
    /// transaction that commits what became of them; a record that is refused again is a new dead letter.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn replay(mut self, filter: &DeadLetterFilter) -> Result<Replayed, TaskError> {
        let letters = self
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .dead_letters(filter)?;
        let (replay, kept) = Replay::of(letters, &self.plan);
        let mut replayed = Replayed {
            replayed: replay.ids.len(),
            kept,
            ..Replayed::default()
        };
        let rejected = self.last.totals.rejected;
        if replayed.replayed > 0 {
            // One worker sees all: the order in which letters are given back is the order of their ids.
            self.plan = Arc::new(Plan {
                parallelism: 1,
                ..(*self.plan).clone()
            });
            self.replay = Some(replay);
            self.run_attempts(&never())?;
            replayed.refused_again = self.last.totals.rejected - rejected;
        }
        Ok(replayed)
    }

    fn run_attempts(&mut self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        loop {
            let fault = match self.attempt(stop) {
                Ok(ending) => return Ok(ending),
                Err(fault) => fault,
            };
            self.store
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .roll_back()?;
            self.progress.start_over();
            self.progress.restarts.fetch_add(1, Relaxed);
            self.recover(fault)?;
        }
    }

    fn check_nothing_was_added(&self) -> Result<(), TaskError> {
        for plan in &self.plan.sources {
            let restored = self.last.sources.get(&plan.name);
            let partitions = crate::source::open(&plan.name, &plan.kind, restored)
                .map_err(|error| TaskError::Failed(error.into()))?;
            let known = |name: &str| restored.is_some_and(|restored| restored.contains_key(name));
            if let Some(added) = partitions.iter().find(|partition| !known(partition.name())) {
                let (source_name, partition) = (plan.name.clone(), added.name().to_owned());
                return Err(TaskError::Failed(
                    crate::source::SourceError::Added {
                        source_name,
                        partition,
                    }
                    .into(),
                ));
            }
        }
        Ok(())
    }

    /// What was written is still there.
    fn check_sinks(&self) -> Result<(), TaskError> {
        for plan in &self.plan.sinks {
            crate::sink::open(
                &plan.name,
                &plan.kind,
                self.last.sinks.get(&plan.name),
                &self.store,
            )
            .map_err(|error| TaskError::Failed(error.into()))?;
        }
        Ok(())
    }

    /// Decides whether another attempt is worth while.
    fn recover(&mut self, fault: Fault) -> Result<(), TaskError> {
        let Fault::Plugin(by_plugin) = &fault else {
            return Err(TaskError::Failed(fault));
        };
        let PluginFault {
            site,
            suspect,
            failure,
            stage,
            digest,
            ..
        } = &**by_plugin;
        let decision = self.recovery.on_failure(*site, suspect.clone(), failure);
        if let Some(backtrace) = &failure.backtrace {
            tracing::debug!(stage, "{backtrace}");
        }
        match decision {
            Decision::Restart => {
                let (code, epoch) = (fault.code().id, self.last.epoch);
                tracing::warn!(
                    code,
                    stage,
                    plugin = digest,
                    "{fault}; going back to checkpoint {epoch}"
                );
                Ok(())
            }
            Decision::Stop(after) => Err(TaskError::GivenUp { fault, after }),
        }
    }

    fn attempt(&mut self, stop: &Receiver<()>) -> Result<Ending, Fault> {
        let attempt = Attempt::start(&Start {
            plan: &self.plan,
            store: &self.store,
            progress: &self.progress,
            checkpoint: &self.last,
            precautions: self.recovery.precautions(),
            replay: self.replay.as_ref().map(|replay| &replay.deliveries[..]),
        })?;
        let ending = self.conduct(&attempt, stop);
        attempt.stop();
        ending
    }

    /// Takes checkpoints until the end.
    fn conduct(&mut self, attempt: &Attempt, stop: &Receiver<()>) -> Result<Ending, Fault> {
        let mut rhythm = Rhythm::new(&self.plan.checkpoint);
        let mut ended = 0;
        let mut careful = attempt.outstanding.load(Acquire) > 0;
        // A replay is one transaction: it has no checkpoint but the one at its end.
        let alone = self.replay.is_some();
        let unknown = self
            .plan
            .sinks
            .iter()
            .any(|sink| !self.last.sinks.contains_key(&sink.name));
        if unknown && !careful && !alone {
            // From here on it is known what the sinks held before the first record.
            self.checkpoint(attempt, &mut ended, Moment::UnderWay)?;
        } else {
            attempt.resume();
        }
        let told_to_stop = never();
        let mut stop = stop;
        loop {
            if ended == attempt.controls.len() {
                self.checkpoint(attempt, &mut ended, Moment::End)?;
                return Ok(Ending::Complete);
            }
            let passed = careful && attempt.outstanding.load(Acquire) == 0;
            if !alone && (passed || (!careful && rhythm.is_due())) {
                careful = false;
                rhythm.start();
                self.checkpoint(attempt, &mut ended, Moment::UnderWay)?;
                rhythm.end();
            }
            let wait = if careful {
                Duration::from_millis(5)
            } else {
                rhythm.wait()
            };
            select! {
                recv(attempt.events) -> event => self.on_event(event.map_err(|_| Fault::Disconnected)?, &mut ended)?,
                recv(stop) -> told => match told {
                    Ok(()) => {
                        self.checkpoint(attempt, &mut ended, Moment::Stop)?;
                        return Ok(Ending::Stopped);
                    }
                    Err(_) => stop = &told_to_stop,
                },
                default(wait) => {}
            }
        }
    }

    #[expect(
        clippy::unused_self,
        reason = "events that concern the task itself come with its next parts"
    )]
    fn on_event(&self, event: Event, ended: &mut usize) -> Result<(), Fault> {
        match event {
            Event::Ended => *ended += 1,
            Event::Failed(fault) => return Err(fault),
            Event::Flushed(_) | Event::Prepared { .. } => {}
        }
        Ok(())
    }

    /// Brings everything to a standstill, commits it, and lets it go on if there is more to come.
    fn checkpoint(
        &mut self,
        attempt: &Attempt,
        ended: &mut usize,
        moment: Moment,
    ) -> Result<(), Fault> {
        let started = Instant::now();
        for control in &attempt.controls {
            // A worker that has gone has said why, which is read below.
            let _ = control.send(Control::Checkpoint);
        }
        let mut flushed = Vec::new();
        let mut sinks = BTreeMap::new();
        while flushed.len() < attempt.workers || sinks.len() < self.plan.sinks.len() {
            match attempt.events.recv().map_err(|_| Fault::Disconnected)? {
                Event::Flushed(by_worker) => flushed.push(by_worker),
                Event::Prepared { sink, position } => {
                    sinks.insert(self.plan.sinks[sink].name.clone(), position);
                }
                other => self.on_event(other, ended)?,
            }
        }
        let mut checkpoint = Checkpoint {
            epoch: self.last.epoch + 1,
            complete: moment == Moment::End && (self.replay.is_none() || self.last.complete),
            taken_at: now(),
            pause_micros: 0,
            key_groups: KEY_GROUPS,
            sinks,
            totals: self.progress.totals(),
            ..Checkpoint::default()
        };
        if self.replay.is_some() {
            checkpoint.sources = self.last.sources.clone();
        }
        let changes = gather(&self.plan, flushed, &mut checkpoint);
        checkpoint.pause_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replay) = self.replay.as_ref().filter(|_| moment == Moment::End) {
            store.remove_dead_letters(&replay.ids)?;
        }
        store.commit(&checkpoint, &changes)?;
        drop(store);
        let pause = started.elapsed();
        self.progress.commit(Committed {
            pause,
            ..committed(&checkpoint)
        });
        tracing::debug!(epoch = checkpoint.epoch, ?pause, "checkpoint");
        self.last = checkpoint;
        self.recovery.on_checkpoint();
        attempt.begin_epoch(self.last.epoch + 1);
        if moment == Moment::UnderWay {
            attempt.resume();
        }
        Ok(())
    }
}

fn committed(checkpoint: &Checkpoint) -> Committed {
    Committed {
        epoch: checkpoint.epoch,
        taken_at: checkpoint.taken_at,
        pause: Duration::from_micros(checkpoint.pause_micros),
        totals: checkpoint.totals,
    }
}

/// Puts what the workers know into the checkpoint; gives the changes of state.
fn gather(
    plan: &Plan,
    flushed: Vec<Flushed>,
    checkpoint: &mut Checkpoint,
) -> Vec<(String, u32, Changes)> {
    let mut changes = Vec::new();
    for worker in flushed {
        for (stage, watermark) in worker.watermarks {
            let plan = &plan.stages[stage];
            let known = StageCheckpoint {
                digest: plan.component.digest().to_owned(),
                state_version: plan.component.description().state_version,
                watermark,
            };
            let stage = checkpoint.stages.entry(plan.name.clone()).or_insert(known);
            stage.watermark = stage.watermark.min(watermark);
        }
        for (source, partition, position) in worker.partitions {
            let source = plan.sources[source].name.clone();
            checkpoint
                .sources
                .entry(source)
                .or_default()
                .insert(partition, position);
        }
        changes.extend(worker.changes.into_iter().map(|(stage, changes)| {
            let plan = &plan.stages[stage];
            (
                plan.name.clone(),
                plan.component.description().state_version,
                changes,
            )
        }));
    }
    changes
}
