//! How far a pipeline has come that is many tasks: the sum of theirs, in the same form as that of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Committed, Progress, StageProgress};
use crate::checkpoint::Totals;
use crate::record::{END_OF_TIME, EventTime};

/// A task, since this process took it on.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Part {
    pub(in crate::pipeline) progress: Arc<Progress>,
    /// What had been done before.
    pub(in crate::pipeline) before: Totals,
    /// Whether this process runs it now.
    pub(in crate::pipeline) is_here: bool,
    /// Whether it reads sources of the manifest.
    pub(in crate::pipeline) reads_sources: bool,
}

impl Progress {
    /// Says what the parts say together. Records are those of the sources: what one task hands to another is not counted again.
    pub(in crate::pipeline) fn sum(&self, parts: &[Part]) {
        let here = || parts.iter().filter(|part| part.is_here);
        let totals = |of: fn(&Totals) -> u64, only_sources: bool| -> u64 {
            let counted = parts
                .iter()
                .filter(|part| part.reads_sources || !only_sources);
            counted
                .map(|part| of(&part.progress.totals()).saturating_sub(of(&part.before)))
                .sum()
        };
        let totals = Totals {
            records: totals(|totals| totals.records, true),
            rejected: totals(|totals| totals.rejected, false),
            late: totals(|totals| totals.late, false),
        };
        let count = |counter: fn(&Progress) -> &AtomicU64| -> u64 {
            let counts = parts
                .iter()
                .map(|part| counter(&part.progress).load(Relaxed));
            counts.sum()
        };
        self.restarts
            .store(count(|progress| &progress.restarts), Relaxed);
        self.checkpoints
            .store(count(|progress| &progress.checkpoints), Relaxed);
        for part in parts {
            self.saw(part.progress.latest.load(Relaxed));
        }
        self.sum_stages(parts);
        for sink in self.sinks().iter() {
            let of_parts = parts.iter().map(|part| {
                let sinks = part.progress.sinks();
                let alike = sinks.iter().filter(|of_part| of_part.name == sink.name);
                alike
                    .map(|of_part| of_part.records.load(Relaxed))
                    .sum::<u64>()
            });
            sink.records.store(of_parts.sum(), Relaxed);
        }
        let reading = here().filter(|part| part.reads_sources);
        self.reads(
            reading
                .flat_map(|part| part.progress.partitions())
                .collect(),
        );
        self.commit_oldest(totals, parts);
    }

    fn sum_stages(&self, parts: &[Part]) {
        for stage in self.stages().iter() {
            let of_parts: Vec<(bool, Arc<StageProgress>)> = parts
                .iter()
                .flat_map(|part| {
                    let stages = part.progress.stages();
                    let alike = stages.iter().filter(|of_part| of_part.name == stage.name);
                    let alike: Vec<_> = alike
                        .map(|of_part| (part.is_here, Arc::clone(of_part)))
                        .collect();
                    alike
                })
                .collect();
            let sum = |counter: fn(&StageProgress) -> &AtomicU64| -> u64 {
                of_parts
                    .iter()
                    .map(|(_, of_part)| counter(of_part).load(Relaxed))
                    .sum()
            };
            stage
                .records_in
                .store(sum(|stage| &stage.records_in), Relaxed);
            stage
                .records_out
                .store(sum(|stage| &stage.records_out), Relaxed);
            stage
                .cpu_nanos
                .store(sum(|stage| &stage.cpu_nanos), Relaxed);
            stage.breaches.store(sum(|stage| &stage.breaches), Relaxed);
            let watermarks = of_parts
                .iter()
                .filter(|(is_here, _)| *is_here)
                .map(|(_, of_part)| of_part.watermark());
            let slowest: EventTime = watermarks.min().unwrap_or(END_OF_TIME);
            stage.reach(0, slowest);
        }
    }

    /// The last checkpoint of all is that of the task whose own is the oldest.
    fn commit_oldest(&self, totals: Totals, parts: &[Part]) {
        let any_here = parts.iter().any(|part| part.is_here);
        let oldest = parts
            .iter()
            .filter(|part| part.is_here == any_here)
            .map(|part| part.progress.committed())
            .filter(|committed| committed.epoch > 0)
            .min_by_key(|committed| committed.taken_at);
        let mut last = self
            .committed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = Committed {
            totals,
            ..oldest.unwrap_or_default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(stages: [&str; 1], records: u64, watermark: EventTime) -> Arc<Progress> {
        let progress = Progress::new(stages.map(str::to_owned), 1, []);
        progress.records.store(records, Relaxed);
        progress.stages()[0].records_in.store(records, Relaxed);
        progress.stages()[0].reach(0, watermark);
        progress.saw(1_000);
        Arc::new(progress)
    }

    fn part(progress: Arc<Progress>, is_here: bool, reads_sources: bool) -> Part {
        let before = Totals::default();
        Part {
            progress,
            before,
            is_here,
            reads_sources,
        }
    }

    #[test]
    fn records_count_where_they_are_read_and_stages_where_they_work() {
        let whole = Progress::new(["parse", "count"].map(str::to_owned), 1, []);
        whole.sum(&[
            part(task(["parse"], 5, 900), true, true),
            part(task(["parse"], 7, 800), true, true),
            part(task(["count"], 12, 700), true, false),
        ]);
        assert_eq!(whole.totals().records, 12);
        assert_eq!(whole.stages()[0].records_in.load(Relaxed), 12);
        assert_eq!(whole.stages()[0].watermark(), 800);
        assert_eq!(
            whole.watermark_delay().map(|delay| delay.as_millis()),
            Some(300)
        );
    }

    #[test]
    fn what_a_task_did_here_counts_when_it_has_gone_and_its_time_does_not() {
        let whole = Progress::new(["parse"].map(str::to_owned), 1, []);
        whole.sum(&[
            part(task(["parse"], 5, 100), false, true),
            part(task(["parse"], 7, 800), true, true),
        ]);
        assert_eq!(whole.totals().records, 12);
        assert_eq!(whole.stages()[0].watermark(), 800);
    }
}
