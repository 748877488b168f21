//! A new version works on copies of what the running one is fed, and both are compared.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::super::plan::Plan;
use super::super::recovery::Site;
use super::comparison::{Comparison, Sides};
use super::replica::{Replica, StateChanges, StateSource, Unfit};
use super::tap::{Copy, Outlet};
use crate::plugin::{Description, thread_cpu_time};

/// CPU time after which it is looked whether the share of the CPU is kept.
const SLICE: Duration = Duration::from_millis(2);

/// A comparison that is to be made.
pub(in crate::pipeline) struct Shadow {
    pub(in crate::pipeline) new: Plan,
    /// Stages that both versions have: of the running plan, and of the new one.
    pub(in crate::pipeline) stages: BTreeMap<usize, usize>,
    /// How the running version's stages are described.
    pub(in crate::pipeline) running: BTreeMap<usize, Description>,
    pub(in crate::pipeline) workers: usize,
    pub(in crate::pipeline) outlet: Outlet,
    /// From the first copy on.
    pub(in crate::pipeline) duration: Duration,
    /// Of one CPU, from 0 to 1.
    pub(in crate::pipeline) cpu_share: f64,
}

impl Shadow {
    /// Loads the state of the checkpoint at which the taps were put in, says so through `loaded`, and compares until enough was compared.
    ///
    /// # Errors
    /// [`Unfit`] where the new version fails.
    pub(in crate::pipeline) fn run(
        self,
        source: &StateSource,
        changes: &StateChanges,
        loaded: impl FnOnce(),
    ) -> Result<Comparison, Unfit> {
        let mut throttle = Throttle::new(self.cpu_share);
        let stages = self.stages.values().copied();
        let mut replica = Replica::start(&self.new, stages, self.workers)?;
        replica.load(source, changes)?;
        loaded();
        throttle.rest();
        let mut comparison = Comparison::default();
        let until = Instant::now() + self.duration;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(copy) = self.outlet.next(left) else {
                break;
            };
            self.compare(&copy, &mut replica, &mut comparison)?;
            throttle.rest();
            if left.is_zero() {
                break;
            }
        }
        if self.outlet.has_overflowed() && !self.outlet.has_all() {
            comparison.cut_short = Some(
                "the pipeline was faster than its shadow, which fell too far behind".to_owned(),
            );
        }
        Ok(comparison)
    }

    fn compare(
        &self,
        copy: &Copy,
        replica: &mut Replica,
        comparison: &mut Comparison,
    ) -> Result<(), Unfit> {
        let Site { stage, worker } = copy.site;
        let (Some(&new), Some(running)) = (self.stages.get(&stage), self.running.get(&stage))
        else {
            return Ok(());
        };
        let Some((plan, instance)) = replica.instance(new, worker) else {
            return Ok(());
        };
        let before = instance.cpu_time();
        let output = instance
            .process(copy.input, &copy.batch, &copy.marks)
            .map_err(|failure| Unfit::by(plan, failure))?;
        let spent = instance.cpu_time().saturating_sub(before);
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        comparison.new_cpu_nanos += nanos(spent);
        comparison.running_cpu_nanos += nanos(copy.cpu_time);
        let sides = Sides {
            stage: &plan.name,
            running,
            new: plan.component.description(),
        };
        comparison.add(&sides, copy.batch.len(), &copy.output, &output);
        Ok(())
    }
}

/// Keeps a thread to a share of a CPU.
struct Throttle {
    share: f64,
    since: Duration,
}

impl Throttle {
    fn new(share: f64) -> Self {
        Self {
            share,
            since: thread_cpu_time(),
        }
    }

    /// Sleeps for as long as the share demands for what was used since the last rest.
    fn rest(&mut self) {
        let used = thread_cpu_time().saturating_sub(self.since);
        if used < SLICE || self.share >= 1.0 {
            return;
        }
        thread::sleep(used.mul_f64(1.0 / self.share - 1.0));
        self.since = thread_cpu_time();
    }
}
