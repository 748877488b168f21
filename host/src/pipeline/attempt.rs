//! An attempt: threads with fresh instances that go on from a checkpoint, until they are done, told to stop, or something fails.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use crossbeam_utils::sync::WaitGroup;

use super::channel::{Control, Event, Fault, ToSink, ToWorker, channel};
use super::epoch::EpochClock;
use super::gate::Gate;
use super::halt::Halt;
use super::letter_topic::LetterTopic;
use super::pace::Pace;
use super::plan::Plan;
use super::progress::{PartitionProgress, Progress};
use super::recovery::{Precautions, Site};
use super::replay::Delivery;
use super::router::Router;
use super::sink_worker;
use super::source_worker::{Reading, SourceWorker, Standing};
use super::stage_worker::StageWorker;
use super::topology::Topology;
use super::watermark::{Assigner, Strategy};
use super::worker::{Shared, Worker};
use crate::checkpoint::{Checkpoint, PartitionWatermark, Store};
use crate::connection::Services;
use crate::connection::kafka::Transaction;
use crate::record::START_OF_TIME;
use crate::source::Wake;
use crate::{sink, source};

pub(super) struct Attempt {
    pub(super) controls: Vec<Sender<Control>>,
    pub(super) events: Receiver<Event>,
    /// Instances that still look out for what the last attempt failed on.
    pub(super) outstanding: Arc<AtomicUsize>,
    /// How many workers give a [`Event::Flushed`] at a checkpoint.
    pub(super) workers: usize,
    pub(super) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What is needed to start one.
pub(super) struct Start<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) store: &'a Arc<Mutex<Store>>,
    pub(super) progress: &'a Arc<Progress>,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) services: &'a Services,
    pub(super) epoch: &'a Arc<EpochClock>,
    pub(super) transaction: Option<&'a Arc<Transaction>>,
    pub(super) precautions: &'a Precautions,
    pub(super) halt: &'a Halt,
    /// What is worked on in place of the sources.
    pub(super) replay: Option<&'a [Delivery]>,
    /// Whether what it does may have to be undone.
    pub(super) is_on_probation: bool,
}

/// The ends of the channels between the threads.
struct Wiring {
    workers: Vec<Vec<Sender<ToWorker>>>,
    inboxes: BTreeMap<(usize, usize), Receiver<ToWorker>>,
    sinks: Vec<Sender<ToSink>>,
    sink_inboxes: Vec<Receiver<ToSink>>,
    events: Sender<Event>,
}

impl Wiring {
    fn new(topology: &Topology, sinks: usize, events: Sender<Event>) -> Self {
        let mut inboxes = BTreeMap::new();
        let workers = (0..topology.segments)
            .map(|segment| {
                let open = |worker| {
                    let (sender, receiver) = channel();
                    inboxes.insert((segment, worker), receiver);
                    sender
                };
                if segment == 0 {
                    Vec::new()
                } else {
                    (0..topology.workers).map(open).collect()
                }
            })
            .collect();
        let (sinks, sink_inboxes) = (0..sinks).map(|_| channel()).unzip();
        Self {
            workers,
            inboxes,
            sinks,
            sink_inboxes,
            events,
        }
    }
}

impl Attempt {
    /// Restores everything and starts the threads.
    pub(super) fn start(start: &Start<'_>) -> Result<Self, Fault> {
        let (events, received) = unbounded();
        let topology = Topology::of(start.plan);
        let wiring = Wiring::new(&topology, start.plan.sinks.len(), events);
        let letters = LetterTopic::open(
            start.plan,
            start.services,
            start.transaction,
            &start.progress.waits,
            start.halt,
        )?;
        let shared = Arc::new(Shared {
            plan: Arc::clone(start.plan),
            topology,
            store: Arc::clone(start.store),
            letters,
            progress: Arc::clone(start.progress),
            epoch: Arc::clone(start.epoch),
            halt: start.halt.clone(),
            mains: Mutex::default(),
            replacements: Mutex::default(),
            is_on_probation: AtomicBool::new(start.is_on_probation),
        });
        let outstanding = Arc::new(AtomicUsize::new(0));
        let workers = start.workers(&shared, &wiring, &outstanding)?;
        let mut attempt = Self {
            controls: Vec::new(),
            events: received,
            outstanding,
            workers: workers.len(),
            shared,
            threads: Vec::new(),
        };
        match attempt.start_threads(start, wiring, workers) {
            Ok(()) => Ok(attempt),
            Err(fault) => {
                // Sinks that were started already may be waiting for something outside.
                attempt.stop();
                Err(fault)
            }
        }
    }

    fn start_threads(
        &mut self,
        start: &Start<'_>,
        mut wiring: Wiring,
        workers: BTreeMap<(usize, usize), Worker>,
    ) -> Result<(), Fault> {
        let shared = Arc::clone(&self.shared);
        self.start_sinks(start, &shared, &mut wiring)?;
        let mut partitions = start.partitions(&shared)?;
        for ((segment, index), worker) in workers {
            if segment == 0 {
                let mine = std::mem::take(&mut partitions[index]);
                self.start_source_worker(start, worker, mine);
            } else if let Some(inbox) = wiring.inboxes.remove(&(segment, index)) {
                let upstream = shared.topology.upstream(segment).len() * shared.topology.workers;
                self.start_worker(format!("worker {segment}.{index}"), worker, inbox, upstream);
            }
        }
        Ok(())
    }

    /// Tells all who read sources.
    pub(super) fn tell(&self, control: Control) {
        for controlled in &self.controls {
            // A worker that has gone has said why.
            let _ = controlled.send(control);
        }
    }

    /// Ends the attempt: whatever its threads are doing, they find that nobody listens and go away.
    pub(super) fn stop(self) {
        self.shared.halt.halt();
        drop(self.controls);
        for thread in self.threads {
            // A thread's panic has been reported as an event.
            let _ = thread.join();
        }
    }

    fn start_sinks(
        &mut self,
        start: &Start<'_>,
        shared: &Arc<Shared>,
        wiring: &mut Wiring,
    ) -> Result<(), Fault> {
        for (index, inbox) in wiring.sink_inboxes.drain(..).enumerate() {
            let plan = &start.plan.sinks[index];
            let opening = sink::Opening {
                pipeline: &start.plan.name,
                task: start.plan.task.as_deref(),
                name: &plan.name,
                index,
                position: start.checkpoint.sinks.get(&plan.name),
                store: start.store,
                services: start.services,
                epoch: start.epoch,
                transaction: start.transaction,
                is_replay: start.replay.is_some_and(|letters| !letters.is_empty()),
                progress: start.progress,
                waits: &start.progress.waits,
                halt: &shared.halt,
            };
            let mut sink = sink::open(&plan.kind, opening)?;
            let segments: std::collections::BTreeSet<_> = plan
                .from
                .iter()
                .map(|&origin| shared.topology.segment_of_origin(origin))
                .collect();
            let upstream = segments.len() * shared.topology.workers;
            let (shared, events) = (Arc::clone(shared), wiring.events.clone());
            self.spawn(
                format!("sink {}", plan.name),
                wiring.events.clone(),
                move || sink_worker::run(&shared, index, &mut *sink, upstream, &inbox, &events),
            );
        }
        Ok(())
    }

    fn start_source_worker(
        &mut self,
        start: &Start<'_>,
        mut worker: Worker,
        mut partitions: Vec<Reading>,
    ) {
        // Two: after a commit a worker is told that it happened, and to go on.
        let (control, controlled) = bounded(2);
        self.controls.push(control);
        let (wake, woken) = Wake::new();
        for reading in &mut partitions {
            reading.partition.wake_with(wake.clone());
        }
        let events = worker.events.clone();
        let restored = Restored {
            checkpoint: start.checkpoint,
            plan: start.plan,
            partitions: &partitions,
        };
        let topology = &worker.shared.topology;
        for (&stage, worker) in &mut worker.stages {
            let plan = &start.plan.stages[stage];
            let sources = topology.sources_of(stage);
            worker.assigner = plan.watermark.as_ref().map(|strategy| {
                restored.assigner(&plan.name, strategy, |source| sources.contains(&source))
            });
        }
        let assigners = start.plan.sources.iter().enumerate().map(|(index, plan)| {
            let strategy = plan.watermark.as_ref()?;
            Some(restored.assigner(&plan.name, strategy, |source| source == index))
        });
        let assigners = assigners.collect();
        let name = format!("source worker {}", worker.index);
        let replay = start.replay.map(<[Delivery]>::to_vec);
        let mut reader = SourceWorker {
            worker,
            partitions,
            assigners,
            control: controlled,
            woken,
            replay,
        };
        self.spawn(name, events, move || reader.run());
    }

    fn start_worker(
        &mut self,
        name: String,
        mut worker: Worker,
        inbox: Receiver<ToWorker>,
        upstream: usize,
    ) {
        let events = worker.events.clone();
        self.spawn(name, events, move || {
            worker.restore_watermarks()?;
            worker.announcing = None;
            worker.serve(&inbox, upstream)
        });
    }

    fn spawn(
        &mut self,
        name: String,
        events: Sender<Event>,
        mut body: impl FnMut() -> Result<(), Fault> + Send + 'static,
    ) {
        let known = name.clone();
        let reported = events.clone();
        let run = move || {
            let ended = catch_unwind(AssertUnwindSafe(&mut body))
                .unwrap_or_else(|panic| Err(Fault::Thread(known.clone(), words_of(&*panic))));
            if let Err(fault) = ended {
                // If nobody listens any more, the attempt is over for another reason.
                let _ = reported.send(Event::Failed(fault));
            }
        };
        match thread::Builder::new().name(name.clone()).spawn(run) {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                let _ = events.send(Event::Failed(Fault::Thread(name, error.to_string())));
            }
        }
    }
}

impl Start<'_> {
    /// One worker for each segment and index, its instances started and given their state.
    fn workers(
        &self,
        shared: &Arc<Shared>,
        wiring: &Wiring,
        outstanding: &Arc<AtomicUsize>,
    ) -> Result<BTreeMap<(usize, usize), Worker>, Fault> {
        let topology = &shared.topology;
        let announcing = WaitGroup::new();
        let mut workers = BTreeMap::new();
        for segment in 0..topology.segments {
            for index in 0..topology.workers {
                let router = Router::new(
                    self.plan,
                    topology,
                    segment,
                    index,
                    &wiring.workers,
                    &wiring.sinks,
                );
                let (shared, events) = (Arc::clone(shared), wiring.events.clone());
                let worker = Worker {
                    shared,
                    index,
                    stages: BTreeMap::new(),
                    router,
                    events,
                    announcing: Some(announcing.clone()),
                };
                workers.insert((segment, index), worker);
            }
        }
        for stage in 0..self.plan.stages.len() {
            let mut instances = Vec::with_capacity(topology.workers);
            for index in 0..topology.workers {
                if let Some(worker) = workers.get(&(topology.segment_of[stage], index)) {
                    instances.push(self.stage(stage, worker, outstanding)?);
                }
            }
            self.load(stage, &mut instances)?;
            for (index, instance) in instances.into_iter().enumerate() {
                if let Some(worker) = workers.get_mut(&(topology.segment_of[stage], index)) {
                    worker.stages.insert(stage, instance);
                }
            }
        }
        Ok(workers)
    }

    /// Gives the instances of a stage what it remembers.
    fn load(&self, stage: usize, instances: &mut [StageWorker]) -> Result<(), Fault> {
        if self.precautions.bypassed.contains_key(&stage) {
            return Ok(());
        }
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &self.plan.stages[stage].name;
        store.load(name, instances.len(), |worker, part| {
            instances[worker].load(part)
        })
    }

    fn stage(
        &self,
        stage: usize,
        worker: &Worker,
        outstanding: &Arc<AtomicUsize>,
    ) -> Result<StageWorker, Fault> {
        let plan = &self.plan.stages[stage];
        let connected = self.plan.consumed_ports(stage);
        let watermark = self
            .checkpoint
            .stages
            .get(&plan.name)
            .map_or(START_OF_TIME, |known| known.watermark);
        let gate = Gate::new(worker.shared.topology.channels(stage), watermark);
        let site = Site {
            stage,
            worker: worker.index,
        };
        if let Some(reason) = self.precautions.bypassed.get(&stage) {
            let reason = reason.clone();
            return Ok(StageWorker::bypassed(
                plan,
                site,
                gate,
                self.progress,
                reason,
            ));
        }
        let mut started = StageWorker::start(plan, site, &connected, gate, self.progress)?;
        started.take_precautions(self.precautions, self.store, outstanding);
        Ok(started)
    }

    /// The partitions of all sources, for each worker of segment 0.
    fn partitions(&self, shared: &Shared) -> Result<Vec<Vec<Reading>>, Fault> {
        let mut partitions: Vec<Vec<Reading>> =
            (0..shared.topology.workers).map(|_| Vec::new()).collect();
        let mut progress = Vec::new();
        if self.replay.is_some() {
            return Ok(partitions);
        }
        for (source, plan) in self.plan.sources.iter().enumerate() {
            let restored = self.checkpoint.sources.get(&plan.name);
            let pace = plan
                .rate_limit
                .map(|limit| Arc::new(Mutex::new(Pace::new(limit, Instant::now()))));
            let opening = source::Opening {
                name: &plan.name,
                restored,
                services: self.services,
                waits: &self.progress.waits,
                halt: &shared.halt,
            };
            for partition in source::open(&plan.kind, opening)? {
                let worker = progress.len() % shared.topology.workers;
                progress.push(Arc::new(PartitionProgress::of(&plan.name, &*partition)));
                partitions[worker].push(Reading {
                    source,
                    progress: Arc::clone(&progress[progress.len() - 1]),
                    partition,
                    standing: Standing::Behind,
                    pace: pace.clone(),
                });
            }
        }
        self.progress.reads(progress);
        Ok(partitions)
    }
}

/// What a checkpoint knows of the partitions of one worker.
struct Restored<'a> {
    checkpoint: &'a Checkpoint,
    plan: &'a Plan,
    partitions: &'a [Reading],
}

impl Restored<'_> {
    /// An assigner, of a stage or source of that name, for the partitions of the sources that `feeds` says.
    fn assigner(&self, name: &str, strategy: &Strategy, feeds: impl Fn(usize) -> bool) -> Assigner {
        let known: Vec<Option<PartitionWatermark>> = self
            .partitions
            .iter()
            .map(|reading| self.watermark(name, reading))
            .collect();
        let mut assigner = Assigner::new(strategy.clone(), &known, Instant::now());
        for (local, reading) in self.partitions.iter().enumerate() {
            if !feeds(reading.source) {
                assigner.end(local);
            }
        }
        assigner
    }

    fn watermark(&self, name: &str, reading: &Reading) -> Option<PartitionWatermark> {
        let partitions = self
            .checkpoint
            .sources
            .get(&self.plan.sources[reading.source].name)?;
        partitions
            .get(reading.partition.name())?
            .watermarks
            .get(name)
            .copied()
    }
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it gave no reason".to_owned())
}
