//! One instance of a stage inside a worker: what it is fed, what becomes of what it says, and whom to blame when it fails.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::channel::{Fault, PluginFault};
use super::gate::Gate;
use super::plan::StagePlan;
use super::progress::Progress;
use super::recovery::{Census, Poison, Precautions, Site, Suspect};
use super::watermark::Assigner;
use crate::checkpoint::DeadLetter;
use crate::plugin::{Changes, Emission, Entries, Failure, Instance, Output};
use crate::record::{Batch, EventTime, Mark, Record};

/// The code with which plugins refuse records that come behind the watermark.
const LATE: &str = "late";

pub(super) struct StageWorker {
    plan: StagePlan,
    site: Site,
    instance: Instance,
    pub(super) gate: Gate,
    /// Where the watermark of its outputs is made.
    pub(super) assigner: Option<Assigner>,
    watch: Option<Watch>,
    /// Records that the instance was fed since the checkpoint.
    fed: u64,
    cpu_time: Duration,
    progress: Arc<Progress>,
}

/// What a stage made of a batch, or of a part of one.
#[derive(Default)]
pub(super) struct Made {
    pub(super) emissions: Vec<Emission>,
    /// The marks of the part, which stand for ports without records.
    pub(super) marks: Vec<Mark>,
    pub(super) letters: Vec<DeadLetter>,
}

/// Looking out for the records that the last attempt failed on.
struct Watch {
    caution: Option<Range<u64>>,
    poison: Vec<Poison>,
    census: Census,
    /// Counts the instances that still have something to look out for.
    outstanding: Arc<AtomicUsize>,
    done: bool,
}

/// A part of a batch, with the marks that belong to it.
struct Part {
    batch: Batch,
    marks: Vec<Mark>,
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
        let failed = |failure| fault(plan, site, failure, Suspect::None);
        let mut instance = plan
            .component
            .instantiate(&plan.name, &plan.limits)
            .map_err(failed)?;
        instance
            .configure(&plan.configuration, connected)
            .map_err(failed)?;
        Ok(Self {
            plan: plan.clone(),
            site,
            instance,
            gate,
            assigner: None,
            watch: None,
            fed: 0,
            cpu_time: Duration::ZERO,
            progress: Arc::clone(progress),
        })
    }

    /// Gives the instance a part of its state.
    pub(super) fn load(&mut self, part: &Entries) -> Result<(), Fault> {
        self.instance
            .load(part)
            .map_err(|failure| fault(&self.plan, self.site, failure, Suspect::None))
    }

    /// Looks out for what the last attempt failed on.
    pub(super) fn take_precautions(
        &mut self,
        precautions: &Precautions,
        outstanding: &Arc<AtomicUsize>,
    ) {
        let caution = precautions.caution.get(&self.site).cloned();
        let poison: Vec<Poison> = precautions
            .poison
            .iter()
            .filter(|poison| poison.site == self.site)
            .cloned()
            .collect();
        if caution.is_none() && poison.is_empty() {
            return;
        }
        outstanding.fetch_add(1, Ordering::AcqRel);
        let outstanding = Arc::clone(outstanding);
        self.watch = Some(Watch {
            caution,
            poison,
            census: Census::default(),
            outstanding,
            done: false,
        });
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
            false => vec![self.feed(input, batch, marks, None)?],
        };
        let written: usize = made
            .iter()
            .flat_map(|made| &made.emissions)
            .map(|emission| emission.batch.len())
            .sum();
        let cpu_time = self.instance.cpu_time();
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
        let changes = self
            .instance
            .flush()
            .map_err(|failure| fault(&self.plan, self.site, failure, Suspect::None))?;
        let keyed = self
            .plan
            .component
            .description()
            .inputs
            .iter()
            .any(|port| port.keyed);
        let remembers = !changes.keys.is_empty() || !changes.forgotten.is_empty();
        if remembers && !keyed {
            return Err(Fault::StateWithoutKey {
                stage: self.plan.name.clone(),
            });
        }
        self.fed = 0;
        self.watch = None;
        Ok(changes)
    }

    pub(super) fn watermark(&self) -> EventTime {
        self.gate.current()
    }

    fn progress(&self) -> &super::progress::StageProgress {
        &self.progress.stages[self.site.stage]
    }

    fn feed(
        &mut self,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
        alone: Option<Suspect>,
    ) -> Result<Made, Fault> {
        let suspect = || match alone {
            Some(suspect) => suspect,
            None if batch.is_empty() => Suspect::None,
            None => Suspect::Batch(self.fed..self.fed + batch.len() as u64),
        };
        let output = match self.instance.process(input, batch, marks) {
            Ok(output) => output,
            Err(failure) => return Err(fault(&self.plan, self.site, failure, suspect())),
        };
        self.fed += batch.len() as u64;
        Ok(self.made(input, batch, marks, output))
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
        }
    }

    /// Leaves out what is poison, and feeds record by record what is suspect.
    fn process_watchfully(
        &mut self,
        input: usize,
        batch: &Batch,
        marks: &[Mark],
    ) -> Result<Vec<Made>, Fault> {
        let Some(mut watch) = self.watch.take() else {
            return Ok(Vec::new());
        };
        let mut made = Vec::new();
        let mut parts = Parts {
            batch,
            marks,
            start: 0,
        };
        let first = self.fed;
        for index in 0..batch.len() {
            let record = batch.record(index);
            let identity = watch.census.identify(input, record);
            let number = first + index as u64;
            if let Some(poison) = watch
                .poison
                .iter()
                .position(|poison| poison.identity == identity)
            {
                let poison = watch.poison.swap_remove(poison);
                made.push(self.feed_part(input, &parts.until(index), None)?);
                parts.start = index + 1;
                let letter = self.letter(
                    input,
                    record,
                    poison.code().to_owned(),
                    poison.failure.to_string(),
                );
                made.push(Made {
                    letters: vec![letter],
                    ..Made::default()
                });
                self.fed += 1;
            } else if watch
                .caution
                .as_ref()
                .is_some_and(|caution| caution.contains(&number))
            {
                made.push(self.feed_part(input, &parts.until(index), None)?);
                let alone = Part {
                    batch: batch.slice(index..index + 1),
                    marks: Vec::new(),
                };
                made.push(self.feed_part(
                    input,
                    &alone,
                    Some(Suspect::record(identity, record)),
                )?);
                parts.start = index + 1;
            }
        }
        made.push(self.feed_part(input, &parts.until(batch.len()), None)?);
        watch.settle(self.fed);
        self.watch = Some(watch);
        Ok(made)
    }

    fn feed_part(
        &mut self,
        input: usize,
        part: &Part,
        alone: Option<Suspect>,
    ) -> Result<Made, Fault> {
        if part.batch.is_empty() && part.marks.is_empty() {
            return Ok(Made::default());
        }
        self.feed(input, &part.batch, &part.marks, alone)
    }
}

/// Takes a batch apart from front to back; each mark goes with the part in front of it.
struct Parts<'a> {
    batch: &'a Batch,
    marks: &'a [Mark],
    start: usize,
}

impl Parts<'_> {
    fn until(&mut self, end: usize) -> Part {
        let passed = self
            .marks
            .partition_point(|mark| mark.index as usize <= end);
        let (marks, rest) = self.marks.split_at(passed);
        self.marks = rest;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a batch has less than 2^32 records"
        )]
        let start = self.start as u32;
        let marks = marks
            .iter()
            .map(|mark| Mark {
                index: mark.index.saturating_sub(start),
                ..*mark
            })
            .collect();
        let batch = self.batch.slice(self.start..end);
        self.start = end;
        Part { batch, marks }
    }
}

impl Watch {
    /// Says once that there is nothing left to look out for.
    fn settle(&mut self, fed: u64) {
        let passed = self
            .caution
            .as_ref()
            .is_none_or(|caution| caution.end <= fed);
        if passed && self.poison.is_empty() && !std::mem::replace(&mut self.done, true) {
            self.outstanding.fetch_sub(1, Ordering::AcqRel);
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
