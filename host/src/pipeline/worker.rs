//! A worker: the stages of one segment on one thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use crossbeam_utils::sync::WaitGroup;

use super::channel::{Event, Fault, Flushed, Signal, ToWorker};
use super::epoch::EpochClock;
use super::halt::Halt;
use super::letter_topic::LetterTopic;
use super::plan::{Origin, Plan, StagePlan};
use super::progress::Progress;
use super::recovery::Site;
use super::reload::tap::Mains;
use super::replay::Recipient;
use super::router::{Call, Router, marks_alone};
use super::stage_worker::{Made, StageWorker};
use super::topology::{Topology, Transport};
use crate::checkpoint::{DeadLetter, Store};
use crate::plugin::{Emission, Instance};
use crate::record::{Batch, EventTime, Mark, START_OF_TIME};

/// What all threads of an attempt share.
pub(super) struct Shared {
    pub(super) plan: Arc<Plan>,
    pub(super) topology: Topology,
    pub(super) store: Arc<Mutex<Store>>,
    /// Where dead letters go, unless they are kept in the store.
    pub(super) letters: Option<LetterTopic>,
    pub(super) progress: Arc<Progress>,
    /// The epoch that is under way.
    pub(super) epoch: Arc<EpochClock>,
    /// Says when the attempt is over.
    pub(super) halt: Halt,
    /// Where copies are taken of what stages work on.
    pub(super) mains: Mutex<Option<Mains>>,
    /// Instances that are to take the place of others at the next batch.
    pub(super) replacements: Mutex<BTreeMap<Site, (StagePlan, Instance)>>,
    /// Whether what is done now may have to be undone: sinks that cannot do that hold it back.
    pub(super) is_on_probation: AtomicBool,
}

impl Shared {
    pub(super) fn write_dead_letters(&self, letters: &[DeadLetter]) -> Result<(), Fault> {
        if letters.is_empty() {
            return Ok(());
        }
        self.progress
            .rejected
            .fetch_add(letters.len() as u64, Relaxed);
        let (epoch, now) = (self.epoch.epoch(), super::clock::now());
        if let Some(topic) = &self.letters {
            return Ok(topic.write(epoch, now, letters)?);
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.write_dead_letters(epoch, now, letters)?;
        Ok(())
    }
}

impl Shared {
    /// Lets these instances go on in the place of those that stand still now.
    pub(super) fn replace(
        &self,
        instances: impl IntoIterator<Item = (usize, usize, StagePlan, Instance)>,
    ) {
        let mut replacements = self
            .replacements
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (stage, worker, plan, instance) in instances {
            replacements.insert(Site { stage, worker }, (plan, instance));
        }
    }

    /// From the next standstill on copies are taken here.
    pub(super) fn tap(&self, mains: Option<Mains>) {
        *self.mains.lock().unwrap_or_else(PoisonError::into_inner) = mains;
    }
}

/// The stages of one segment on one thread.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    pub(super) stages: BTreeMap<usize, StageWorker>,
    pub(super) router: Router,
    pub(super) events: Sender<Event>,
    /// Kept until this worker has said which watermarks it starts from: sources are read when all have.
    pub(super) announcing: Option<WaitGroup>,
}

/// A signal that has arrived at a gate of one of the worker's stages.
struct Arrival {
    edge: usize,
    channel: usize,
    signal: Signal,
    /// The local partition that it comes from, in the workers that read sources.
    partition: Option<usize>,
}

impl Worker {
    /// After a standstill, other instances may have to go on.
    pub(super) fn go_on(&mut self) -> Result<(), Fault> {
        let mut exchanged = Vec::new();
        {
            let shared = Arc::clone(&self.shared);
            let mut replacements = shared
                .replacements
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for (&stage, worker) in &mut self.stages {
                if let Some((plan, instance)) = replacements.remove(&worker.site()) {
                    worker.exchange(plan, instance);
                    exchanged.push(stage);
                }
            }
        }
        exchanged
            .into_iter()
            .try_for_each(|stage| self.restore_watermark(stage))
    }

    /// Before the first record, instances have to know the watermark that the stage had reached.
    pub(super) fn restore_watermarks(&mut self) -> Result<(), Fault> {
        let stages: Vec<usize> = self.stages.keys().copied().collect();
        stages
            .into_iter()
            .try_for_each(|stage| self.restore_watermark(stage))
    }

    fn restore_watermark(&mut self, stage: usize) -> Result<(), Fault> {
        let watermark = self.stages.get(&stage).map(StageWorker::watermark);
        match watermark {
            Some(watermark) if watermark > START_OF_TIME => {
                let batch = Batch::of_mark(watermark);
                self.run(stage, 0, &batch, &batch.marks, None)?;
                self.silence_stage(stage)
            }
            _ => Ok(()),
        }
    }

    /// Works on what other workers send, until they go away.
    pub(super) fn serve(
        &mut self,
        inbox: &Receiver<ToWorker>,
        upstream: usize,
    ) -> Result<(), Fault> {
        let mut barriers = 0;
        let mut stood_still = false;
        while let Ok(message) = inbox.recv() {
            if std::mem::take(&mut stood_still) {
                self.go_on()?;
            }
            match message {
                ToWorker::Deliver { edge, from, signal } => {
                    let known = &self.shared.topology.edges[edge];
                    let exchanged = known.transport == Transport::Exchange;
                    let channel = known.first_channel + if exchanged { from } else { 0 };
                    self.arrive(Arrival {
                        edge,
                        channel,
                        signal,
                        partition: None,
                    })?;
                }
                ToWorker::Barrier => {
                    barriers += 1;
                    if barriers == upstream {
                        barriers = 0;
                        let flushed = self.flush()?;
                        self.router.barrier()?;
                        self.events.send(Event::Flushed(flushed))?;
                        stood_still = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// What this worker knows, all that was sent to it being done.
    pub(super) fn flush(&mut self) -> Result<Flushed, Fault> {
        let mut flushed = Flushed::default();
        let mains = self
            .shared
            .mains
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (&stage, worker) in &mut self.stages {
            let tap = mains.as_ref().and_then(|mains| mains.tap(worker.site()));
            if let Some(tap) = tap {
                worker.tap_with(tap);
            }
            flushed.changes.push((stage, worker.flush()?));
            flushed.watermarks.push((stage, worker.watermark()));
        }
        Ok(flushed)
    }

    /// Sends a batch of an origin of this worker on its way; `partition` is where it comes from.
    pub(super) fn send(
        &mut self,
        origin: Origin,
        batch: Batch,
        partition: Option<usize>,
    ) -> Result<(), Fault> {
        let calls = self.router.send(origin, batch)?;
        self.call(calls, partition)
    }

    /// Gives a record back to whoever refused it.
    pub(super) fn deliver(&mut self, to: Recipient, record: Batch) -> Result<(), Fault> {
        match to {
            Recipient::Stage { stage, input } => self.run(stage, input, &record, &[], None),
            Recipient::Sink(sink) => self.router.send_to_sink(sink, record),
        }
    }

    /// Says that an origin of this worker is silent.
    pub(super) fn silence(&mut self, origin: Origin) -> Result<(), Fault> {
        let calls = self.router.silence(origin)?;
        self.call(calls, None)
    }

    /// Moves the watermark of an origin whose records get their watermark here.
    pub(super) fn advance(&mut self, origin: Origin, watermark: EventTime) -> Result<(), Fault> {
        self.send(origin, Batch::of_mark(watermark), None)
    }

    fn call(&mut self, calls: Vec<Call>, partition: Option<usize>) -> Result<(), Fault> {
        for Call { edge, signal } in calls {
            let channel = self.shared.topology.edges[edge].first_channel;
            self.arrive(Arrival {
                edge,
                channel,
                signal,
                partition,
            })?;
        }
        Ok(())
    }

    fn arrive(&mut self, arrival: Arrival) -> Result<(), Fault> {
        let edge = self.shared.topology.edges[arrival.edge];
        let Some(worker) = self.stages.get_mut(&edge.stage) else {
            return Ok(());
        };
        match arrival.signal {
            Signal::Batch(batch) => {
                let marks = worker.gate.advance(&arrival.channel, &batch.marks);
                if batch.is_empty() && marks.is_empty() {
                    return Ok(());
                }
                self.run(edge.stage, edge.input, &batch, &marks, arrival.partition)
            }
            Signal::Silence => match worker.gate.silence(&arrival.channel) {
                Some(watermark) => {
                    let batch = Batch::of_mark(watermark);
                    self.run(
                        edge.stage,
                        edge.input,
                        &batch,
                        &batch.marks,
                        arrival.partition,
                    )
                }
                None => self.silence_stage(edge.stage),
            },
        }
    }

    /// Says that a stage is silent, if it is.
    fn silence_stage(&mut self, stage: usize) -> Result<(), Fault> {
        let is_silent = |worker: &StageWorker| worker.gate.is_silent() && worker.assigner.is_none();
        if !self.stages.get(&stage).is_some_and(is_silent) {
            return Ok(());
        }
        for port in 0..self.ports(stage) {
            self.silence(Origin::Stage { stage, port })?;
        }
        Ok(())
    }

    pub(super) fn ports(&self, stage: usize) -> usize {
        self.shared.plan.stages[stage]
            .component
            .description()
            .outputs
            .len()
    }

    fn run(
        &mut self,
        stage: usize,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
        partition: Option<usize>,
    ) -> Result<(), Fault> {
        let Some(worker) = self.stages.get_mut(&stage) else {
            return Ok(());
        };
        for made in worker.process(input, batch, marks)? {
            self.pass_on(stage, made, partition)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, stage: usize, made: Made, partition: Option<usize>) -> Result<(), Fault> {
        let Made {
            emissions,
            marks,
            letters,
        } = made;
        self.shared.write_dead_letters(&letters)?;
        let mut by_port: Vec<Emission> = (0..self.ports(stage))
            .map(|port| Emission {
                port,
                batch: marks_alone(&marks),
                origins: Vec::new(),
            })
            .collect();
        for emission in emissions {
            let port = emission.port;
            by_port[port] = emission;
        }
        if let Some(assigner) = self
            .stages
            .get_mut(&stage)
            .and_then(|worker| worker.assigner.as_mut())
        {
            assigner.assign(partition, &mut by_port, Instant::now());
            self.shared.progress.saw(assigner.latest());
        }
        for emission in by_port {
            self.send(
                Origin::Stage {
                    stage,
                    port: emission.port,
                },
                emission.batch,
                partition,
            )?;
        }
        Ok(())
    }
}
