//! A task runs a plan: attempts one after another, checkpoints in between, until the input ends or it is told to stop.

mod recover;
mod reloads;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never};

use super::attempt::{Attempt, Start};
use super::attention::Attention;
use super::backoff::Backoff;
use super::channel::{Control, Event, Fault};
use super::clock::now;
use super::commit::Commitment;
use super::conduct::Conduct;
use super::epoch::EpochClock;
use super::error::TaskError;
use super::gathered::{committed, gather, written};
use super::halt::Halt;
use super::plan::{Plan, SinkPlan, SourceKind, SourcePlan};
use super::progress::{Committed, Progress, TaskState};
use super::recovery::Recovery;
use super::reload::{Command, Note, Proposal, replica::StateChanges};
use super::replay::{Replay, Replayed};
use super::rhythm::Rhythm;
use crate::checkpoint::{Checkpoint, DeadLetterFilter, Location, Store};
use crate::config::{self, OnBreaker};
use crate::connection::Services;
use crate::record::KEY_GROUPS;
pub(super) use reloads::{Answered, Told};
use reloads::{Reloads, Turn};

/// When a checkpoint is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before anything is read: how sources and sinks are found.
    Opening,
    UnderWay,
    /// The pipeline was told to stop.
    Stop,
    /// Everything there was has been worked on.
    End,
}

/// How often it is looked whether sinks have delivered what they took, where that is the end.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a plan.
pub struct Task {
    plan: Arc<Plan>,
    services: Services,
    store: Arc<Mutex<Store>>,
    progress: Arc<Progress>,
    recovery: Recovery,
    backoff: Backoff,
    last: Checkpoint,
    /// What is worked on in place of the sources.
    replay: Option<Replay>,
    /// Whether to be told to stop means to deliver first, the next time.
    delivers_first: Arc<AtomicBool>,
    /// It has been told to stop when all is delivered.
    winds_down: bool,
    /// Other versions of the pipeline, where it can be told of any.
    reloads: Option<Reloads>,
}

/// Everything at a standstill, about to be committed.
struct Still {
    started: Instant,
    checkpoint: Checkpoint,
    changes: Arc<StateChanges>,
}

/// A pipeline that can be told of other versions.
#[derive(Debug)]
pub struct Versioned {
    /// The digest of the version that its plan is of.
    pub version: String,
    /// Where it is told.
    pub commands: Receiver<Command>,
    /// The plan is that of a version on probation, as the last checkpoint says: it was about to take the place of this former one.
    pub probation: Option<Probation>,
}

/// A probation that a process did not see the end of.
#[derive(Debug)]
pub struct Probation {
    /// The version that goes on if the candidate fails.
    pub former: (Plan, Services),
    /// The candidate.
    pub candidate: Proposal,
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
    /// It was told to stop at once: what was done since the last checkpoint will be done again.
    Abandoned,
}

impl Task {
    /// Opens the store of the pipeline and checks that its last checkpoint fits the plan.
    ///
    /// # Errors
    /// [`TaskError`] where it cannot be used or does not fit.
    pub fn open(plan: Plan, location: &Location, services: Services) -> Result<Self, TaskError> {
        let task = Self::of(plan, location, services)?;
        let store = task.store.lock().unwrap_or_else(PoisonError::into_inner);
        super::compatibility::check(&task.plan, &store, &task.last)?;
        drop(store);
        Ok(task)
    }

    /// As [`open`](Self::open), of a pipeline whose version can be exchanged for another while it runs.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_versioned(
        plan: Plan,
        location: &Location,
        services: Services,
        versioned: Versioned,
    ) -> Result<Self, TaskError> {
        let Versioned {
            version,
            commands,
            probation,
        } = versioned;
        // What a candidate does not have any more stays until it has passed.
        let mut task = match probation {
            Some(_) => Self::of(plan, location, services.clone())?,
            None => Self::open(plan, location, services.clone())?,
        };
        let found = (location, task.plan.name.as_str(), &services);
        let reloads = Reloads::new(&version, commands, found, &task.last);
        task.reloads = Some(reloads);
        let note = Note::of(&version).after(task.last.note.as_ref());
        task.progress.reload.runs(&version);
        task.progress.reload.comes_after(note.before);
        if let Some(Probation { former, candidate }) = probation {
            task.resume_probation(former, candidate);
        }
        Ok(task)
    }

    fn of(plan: Plan, location: &Location, services: Services) -> Result<Self, TaskError> {
        let store = Store::open(location, &plan.name, plan.task.as_deref(), &services)?;
        let last = store.latest()?.unwrap_or_default();
        let progress = Progress::new(
            plan.stages.iter().map(|stage| stage.name.clone()),
            plan.parallelism,
            plan.sinks.iter().map(|sink| sink.name.clone()),
        );
        let recovery = Recovery::new(plan.recovery);
        let task = Self {
            plan: Arc::new(plan),
            services,
            store: Arc::new(Mutex::new(store)),
            progress: Arc::new(progress),
            recovery,
            backoff: Backoff::default(),
            last,
            replay: None,
            delivers_first: Arc::default(),
            winds_down: false,
            reloads: None,
        };
        task.progress.commit(committed(&task.last));
        Ok(task)
    }

    /// How far it has come; to be watched from other threads.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Set before it is told to stop, this makes it deliver what its sinks still owe before it does; to be told once more then stops it as otherwise.
    #[must_use]
    pub fn delivers_first(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.delivers_first)
    }

    /// Runs until the input ends, or something comes through `stop`: then what is in flight is finished and committed.
    ///
    /// # Errors
    /// [`TaskError`] where something failed and trying again is of no use.
    pub fn run(&mut self, stop: &Receiver<()>) -> Result<Ending, TaskError> {
        let mut attention = Attention::new(stop);
        let ending = if self.last.complete {
            self.run_complete(&mut attention)
        } else {
            self.run_attempts(&mut attention)
        };
        self.progress.state.enter(TaskState::Ended);
        ending
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
            // Who replays waits for what comes of it, and can do it again.
            self.recovery = Recovery::new(config::Recovery {
                on_breaker: OnBreaker::Stop,
                ..self.plan.recovery
            });
            self.replay = Some(replay);
            self.run_attempts(&mut Attention::new(&never()))?;
            replayed.refused_again = self.last.totals.rejected - rejected;
        }
        Ok(replayed)
    }

    fn run_attempts(&mut self, attention: &mut Attention) -> Result<Ending, TaskError> {
        loop {
            let fault = match self.attempt(attention) {
                Ok(Some(ending)) => {
                    self.close()?;
                    return Ok(ending);
                }
                Ok(None) => {
                    // What a version did that is sent away has not happened.
                    self.roll_back()?;
                    continue;
                }
                Err(Fault::Abandoned) => {
                    self.roll_back()?;
                    return Ok(match attention.is_pressed() {
                        true => Ending::Abandoned,
                        // Nothing had been read yet.
                        false => Ending::Stopped,
                    });
                }
                Err(fault) => fault,
            };
            self.roll_back()?;
            self.progress.restarts.fetch_add(1, Relaxed);
            if self.rolls_back_on(&fault) {
                continue;
            }
            let goes_on = match fault.is_transient() {
                true => self.wait_to_try_again(&fault, attention),
                false => self.recover(fault, attention)?,
            };
            if !goes_on {
                return Ok(Ending::Stopped);
            }
        }
    }

    /// All input was worked on before; what is left to do is to deliver what sinks still owe.
    fn run_complete(&mut self, attention: &mut Attention) -> Result<Ending, TaskError> {
        let ending = self.check_nothing_was_added(attention)?;
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let owes = !store.owed()?.is_empty();
        drop(store);
        if ending != Ending::AlreadyComplete || !owes {
            return Ok(ending);
        }
        self.replay = Some(Replay::default());
        self.run_attempts(attention)
    }

    fn close(&self) -> Result<(), TaskError> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(store.close()?)
    }

    fn roll_back(&mut self) -> Result<(), TaskError> {
        self.progress.state.enter(TaskState::Recovering);
        self.progress.waits.clear();
        self.store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .roll_back()?;
        self.progress.start_over();
        Ok(())
    }

    fn check_nothing_was_added(&self, attention: &mut Attention) -> Result<Ending, TaskError> {
        // What another segment says to a task has an end of its own.
        if self.plan.task.is_some() {
            return Ok(Ending::AlreadyComplete);
        }
        let halt = Halt::default();
        let found = attention.during(&halt, 1, || self.look_for_what_was_added(&halt));
        match found {
            Err(_) if attention.is_told() => Ok(Ending::Stopped),
            found => found.map(|()| Ending::AlreadyComplete),
        }
    }

    fn look_for_what_was_added(&self, halt: &Halt) -> Result<(), TaskError> {
        for plan in &self.plan.sources {
            let restored = self.last.sources.get(&plan.name);
            let opening = crate::source::Opening {
                name: &plan.name,
                restored,
                services: &self.services,
                waits: &self.progress.waits,
                halt,
            };
            let partitions = crate::source::open(&plan.kind, opening)
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

    /// Gives how the run ended, or none if it is to go on with another attempt although nothing failed.
    fn attempt(&mut self, attention: &mut Attention) -> Result<Option<Ending>, Fault> {
        self.progress.attempts.fetch_add(1, Relaxed);
        self.recovery.on_attempt(Instant::now());
        let halt = Halt::default();
        let epoch = self.claim()?;
        let begun = attention.during(&halt, 1, || self.begin(&epoch, &halt));
        self.heed(attention);
        let (commitment, attempt) = match begun {
            Ok((_, attempt)) if attention.is_told() => {
                attempt.stop();
                return Err(Fault::Abandoned);
            }
            Err(_) if attention.is_told() => return Err(Fault::Abandoned),
            begun => begun?,
        };
        let progress = self.progress();
        progress.state.enter(TaskState::Running);
        let (commands, answers) = self.channels();
        self.tell_what_is_bypassed();
        let mut conduct = Conduct {
            attempt: &attempt,
            progress: &progress,
            epoch: &epoch,
            commitment: &commitment,
            halt: &halt,
            attention,
            ended: 0,
            repartitioned: false,
            wanted: false,
            swept: false,
            commands,
            answers,
            told: VecDeque::new(),
            is_new_version: self.is_on_probation(),
        };
        let ending = self.conduct(&mut conduct);
        attempt.stop();
        ending
    }

    /// Takes over the transactions, goes back to the last checkpoint that counts, and starts the threads.
    fn begin(
        &mut self,
        epoch: &Arc<EpochClock>,
        halt: &Halt,
    ) -> Result<(Commitment, Attempt), Fault> {
        let commitment = Commitment::open(&self.plan, &self.services, &self.progress.waits, halt)?;
        let was_decided = self.restore(&commitment)?;
        self.record_roll_back(epoch)?;
        self.choose_version();
        let attempt = Attempt::start(&Start {
            plan: &self.plan,
            store: &self.store,
            progress: &self.progress,
            checkpoint: &self.last,
            services: &self.services,
            epoch,
            transaction: commitment.transaction(),
            precautions: self.recovery.precautions(),
            replay: self.replay.as_ref().map(|replay| &replay.deliveries[..]),
            halt,
            is_on_probation: self.is_on_probation(),
        })?;
        // Not earlier: the sinks have made sure that their topics exist, or have made them.
        if was_decided && let Err(fault) = commitment.make_known(epoch.epoch().saturating_sub(1)) {
            attempt.stop();
            return Err(fault);
        }
        Ok((commitment, attempt))
    }

    /// From here on nobody else can commit anything.
    fn claim(&self) -> Result<Arc<EpochClock>, Fault> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let (epoch, origin) = store.claim()?;
        Ok(Arc::new(EpochClock::new(origin, epoch)))
    }

    /// Goes back to the last checkpoint that counts. Gives whether that was certain, without asking.
    fn restore(&mut self, commitment: &Commitment) -> Result<bool, Fault> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let undecided = store.undecided();
        if let Some(epoch) = undecided {
            store.settle(commitment.counts(epoch)?)?;
        }
        self.last = store.latest()?.unwrap_or_default();
        self.progress.commit(committed(&self.last));
        Ok(undecided.is_none())
    }

    /// Takes checkpoints until the end.
    fn conduct(&mut self, conduct: &mut Conduct<'_>) -> Result<Option<Ending>, Fault> {
        let attempt = conduct.attempt;
        let mut rhythm = Rhythm::new(&self.plan.checkpoint);
        let mut careful = attempt.outstanding.load(Acquire) > 0;
        // A replay is one transaction: it has no checkpoint but the one at its end.
        let alone = self.replay.as_ref().is_some_and(Replay::has_letters);
        if self.is_new() && !careful && !alone {
            // From here on it is known where the sources began and what the sinks held before the first record.
            self.checkpoint(conduct, Moment::Opening)?;
        } else {
            attempt.tell(Control::Resume);
        }
        loop {
            self.heed(conduct.attention);
            if conduct.attention.is_told() {
                self.progress.state.enter(TaskState::Stopping);
                if self.is_on_probation() {
                    // It begins anew at the next start, where its first record was.
                    return Err(Fault::Abandoned);
                }
                self.checkpoint(conduct, Moment::Stop)?;
                return Ok(Some(Ending::Stopped));
            }
            if !careful && self.turn(conduct)? == Turn::Leave {
                return Ok(None);
            }
            let ended = conduct.ended == attempt.controls.len();
            if (ended || self.winds_down) && (alone || self.is_delivered(conduct)?) {
                let (moment, ending) = match ended {
                    true => (Moment::End, Ending::Complete),
                    false => (Moment::Stop, Ending::Stopped),
                };
                self.end_reload_at_end();
                self.checkpoint(conduct, moment)?;
                return Ok(Some(ending));
            }
            if conduct.repartitioned || conduct.wanted {
                self.end_probation();
            }
            let leaves = conduct.repartitioned || self.is_trial_due();
            if leaves && !alone && self.may_take_checkpoints() {
                self.checkpoint(conduct, Moment::Stop)?;
                return Ok(None);
            }
            let passed = careful && attempt.outstanding.load(Acquire) == 0;
            let due = passed || (!careful && (conduct.wanted || rhythm.is_due()));
            if !alone && due && self.may_take_checkpoints() {
                careful = false;
                conduct.wanted = false;
                rhythm.start();
                self.checkpoint(conduct, Moment::UnderWay)?;
                rhythm.end();
            }
            let wait = if careful {
                Duration::from_millis(5)
            } else if conduct.swept {
                LOOK.min(rhythm.wait())
            } else {
                rhythm.wait()
            };
            let wait = wait.min(self.reload_wait()).min(self.until_trial());
            conduct.next(wait)?;
        }
    }

    /// To be told to stop may mean to deliver first.
    fn heed(&mut self, attention: &mut Attention) {
        if attention.is_told() && self.delivers_first.swap(false, Acquire) {
            attention.forget();
            self.winds_down = true;
            self.progress.state.enter(TaskState::Running);
        }
    }

    /// Whether sinks have done all that they do with what is committed. Before the first look, what is in flight is committed.
    fn is_delivered(&mut self, conduct: &mut Conduct<'_>) -> Result<bool, Fault> {
        if !self.plan.sinks.iter().any(SinkPlan::acts_on_commits) {
            return Ok(true);
        }
        if !conduct.swept {
            self.checkpoint(conduct, Moment::UnderWay)?;
            conduct.swept = true;
        }
        Ok(self.progress.is_delivered())
    }

    /// Whether there is a source or sink that the last checkpoint knows nothing of.
    fn is_new(&self) -> bool {
        let known = |sink: &SinkPlan| self.last.sinks.contains_key(&sink.name);
        let read = |source: &SourcePlan| {
            source.kind == SourceKind::SameExchange || self.last.sources.contains_key(&source.name)
        };
        !self.plan.sinks.iter().all(known) || !self.plan.sources.iter().all(read)
    }

    /// Brings everything to a standstill, commits it, and lets it go on if there is more to come. Gives what has changed of the state.
    fn checkpoint(
        &mut self,
        conduct: &mut Conduct<'_>,
        moment: Moment,
    ) -> Result<Arc<StateChanges>, Fault> {
        let still = self.stand_still(conduct, moment)?;
        let changes = Arc::clone(&still.changes);
        self.commit_still(conduct, still, moment)?;
        if matches!(moment, Moment::Opening | Moment::UnderWay) {
            conduct.attempt.tell(Control::Resume);
        }
        self.settle()?;
        Ok(changes)
    }

    fn stand_still(&mut self, conduct: &mut Conduct<'_>, moment: Moment) -> Result<Still, Fault> {
        let started = Instant::now();
        let attempt = conduct.attempt;
        self.progress.begin_standstill();
        attempt.tell(Control::Checkpoint);
        let mut flushed = Vec::new();
        let mut sinks = BTreeMap::new();
        while flushed.len() < attempt.workers || sinks.len() < self.plan.sinks.len() {
            match conduct.next(Duration::MAX)? {
                Some(Event::Flushed(by_worker)) => flushed.push(by_worker),
                Some(Event::Prepared { sink, position }) => {
                    sinks.insert(self.plan.sinks[sink].name.clone(), position);
                }
                _ => {}
            }
        }
        let mut checkpoint = Checkpoint {
            epoch: conduct.epoch.epoch(),
            origin: conduct.epoch.origin(),
            complete: match &self.replay {
                Some(_) => self.last.complete,
                None => moment == Moment::End,
            },
            taken_at: now(),
            pause_micros: 0,
            key_groups: KEY_GROUPS,
            sinks,
            totals: self.progress.totals(),
            note: self.note(moment),
            ..Checkpoint::default()
        };
        if self.replay.is_some() {
            checkpoint.sources = self.last.sources.clone();
        }
        let changes = gather(&self.plan, flushed, &mut checkpoint);
        self.keep_positions(moment, &mut checkpoint);
        let changes = self.changes_to_write(moment, changes)?;
        Ok(Still {
            started,
            checkpoint,
            changes: Arc::new(changes),
        })
    }

    /// Makes it true; the sources stand still until they are told to go on.
    fn commit_still(
        &mut self,
        conduct: &mut Conduct<'_>,
        still: Still,
        moment: Moment,
    ) -> Result<(), Fault> {
        let Still {
            started,
            mut checkpoint,
            changes,
        } = still;
        let epoch = checkpoint.epoch;
        checkpoint.pause_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (halt, commitment) = (conduct.halt, conduct.commitment);
        let committed_well = conduct.attention.during(halt, 2, || {
            self.commit(commitment, &checkpoint, &changes, moment)
        });
        match committed_well {
            Err(_) if conduct.attention.is_pressed() => return Err(Fault::Abandoned),
            committed_well => committed_well?,
        }
        let pause = started.elapsed();
        self.progress.commit(Committed {
            pause,
            written: Some(written(&changes)),
            ..committed(&checkpoint)
        });
        self.progress.checkpoints.fetch_add(1, Relaxed);
        tracing::debug!(epoch, ?pause, "checkpoint");
        self.last = checkpoint;
        self.recovery.on_checkpoint(Instant::now());
        self.backoff.reset();
        self.note_committed(conduct);
        conduct.epoch.begin(epoch + 1);
        conduct.attempt.tell(Control::Committed);
        Ok(())
    }

    /// It may take as long as the changes were many: the pipeline goes on meanwhile.
    fn settle(&self) -> Result<(), Fault> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(store.settle(true)?)
    }

    /// Makes the checkpoint and everything that belongs to its epoch true.
    fn commit(
        &self,
        commitment: &Commitment,
        checkpoint: &Checkpoint,
        changes: &StateChanges,
        moment: Moment,
    ) -> Result<(), Fault> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replay) = self.replay.as_ref().filter(|_| moment == Moment::End) {
            store.remove_dead_letters(&replay.ids)?;
        }
        store.commit(checkpoint, changes, commitment.finality())?;
        commitment.commit(checkpoint.epoch)
    }
}
