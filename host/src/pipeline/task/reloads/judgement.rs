//! How the new version does, on copies and on probation.

use std::time::Instant;

use super::super::Task;
use crate::pipeline::reload::{Comparison, Counted, Counters, Event};

impl Task {
    /// Whether what the new version made of copies is what it may make of them, at a cost that it may have.
    pub(super) fn judge(&mut self, compared: Result<Comparison, String>) {
        let Some(under_way) = self.under_way() else {
            return;
        };
        under_way.holds = false;
        let terms = under_way.terms;
        let judged = compared.and_then(|comparison| {
            let judged = comparison.judge(terms.policy);
            let judged = judged.and_then(|()| terms.is_too_slow(&comparison));
            let board = &self.progress.reload;
            board.add(|report| report.comparison = Some(comparison));
            judged
        });
        self.apply(match judged {
            Ok(()) => Event::Agreed,
            Err(reason) => Event::Unfit(reason),
        });
    }

    pub(super) fn begin_probation(&mut self) {
        let Some(under_way) = self.under_way() else {
            return;
        };
        under_way.probation = Some(Instant::now());
        if let Some(stopped) = under_way.stopped.take() {
            let pause = stopped.elapsed().as_secs_f64();
            let board = &self.progress.reload;
            board.add(|report| report.pause_seconds = Some(pause));
        }
    }

    pub(super) fn look_at_probation(&mut self) {
        let of_new = self.counted();
        let Some(under_way) = self.under_way() else {
            return;
        };
        let Some(since) = under_way.probation else {
            return;
        };
        let (expected, of_former) = (under_way.terms.probation, under_way.of_former);
        let is_end = since.elapsed() >= expected.duration;
        let event = match expected.compare(&of_former, &of_new, is_end) {
            Err(reason) => Event::Breach(reason),
            Ok(()) if is_end => Event::Passed,
            Ok(()) => return,
        };
        if let Some(under_way) = self.under_way() {
            under_way.probation = None;
        }
        self.apply(event);
    }

    /// What has been counted of the stages that the reload changes, since the version at work began.
    pub(super) fn counted(&self) -> Counted {
        let Some(reloads) = &self.reloads else {
            return Counted::default();
        };
        let Some(under_way) = &reloads.under_way else {
            return Counted::default();
        };
        let changed = under_way.change.stages.values();
        let stages = &under_way.new.plan.stages;
        let names = changed.filter_map(|&stage| Some(stages.get(stage)?.name.as_str()));
        Counters::of(&self.progress).since(&reloads.since, names)
    }

    /// A sink can hold back no more, or sources are other ones than before: there has to be a checkpoint.
    pub(in crate::pipeline::task) fn end_probation(&mut self) {
        if self.is_on_probation() {
            self.apply(Event::Passed);
        }
    }
}
