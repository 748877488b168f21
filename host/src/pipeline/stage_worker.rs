//! One instance of a stage inside a worker: what it is fed, what becomes of what it says, and whom to blame when it fails.

mod watch;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::channel::{Fault, PluginFault};
use super::gate::Gate;
use super::plan::StagePlan;
use super::progress::{Progress, StageProgress};
use super::recovery::{Site, Suspect};
use super::reload::tap::Tap;
use super::watermark::Assigner;
use crate::checkpoint::DeadLetter;
use crate::plugin::{Changes, Emission, Entries, Failure, Instance, Output};
use crate::record::{Batch, EventTime, Mark, Record, START_OF_TIME};

use watch::Watch;

/// The code of records that reached a stage while its breaker was open.
const BYPASSED: &str = "breaker-open";

/// The code with which plugins refuse records that come behind the watermark.
const LATE: &str = "late";

pub(super) struct StageWorker {
    plan: StagePlan,
    site: Site,
    /// None while the stage's breaker is open.
    instance: Option<Instance>,
    /// Why there is none.
    bypassed: String,
    pub(super) gate: Gate,
    /// Where the watermark of its outputs is made.
    pub(super) assigner: Option<Assigner>,
    watch: Option<Watch>,
    /// Records that the instance was fed since the checkpoint.
    fed: u64,
    cpu_time: Duration,
    progress: Arc<Progress>,
    of_stage: Arc<StageProgress>,
    /// Gives copies of what the instance is fed and makes.
    tap: Option<Tap>,
}

/// What a stage made of a batch, or of a part of one.
#[derive(Default)]
pub(super) struct Made {
    pub(super) emissions: Vec<Emission>,
    /// The marks of the part, which stand for ports without records.
    pub(super) marks: Vec<Mark>,
    pub(super) letters: Vec<DeadLetter>,
}

impl StageWorker {
    /// Starts an instance and gives it its configuration.
    pub(super) fn start(
        plan: &StagePlan,
        site: Site,
        connected: &[u32],
        gate: Gate,
        progress: &Arc<Progress>,
    ) -> Result<Self, Fault> {
        let instance = plan
            .instance(connected)
            .map_err(|failure| fault(plan, site, failure, Suspect::None))?;
        let mut worker = Self::bypassed(plan, site, gate, progress, String::new());
        worker.instance = Some(instance);
        Ok(worker)
    }

    /// Without an instance: records go to the dead-letter queue, the watermark goes on, and the state stays as it is.
    pub(super) fn bypassed(
        plan: &StagePlan,
        site: Site,
        gate: Gate,
        progress: &Arc<Progress>,
        reason: String,
    ) -> Self {
        Self {
            plan: plan.clone(),
            site,
            instance: None,
            bypassed: reason,
            gate,
            assigner: None,
            watch: None,
            fed: 0,
            cpu_time: Duration::ZERO,
            progress: Arc::clone(progress),
            of_stage: Arc::clone(&progress.stages()[site.stage]),
            tap: None,
        }
    }

    /// From now on copies are taken of what the instance is fed. The first is the watermark that it has reached.
    pub(super) fn tap_with(&mut self, tap: Tap) {
        let reached = Batch::of_mark(self.gate.current());
        if self.gate.current() > START_OF_TIME {
            tap.take(
                (0, &reached, &reached.marks),
                &Output::default(),
                Duration::ZERO,
            );
        }
        self.tap = Some(tap);
    }

    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Another instance, of another version of the stage, goes on: at a standstill, with the state of this one.
    pub(super) fn exchange(&mut self, plan: StagePlan, instance: Instance) {
        self.plan = plan;
        self.instance = Some(instance);
        self.cpu_time = Duration::ZERO;
        self.tap = None;
    }

    /// Gives the instance a part of its state.
    pub(super) fn load(&mut self, part: &Entries) -> Result<(), Fault> {
        let Some(instance) = &mut self.instance else {
            return Ok(());
        };
        instance
            .load(part)
            .map_err(|failure| fault(&self.plan, self.site, failure, Suspect::None))
    }

    /// Works on a batch of the input with that index. Gives what it made of it, part by part.
    pub(super) fn process(
        &mut self,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
    ) -> Result<Vec<Made>, Fault> {
        self.progress()
            .records_in
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        let made = match self.watch.is_some() {
            true => self.process_watchfully(input, batch, marks)?,
            false => vec![self.feed(input, batch, marks)?],
        };
        let written: usize = made
            .iter()
            .flat_map(|made| &made.emissions)
            .map(|emission| emission.batch.len())
            .sum();
        let cpu_time = self
            .instance
            .as_ref()
            .map_or(Duration::ZERO, Instance::cpu_time);
        let spent = cpu_time.saturating_sub(std::mem::replace(&mut self.cpu_time, cpu_time));
        let progress = self.progress();
        progress
            .records_out
            .fetch_add(written as u64, Ordering::Relaxed);
        progress.cpu_nanos.fetch_add(
            u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        progress.reach(self.site.worker, self.gate.current());
        Ok(made)
    }

    /// What the instance remembers otherwise than at the last flush.
    pub(super) fn flush(&mut self) -> Result<Changes, Fault> {
        let mut changes = self.flush_instance()?;
        if let Some(watch) = self.watch.take() {
            changes = watch.merge(&changes);
        }
        let mut inputs = self.plan.component.description().inputs.iter();
        let keyed = inputs.any(|port| port.keyed);
        let remembers = !changes.keys.is_empty() || !changes.forgotten.is_empty();
        if remembers && !keyed {
            return Err(Fault::StateWithoutKey {
                stage: self.plan.name.clone(),
            });
        }
        self.fed = 0;
        Ok(changes)
    }

    fn flush_instance(&mut self) -> Result<Changes, Fault> {
        let Some(instance) = &mut self.instance else {
            return Ok(Changes::default());
        };
        instance
            .flush()
            .map_err(|failure| fault(&self.plan, self.site, failure, Suspect::None))
    }

    pub(super) fn watermark(&self) -> EventTime {
        self.gate.current()
    }

    fn progress(&self) -> &StageProgress {
        &self.of_stage
    }

    fn feed(&mut self, input: usize, batch: &Batch, marks: &[Mark]) -> Result<Made, Fault> {
        let suspect = match batch.is_empty() {
            true => Suspect::None,
            false => Suspect::Batch(self.fed..self.fed + batch.len() as u64),
        };
        self.call(input, batch, marks)
            .map_err(|failure| fault(&self.plan, self.site, failure, suspect))
    }

    fn call(&mut self, input: usize, batch: &Batch, marks: &[Mark]) -> Result<Made, Failure> {
        let Some(instance) = &mut self.instance else {
            return Ok(self.set_aside(input, batch, marks));
        };
        let before = instance.cpu_time();
        let output = instance.process(input, batch, marks)?;
        if let Some(tap) = &self.tap {
            let spent = instance.cpu_time().saturating_sub(before);
            if !tap.take((input, batch, marks), &output, spent) {
                self.tap = None;
            }
        }
        self.fed += batch.len() as u64;
        Ok(self.made(input, batch, marks, output))
    }

    /// What becomes of a batch while the stage's breaker is open.
    fn set_aside(&self, input: usize, batch: &Batch, marks: &[Mark]) -> Made {
        let letter = |index| {
            let message = self.bypassed.clone();
            self.letter(input, batch.record(index), BYPASSED.to_owned(), message)
        };
        Made {
            emissions: Vec::new(),
            marks: marks.to_vec(),
            letters: (0..batch.len()).map(letter).collect(),
        }
    }

    fn made(&self, input: usize, batch: &Batch, marks: &[Mark], output: Output) -> Made {
        let late = output
            .rejections
            .iter()
            .filter(|rejection| rejection.code == LATE)
            .count();
        self.progress.late.fetch_add(late as u64, Ordering::Relaxed);
        let letters = output
            .rejections
            .into_iter()
            .map(|rejection| {
                self.letter(
                    input,
                    batch.record(rejection.index),
                    rejection.code,
                    rejection.message,
                )
            })
            .collect();
        Made {
            emissions: output.emissions,
            marks: marks.to_vec(),
            letters,
        }
    }

    fn letter(
        &self,
        input: usize,
        record: Record<'_>,
        code: String,
        message: String,
    ) -> DeadLetter {
        let port = &self.plan.component.description().inputs[input];
        DeadLetter {
            stage: self.plan.name.clone(),
            port: port.name.clone(),
            code,
            message,
            record: record.value.to_vec(),
            key: port.keyed.then(|| record.key.to_vec()),
            timestamp: record.timestamp,
            plugin: self.plan.component.digest().to_owned(),
            backtrace: None,
            state: None,
        }
    }
}

fn fault(plan: &StagePlan, site: Site, failure: Failure, suspect: Suspect) -> Fault {
    let described = plan.component.description();
    Fault::Plugin(Box::new(PluginFault {
        stage: plan.name.clone(),
        plugin: format!("{} {}", described.name, described.version),
        digest: plan.component.digest().to_owned(),
        failure,
        site,
        suspect,
    }))
}
