//! When checkpoints are due.

use std::time::{Duration, Instant};

use super::plan::CheckpointPlan;

/// When the next checkpoint is due.
pub(super) struct Rhythm {
    interval: Duration,
    minimum_pause: Duration,
    started: Instant,
    ended: Instant,
}

impl Rhythm {
    pub(super) fn new(plan: &CheckpointPlan) -> Self {
        let now = Instant::now();
        let (interval, minimum_pause) = (plan.interval, plan.minimum_pause);
        Self {
            interval,
            minimum_pause,
            started: now,
            ended: now,
        }
    }

    pub(super) fn wait(&self) -> Duration {
        let from_start = self.interval.saturating_sub(self.started.elapsed());
        from_start.max(self.minimum_pause.saturating_sub(self.ended.elapsed()))
    }

    pub(super) fn is_due(&self) -> bool {
        self.wait().is_zero()
    }

    pub(super) fn start(&mut self) {
        self.started = Instant::now();
    }

    pub(super) fn end(&mut self) {
        self.ended = Instant::now();
    }
}
