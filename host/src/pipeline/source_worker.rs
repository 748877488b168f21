//! The workers of segment 0: they read the sources, in turns, and stop at a batch boundary when they are told to.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, never, select};

use super::channel::{Control, Event, Fault};
use super::pace::Pace;
use super::plan::Origin;
use super::progress::PartitionProgress;
use super::replay::Delivery;
use super::watermark::Assigner;
use super::worker::Worker;
use crate::checkpoint::{DeadLetter, PartitionCheckpoint};
use crate::plugin::Emission;
use crate::record::{END_OF_TIME, EventTime, NO_EVENT_TIME, START_OF_TIME};
use crate::source::{Partition, Read, ReadBatch};

/// How often partitions are looked at for being idle.
const LOOK: Duration = Duration::from_millis(100);

/// A worker that reads sources.
pub(super) struct SourceWorker {
    pub(super) worker: Worker,
    pub(super) partitions: Vec<Reading>,
    /// By source: where the watermark is made from the transport's own timestamps.
    pub(super) assigners: Vec<Option<Assigner>>,
    pub(super) control: Receiver<Control>,
    /// Something happens when there may be something to read again.
    pub(super) woken: Receiver<()>,
    /// Where dead letters are replayed, nothing is read.
    pub(super) replay: Option<Vec<Delivery>>,
}

/// A partition that is being read.
pub(super) struct Reading {
    /// Its source.
    pub(super) source: usize,
    pub(super) partition: Box<dyn Partition>,
    pub(super) progress: Arc<PartitionProgress>,
    pub(super) standing: Standing,
    /// Of its source: how fast it is read at most, by all workers together.
    pub(super) pace: Option<Arc<Mutex<Pace>>>,
}

/// How far a partition is known to have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There may be more.
    Behind,
    /// There was nothing more when it was looked at.
    CaughtUp,
    /// There will be nothing more.
    Ended,
}

impl SourceWorker {
    /// Reads to the end or until the task goes away.
    pub(super) fn run(&mut self) -> Result<(), Fault> {
        self.worker.restore_watermarks()?;
        if self.replay.is_none() {
            self.start_watermarks()?;
        }
        self.wait_for_others();
        if !self.wait_for_start()? {
            return Ok(());
        }
        let mut next = 0;
        let mut looked = Instant::now();
        let mut told = false;
        for delivery in self.replay.iter_mut().flat_map(std::mem::take) {
            self.worker.deliver(delivery.to, delivery.record)?;
        }
        loop {
            let wait = if self.read_next(&mut next)? {
                Duration::ZERO
            } else {
                self.wait()
            };
            if !self.obey(wait)? {
                return Ok(());
            }
            if !told && self.has_ended() {
                told = true;
                self.end_of_sources()?;
                self.worker.events.send(Event::Ended)?;
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.look_for_idle(looked)?;
            }
        }
    }

    fn has_ended(&self) -> bool {
        let ended = |reading: &Reading| reading.standing == Standing::Ended;
        self.partitions.iter().all(ended)
    }

    /// Reads the next of the partitions, from `next` on, that has something and may be read; gives whether there was one.
    fn read_next(&mut self, next: &mut usize) -> Result<bool, Fault> {
        let count = self.partitions.len();
        for turn in 0..count {
            let local = (*next + turn) % count;
            if self.partitions[local].standing != Standing::Ended && self.read(local)? {
                *next = local + 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How long nothing can be read unless something wakes this worker.
    fn wait(&self) -> Duration {
        let readable = self
            .partitions
            .iter()
            .filter(|reading| reading.standing != Standing::Ended);
        let paces = readable.filter_map(|reading| reading.pace.as_ref());
        let waits = paces.map(|pace| pace.lock().unwrap_or_else(PoisonError::into_inner).wait());
        // An allowance that is there already waits for records, not for time.
        let waits = waits.filter(|wait| !wait.is_zero());
        waits.min().map_or(LOOK, |wait| wait.min(LOOK))
    }

    /// Nothing is read before every worker has said which watermarks it starts from, to whoever is behind it: until then it holds them back as
    /// if it knew of nothing, and a record that was late before the restart would not be late after it. A worker that fails is not waited for.
    fn wait_for_others(&mut self) {
        if let Some(announcing) = self.worker.announcing.take() {
            announcing.wait();
        }
    }

    /// Nothing is read before the task says so: it may want a first checkpoint of how it found the sinks.
    fn wait_for_start(&mut self) -> Result<bool, Fault> {
        match self.control.recv() {
            Ok(Control::Resume) => Ok(true),
            Ok(Control::Checkpoint) => self.stand_still(),
            Ok(Control::Committed) | Err(_) => Ok(false),
        }
    }

    /// Does what the task says; gives false when the task has gone. Waits that long for it, or until woken, if there is nothing to read.
    fn obey(&mut self, wait: Duration) -> Result<bool, Fault> {
        let mut may_be_woken = true;
        let told = if wait.is_zero() {
            match self.control.try_recv() {
                Ok(control) => Some(control),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Ok(false),
            }
        } else {
            select! {
                recv(self.control) -> told => match told {
                    Ok(control) => Some(control),
                    Err(_) => return Ok(false),
                },
                recv(self.woken) -> woken => {
                    may_be_woken = woken.is_ok();
                    None
                }
                default(wait) => None,
            }
        };
        if !may_be_woken {
            // No partition wakes anybody, such as files: what is closed would be ready at once, for ever.
            self.woken = never();
        }
        match told {
            Some(Control::Checkpoint) => self.stand_still(),
            Some(Control::Committed | Control::Resume) | None => Ok(true),
        }
    }

    /// Says what this worker knows and waits until it may go on; gives false when the task has gone.
    fn stand_still(&mut self) -> Result<bool, Fault> {
        let mut flushed = self.worker.flush()?;
        for (local, reading) in self.partitions.iter().enumerate() {
            let checkpoint = self.checkpoint_of(local, reading);
            flushed.partitions.push((
                reading.source,
                reading.partition.name().to_owned(),
                checkpoint,
            ));
        }
        self.worker.router.barrier()?;
        self.worker.events.send(Event::Flushed(flushed))?;
        loop {
            match self.control.recv() {
                Ok(Control::Committed) => self
                    .partitions
                    .iter_mut()
                    .for_each(|reading| reading.partition.committed()),
                Ok(Control::Resume) => {
                    self.worker.go_on()?;
                    return Ok(true);
                }
                Ok(Control::Checkpoint) | Err(_) => return Ok(false),
            }
        }
    }

    fn checkpoint_of(&self, local: usize, reading: &Reading) -> PartitionCheckpoint {
        let plan = &self.worker.shared.plan;
        let of_stages = self.worker.stages.iter().filter_map(|(&stage, worker)| {
            Some((
                plan.stages[stage].name.clone(),
                worker.assigner.as_ref()?.partition(local),
            ))
        });
        let of_sources = self
            .assigners
            .iter()
            .enumerate()
            .filter_map(|(source, assigner)| {
                Some((
                    plan.sources[source].name.clone(),
                    assigner.as_ref()?.partition(local),
                ))
            });
        PartitionCheckpoint {
            position: reading.partition.position(),
            watermarks: of_stages.chain(of_sources).collect(),
        }
    }

    /// Reads a partition, if it may be; gives whether that came to something.
    fn read(&mut self, local: usize) -> Result<bool, Fault> {
        let reading = &mut self.partitions[local];
        let source = reading.source;
        let pace = reading.pace.clone();
        let mut pace = pace
            .as_ref()
            .map(|pace| pace.lock().unwrap_or_else(PoisonError::into_inner));
        let allowance = pace
            .as_mut()
            .map_or(usize::MAX, |pace| pace.allowance(Instant::now()));
        if allowance == 0 {
            reading.standing = Standing::Behind;
            return Ok(false);
        }
        let read = reading.partition.read(allowance)?;
        if let (Some(pace), Read::Records(read)) = (&mut pace, &read) {
            pace.take(read.batch.len() + read.refused.len());
        }
        drop(pace);
        reading.progress.reach(reading.partition.progress());
        reading.standing = match read {
            Read::Nothing => Standing::CaughtUp,
            Read::End => Standing::Ended,
            _ => Standing::Behind,
        };
        match read {
            Read::Records(read) => self.take(local, source + read.output, read)?,
            Read::Silence(output) => self.worker.silence(Origin::Source(source + output))?,
            Read::Nothing | Read::Waiting => return Ok(false),
            Read::Repartitioned => {
                self.worker.events.send(Event::Repartitioned)?;
                return Ok(false);
            }
            Read::End => self.end_of_partition(local)?,
        }
        Ok(true)
    }

    fn take(&mut self, local: usize, source: usize, read: ReadBatch) -> Result<(), Fault> {
        let ReadBatch { batch, refused, .. } = read;
        let records = (batch.len() + refused.len()) as u64;
        self.worker
            .shared
            .progress
            .records
            .fetch_add(records, Relaxed);
        let name = &self.worker.shared.plan.sources[source].name;
        let letters: Vec<_> = refused
            .into_iter()
            .map(|refused| DeadLetter {
                stage: name.clone(),
                port: String::new(),
                code: refused.code.to_owned(),
                message: refused.message,
                record: refused.beginning,
                key: None,
                timestamp: NO_EVENT_TIME,
                plugin: String::new(),
                backtrace: None,
                state: None,
            })
            .collect();
        self.worker.shared.write_dead_letters(&letters)?;
        let origins = (0..).take(batch.len()).collect();
        let mut emission = [Emission {
            port: 0,
            batch,
            origins,
        }];
        if let Some(assigner) = &mut self.assigners[source] {
            assigner.assign(Some(local), &mut emission, Instant::now());
            self.worker.shared.progress.saw(assigner.latest());
        }
        let [emission] = emission;
        self.worker
            .send(Origin::Source(source), emission.batch, Some(local))
    }

    /// Everything behind a source without a watermark of its own waits for the end of that source alone.
    fn end_of_sources(&mut self) -> Result<(), Fault> {
        if self.replay.is_some() {
            return Ok(());
        }
        for source in 0..self.assigners.len() {
            if self.assigners[source].is_none() {
                self.worker.advance(Origin::Source(source), END_OF_TIME)?;
            }
        }
        Ok(())
    }

    fn end_of_partition(&mut self, local: usize) -> Result<(), Fault> {
        self.move_watermarks(|assigner| assigner.end(local))
    }

    fn look_for_idle(&mut self, now: Instant) -> Result<(), Fault> {
        // What waits to be read is not silent, however long the pipeline keeps it waiting.
        for local in 0..self.partitions.len() {
            if self.partitions[local].standing == Standing::Behind {
                self.move_watermarks(|assigner| {
                    assigner.may_be_heard(local, now);
                    None
                })?;
            }
        }
        self.move_watermarks(|assigner| assigner.look_for_idle(now))?;
        self.tell_silence()
    }

    fn tell_silence(&mut self) -> Result<(), Fault> {
        let silent = self.at_assigners(|assigner| assigner.becomes_silent().then_some(()));
        silent
            .into_iter()
            .try_for_each(|(origin, ())| self.worker.silence(origin))
    }

    /// Tells those behind which watermark was reached before the restart, and what was silent.
    fn start_watermarks(&mut self) -> Result<(), Fault> {
        self.move_watermarks(|assigner| {
            let current = assigner.current();
            (current > START_OF_TIME).then_some(current)
        })?;
        self.tell_silence()
    }

    fn move_watermarks(
        &mut self,
        step: impl FnMut(&mut Assigner) -> Option<EventTime>,
    ) -> Result<(), Fault> {
        let moved = self.at_assigners(step);
        moved
            .into_iter()
            .try_for_each(|(origin, watermark)| self.worker.advance(origin, watermark))
    }

    /// What `look` gives at the assigners, of sources and of stages, for each origin that is behind one.
    fn at_assigners<R: Copy>(
        &mut self,
        mut look: impl FnMut(&mut Assigner) -> Option<R>,
    ) -> Vec<(Origin, R)> {
        let mut found = Vec::new();
        for (source, assigner) in self.assigners.iter_mut().enumerate() {
            found.extend(
                assigner
                    .as_mut()
                    .and_then(&mut look)
                    .map(|seen| (Origin::Source(source), seen)),
            );
        }
        let plan = &self.worker.shared.plan;
        for (&stage, worker) in &mut self.worker.stages {
            if let Some(seen) = worker.assigner.as_mut().and_then(&mut look) {
                let ports = plan.stages[stage].component.description().outputs.len();
                found.extend((0..ports).map(|port| (Origin::Stage { stage, port }, seen)));
            }
        }
        found
    }
}
