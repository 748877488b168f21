//! How the new version is doing, compared with the former one.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::checkpoint::Totals;
use crate::pipeline::progress::Progress;

/// What is expected of a version on probation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectations {
    /// For how long.
    pub duration: Duration,
    /// By how much the share of records that are refused may be greater than before, from 0 to 1.
    pub rejections: f64,
    /// How many times the CPU time a record of the former version it may take.
    pub slowdown: f64,
}

/// What has been counted of a pipeline at some moment.
#[derive(Clone, Debug, Default)]
pub(in crate::pipeline) struct Counters {
    /// By stage: records that it was given, and CPU time of its calls.
    stages: HashMap<String, (u64, Duration)>,
    totals: Totals,
}

impl Counters {
    pub(in crate::pipeline) fn of(progress: &Progress) -> Self {
        let stages = progress.stages();
        let counted = stages.iter().map(|stage| {
            let cpu_time = Duration::from_nanos(stage.cpu_nanos.load(Relaxed));
            let records = stage.records_in.load(Relaxed);
            (stage.name.clone(), (records, cpu_time))
        });
        Self {
            stages: counted.collect(),
            totals: progress.totals(),
        }
    }

    /// What was counted of these stages since `earlier`.
    pub(in crate::pipeline) fn since<'a>(
        &self,
        earlier: &Self,
        stages: impl IntoIterator<Item = &'a str>,
    ) -> Counted {
        let mut counted = Counted {
            read: self.totals.records.saturating_sub(earlier.totals.records),
            rejected: self.totals.rejected.saturating_sub(earlier.totals.rejected),
            ..Counted::default()
        };
        for stage in stages {
            let (records, cpu_time) = self.stages.get(stage).copied().unwrap_or_default();
            let (before, spent) = earlier.stages.get(stage).copied().unwrap_or_default();
            counted.records += records.saturating_sub(before);
            counted.cpu_time += cpu_time.saturating_sub(spent);
        }
        counted
    }
}

/// What has been counted of the stages that a reload changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::pipeline) struct Counted {
    /// Records that they were given.
    pub(in crate::pipeline) records: u64,
    /// CPU time of their calls.
    pub(in crate::pipeline) cpu_time: Duration,
    /// Records of the pipeline that were refused, and how many it read.
    pub(in crate::pipeline) rejected: u64,
    pub(in crate::pipeline) read: u64,
}

/// Records below which neither costs nor refusals mean anything.
const ENOUGH: u64 = 1_000;

/// CPU time below which the beginnings of an instance (memory that is touched first, cold caches) weigh more than what its plugin does.
const BEGINNINGS: Duration = Duration::from_millis(50);

/// Records below which the end of the probation is waited for: refused ones come in bursts.
const MANY: u64 = 20_000;

impl Counted {
    #[expect(clippy::cast_precision_loss, reason = "a mean for a comparison")]
    fn cost(&self) -> Option<f64> {
        (self.records >= ENOUGH).then(|| self.cpu_time.as_secs_f64() / self.records as f64)
    }

    /// Not more than all, though several stages may refuse what comes of one record.
    #[expect(clippy::cast_precision_loss, reason = "a share for a comparison")]
    fn refused(&self) -> Option<f64> {
        (self.read >= ENOUGH).then(|| (self.rejected as f64 / self.read as f64).min(1.0))
    }
}

impl Expectations {
    /// Compares what was counted of both versions, before the end or at it.
    ///
    /// # Errors
    /// What the new version does worse than is expected of it.
    pub(in crate::pipeline) fn compare(
        &self,
        former: &Counted,
        new: &Counted,
        is_end: bool,
    ) -> Result<(), String> {
        if (is_end || new.read >= MANY)
            && let (Some(before), Some(after)) = (former.refused(), new.refused())
            && after > before + self.rejections
        {
            return Err(format!(
                "it refuses {:.1} of 100 records, the former version refused {:.1}",
                after * 100.0,
                before * 100.0
            ));
        }
        if new.cpu_time >= BEGINNINGS
            && let (Some(before), Some(after)) = (former.cost(), new.cost())
            && after > before * self.slowdown
        {
            return Err(format!(
                "it takes {:.2} µs of CPU time a record, the former version took {:.2} µs",
                after * 1e6,
                before * 1e6
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expectations = Expectations {
        duration: Duration::from_secs(10),
        rejections: 0.05,
        slowdown: 3.0,
    };

    fn counted(micros: u64, rejected: u64) -> Counted {
        Counted {
            records: 10_000,
            cpu_time: Duration::from_micros(micros * 10_000),
            rejected,
            read: 10_000,
        }
    }

    #[test]
    fn a_version_that_is_as_good_as_the_former_one_passes() {
        assert_eq!(
            EXPECTED.compare(&counted(2, 100), &counted(5, 500), true),
            Ok(())
        );
    }

    #[test]
    fn a_version_that_is_too_slow_or_refuses_too_much_is_found() {
        let slow = EXPECTED.compare(&counted(2, 0), &counted(7, 0), false);
        assert!(slow.is_err_and(|reason| reason.contains("7.00 µs")));
        let refusing = EXPECTED.compare(&counted(2, 100), &counted(2, 700), true);
        assert!(refusing.is_err_and(|reason| reason.contains("7.0 of 100")));
        let early = EXPECTED.compare(&counted(2, 100), &counted(2, 700), false);
        assert_eq!(early, Ok(()), "refused records come in bursts");
    }

    #[test]
    fn a_few_records_prove_nothing() {
        let few = Counted {
            records: 10,
            cpu_time: Duration::from_secs(1),
            rejected: 10,
            read: 10,
        };
        assert_eq!(EXPECTED.compare(&counted(1, 0), &few, true), Ok(()));
    }

    #[test]
    fn no_more_than_all_records_are_refused() {
        let lenient = Expectations {
            rejections: 1.0,
            ..EXPECTED
        };
        let by_two_stages = counted(2, 20_000);
        assert_eq!(
            lenient.compare(&counted(2, 0), &by_two_stages, true),
            Ok(())
        );
    }

    #[test]
    fn what_it_takes_to_begin_is_not_held_against_a_version() {
        let beginning = Counted {
            records: 2_000,
            cpu_time: Duration::from_millis(40),
            ..Counted::default()
        };
        assert_eq!(EXPECTED.compare(&counted(2, 0), &beginning, false), Ok(()));
    }
}
