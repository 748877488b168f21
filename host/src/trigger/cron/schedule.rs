//! Which runs of a schedule are due.

use jiff::{SignedDuration, Timestamp};

use crate::config::{CronTrigger, MissedRuns};

/// A run that is started no later than this after its time is not missed.
const ON_TIME: SignedDuration = SignedDuration::from_secs(60);
/// So many runs are looked at after a long time without the host; the others are counted as left out, not one by one.
const MOST_LOOKED_AT: usize = 100_000;

/// When a job is to be run.
pub(super) struct Schedule(CronTrigger);

/// What is to be done by now.
#[derive(Debug, PartialEq)]
pub(super) struct Due {
    /// Runs to be started, the earliest first.
    pub runs: Vec<Timestamp>,
    /// How many were missed, and are not made up for.
    pub left_out: usize,
    /// The latest run of the schedule, whether it is left out or not.
    pub until: Timestamp,
}

impl Schedule {
    pub fn of(options: CronTrigger) -> Self {
        Self(options)
    }

    /// The next time after this one; none if the schedule has an end.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.0.time_zone.clone());
        let found = self.0.schedule.find_next_occurrence(&after, false).ok()?;
        Some(found.timestamp())
    }

    /// What is due after the last run, and by now.
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let mut times = Vec::new();
        let mut after = last;
        while let Some(next) = self.next(after).filter(|next| *next <= now) {
            if times.len() == MOST_LOOKED_AT {
                break;
            }
            times.push(next);
            after = next;
        }
        let until = times.last().copied().unwrap_or(last);
        let is_on_time = now.duration_since(until) <= ON_TIME;
        let kept = match self.0.missed {
            MissedRuns::Skip => usize::from(is_on_time),
            MissedRuns::Once => 1,
            MissedRuns::All => self.0.maximum_missed as usize,
        };
        let left_out = times.len().saturating_sub(kept);
        Due {
            runs: times.split_off(left_out),
            left_out,
            until,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use croner::Cron;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Manifest;
    use crate::trigger::tests::manifest;

    fn schedule(expression: &str, options: &str) -> Schedule {
        let text =
            format!("type = \"cron\"\njob = \"report\"\nschedule = \"{expression}\"\n{options}");
        let manifest: Manifest = manifest(&format!("[triggers.clock]\n{text}"));
        match &manifest.triggers[0].kind {
            crate::config::TriggerKind::Cron(options) => Schedule::of((**options).clone()),
            other => panic!("{other:?}"),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn runs(schedule: &Schedule, last: &str, now: &str) -> (Vec<String>, usize) {
        let due = schedule.due(at(last), at(now));
        (
            due.runs.iter().map(ToString::to_string).collect(),
            due.left_out,
        )
    }

    #[test]
    fn a_run_is_due_from_its_time_on() {
        let daily = schedule("0 2 * * *", "");
        let last = "2026-11-20T02:00:00Z";
        assert_eq!(runs(&daily, last, "2026-11-21T01:59:59Z"), (vec![], 0));
        assert_eq!(
            runs(&daily, last, "2026-11-21T02:00:00Z"),
            (vec!["2026-11-21T02:00:00Z".into()], 0)
        );
    }

    #[test]
    fn missed_runs_are_skipped() {
        let hourly = schedule("0 * * * *", "missed = \"skip\"");
        assert_eq!(
            runs(&hourly, "2026-11-21T00:00:00Z", "2026-11-21T05:30:00Z"),
            (vec![], 5)
        );
        assert_eq!(
            runs(&hourly, "2026-11-21T00:00:00Z", "2026-11-21T05:00:10Z"),
            (vec!["2026-11-21T05:00:00Z".into()], 4)
        );
    }

    #[test]
    fn missed_runs_are_made_up_for_once() {
        let hourly = schedule("0 * * * *", "missed = \"once\"");
        assert_eq!(
            runs(&hourly, "2026-11-21T00:00:00Z", "2026-11-21T05:30:00Z"),
            (vec!["2026-11-21T05:00:00Z".into()], 4)
        );
    }

    #[test]
    fn all_missed_runs_are_made_up_for_but_not_without_end() {
        let hourly = schedule("0 * * * *", "missed = \"all\"\nmaximum-missed = 2");
        assert_eq!(
            runs(&hourly, "2026-11-21T00:00:00Z", "2026-11-21T05:30:00Z"),
            (
                vec!["2026-11-21T04:00:00Z".into(), "2026-11-21T05:00:00Z".into()],
                3
            )
        );
    }

    #[test]
    fn a_time_is_one_of_the_zone() {
        let daily = schedule("0 2 * * *", "time-zone = \"Asia/Tokyo\"");
        assert_eq!(
            daily.next(at("2026-11-21T00:00:00Z")),
            Some(at("2026-11-21T17:00:00Z"))
        );
    }

    #[test]
    fn a_time_that_there_is_twice_is_run_once_and_one_that_there_is_not_is_run_too() {
        // On the last Sunday of March, 02:30 does not exist in Berlin; on that of October, it does twice.
        let daily = schedule(
            "30 2 * * *",
            "time-zone = \"Europe/Berlin\"\nmissed = \"all\"",
        );
        let spring = runs(&daily, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
        assert_eq!(spring.0.len(), 1, "{spring:?}");
        let autumn = runs(&daily, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(autumn.0.len(), 1, "{autumn:?}");
    }

    #[test]
    fn after_years_without_the_host_it_does_not_look_for_ever() {
        let often = schedule("* * * * * *", "missed = \"once\"");
        let due = often.due(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        assert_eq!(due.runs.len(), 1);
    }

    #[test]
    fn a_schedule_may_have_an_end() {
        let never = Schedule::of(CronTrigger {
            schedule: crate::config::Located::new(
                Cron::from_str("0 0 30 2 *").unwrap(),
                crate::config::Place::whole(&crate::config::Document::option("x=1")),
            ),
            time_zone: TimeZone::UTC,
            ..schedule("0 0 * * *", "").0
        });
        assert_eq!(never.next(at("2026-01-01T00:00:00Z")), None);
    }
}
