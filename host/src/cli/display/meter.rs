//! From counters that only grow to what a person wants to know: how fast, how far, how long yet.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::cli::literal::printable;
use crate::cli::quantity::{counted, duration, grouped, rounded, whole_seconds};
use crate::pipeline::Wait;
use crate::pipeline::progress::Progress;

/// Speeds are of the last while, so that a change shows and a checkpoint's pause does not.
const WINDOW: Duration = Duration::from_secs(10);

/// Less than this says nothing about the speed.
const LEAST_WINDOW: Duration = Duration::from_millis(100);

/// What a pipeline has counted at some moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    records: u64,
    /// How far the input was read, in the unit of its length.
    input: u64,
}

/// Remembers what was seen a while ago.
#[derive(Debug)]
pub(super) struct Meter {
    samples: VecDeque<Sample>,
}

/// What is known of a pipeline at some moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// Records read in its life.
    pub(super) records: u64,
    /// Records a second.
    pub(super) rate: f64,
    /// How much of the input was read, from 0 to 1; none where its end is not known.
    pub(super) share: Option<f64>,
    /// Until the end of the input, if it goes on as now.
    pub(super) remaining: Option<Duration>,
    /// How far the watermark is behind the latest event time.
    pub(super) watermark_delay: Option<Duration>,
    /// Of the last checkpoint; 0 before the first.
    pub(super) epoch: u64,
    /// Since the last checkpoint.
    pub(super) checkpoint_age: Option<Duration>,
    /// How long the pipeline stood still for it.
    pub(super) checkpoint_pause: Option<Duration>,
    /// Dead letters in its life, late ones included.
    pub(super) rejected: u64,
    /// Late records in its life.
    pub(super) late: u64,
    /// How often this run went back to its last checkpoint.
    pub(super) restarts: u64,
    /// What it waits for.
    pub(super) waits: Vec<Wait>,
}

impl Meter {
    /// Speeds are counted from here.
    pub(super) fn new(progress: &Progress) -> Self {
        let first = Sample::take(progress, Instant::now());
        Self {
            samples: VecDeque::from([first]),
        }
    }

    /// What there is to say at that moment, which the clock on the wall calls `now` (milliseconds since the Unix epoch).
    pub(super) fn look(&mut self, progress: &Progress, at: Instant, now: i64) -> Facts {
        let sample = Sample::take(progress, at);
        let (rate, input_rate) = self.speeds(sample);
        let totals = progress.totals();
        let committed = progress.committed();
        let taken = (committed.epoch > 0).then_some(committed);
        let length = progress.input().1.filter(|&length| length > 0);
        let left = length.map(|length| length.saturating_sub(sample.input));
        Facts {
            records: totals.records,
            rate,
            share: length.map(|length| (sample.input as f64 / length as f64).min(1.0)),
            remaining: left
                .filter(|_| input_rate >= 1.0)
                .and_then(|left| Duration::try_from_secs_f64(left as f64 / input_rate).ok()),
            watermark_delay: progress.watermark_delay(),
            epoch: committed.epoch,
            checkpoint_age: taken.map(|taken| {
                Duration::from_millis(
                    u64::try_from(now.saturating_sub(taken.taken_at)).unwrap_or(0),
                )
            }),
            checkpoint_pause: taken.map(|taken| taken.pause),
            rejected: totals.rejected,
            late: totals.late,
            restarts: progress.restarts.load(Relaxed),
            waits: progress.waits.list(),
        }
    }

    /// Of records and of input, a second.
    fn speeds(&mut self, now: Sample) -> (f64, f64) {
        // Going back to a checkpoint is no speed: counting starts anew.
        let went_back = |last: &Sample| now.records < last.records || now.input < last.input;
        if self.samples.back().is_some_and(went_back) {
            self.samples.clear();
        }
        // The input's position is known only when reading has begun, and a resumed run begins far from 0.
        if self
            .samples
            .back()
            .is_some_and(|last| last.input == 0 && last.records == now.records)
        {
            self.samples.clear();
        }
        self.samples.push_back(now);
        let is_old = |sample: &Sample| now.at.saturating_duration_since(sample.at) > WINDOW;
        while self.samples.len() > 2 && self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
        let first = self.samples.front().copied().unwrap_or(now);
        let seconds = now.at.saturating_duration_since(first.at);
        if seconds < LEAST_WINDOW {
            return (0.0, 0.0);
        }
        let speed = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds.as_secs_f64();
        (
            speed(first.records, now.records),
            speed(first.input, now.input),
        )
    }
}

impl Sample {
    fn take(progress: &Progress, at: Instant) -> Self {
        Self {
            at,
            records: progress.totals().records,
            input: progress.input().0,
        }
    }
}

impl Facts {
    /// All of it, for a log.
    pub(super) fn sentence(&self) -> String {
        let mut parts = vec![counted(self.records, "record", "records")];
        parts.extend(self.parts().into_iter().map(|part| part.long));
        parts.join(", ")
    }

    /// As much of it as fits into so many columns.
    pub(super) fn within(&self, width: usize) -> String {
        let mut parts = self.parts();
        if self.share.is_none() {
            let records = counted(self.records, "record", "records");
            let short = format!("{} records", rounded(self.records as f64));
            parts.insert(
                0,
                Part {
                    long: records,
                    short,
                    rank: 0,
                },
            );
        }
        let long = parts
            .iter()
            .map(|part| part.long.as_str())
            .collect::<Vec<_>>()
            .join(" · ");
        if console::measure_text_width(&long) <= width {
            return long;
        }
        loop {
            let short = parts
                .iter()
                .map(|part| part.short.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            if console::measure_text_width(&short) <= width || parts.len() <= 1 {
                return console::truncate_str(&short, width, "…").into_owned();
            }
            let least = (0..parts.len())
                .max_by_key(|&index| parts[index].rank)
                .unwrap_or(0);
            parts.remove(least);
        }
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut add = |rank, long: String, short: String| parts.push(Part { long, short, rank });
        for Wait { who, what, since } in &self.waits {
            let (who, what) = (printable(who), printable(what));
            // Why it stands still says more than how fast it was: the reason stays, and the rest goes if need be.
            let waiting = format!("waiting {}: {who}: {what}", whole_seconds(*since));
            add(0, waiting.clone(), waiting);
        }
        if let Some(share) = self.share {
            add(
                1,
                format!("{:.0} %", share * 100.0),
                format!("{:.0}%", share * 100.0),
            );
        }
        let whole_rate = grouped(self.rate.round().max(0.0) as u64);
        add(
            2,
            format!("{whole_rate} records/s"),
            format!("{}/s", rounded(self.rate)),
        );
        if let Some(remaining) = self.remaining {
            let remaining = whole_seconds(remaining + Duration::from_secs(1));
            add(3, format!("{remaining} left"), format!("eta {remaining}"));
        }
        if let Some(delay) = self.watermark_delay {
            let delay = duration(delay);
            add(
                6,
                format!("watermark {delay} behind"),
                format!("wm -{delay}"),
            );
        }
        if let (Some(age), Some(pause)) = (self.checkpoint_age, self.checkpoint_pause) {
            let age = whole_seconds(age);
            let long = format!("checkpoint {} ({age} ago, {})", self.epoch, duration(pause));
            add(5, long, format!("#{} {age}", self.epoch));
        }
        let rejected = format!("{} rejected", grouped(self.rejected));
        add(
            4,
            rejected,
            format!("{} rej", rounded(self.rejected as f64)),
        );
        if self.restarts > 0 {
            let restarts = counted(self.restarts, "restart", "restarts");
            add(0, restarts.clone(), restarts);
        }
        parts
    }
}

/// A fact in words.
struct Part {
    long: String,
    short: String,
    /// The greatest goes first where there is not room for all.
    rank: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            records: 2_100_000,
            rate: 412_031.0,
            share: Some(0.42),
            remaining: Some(Duration::from_secs(12)),
            watermark_delay: Some(Duration::from_millis(5_001)),
            epoch: 3,
            checkpoint_age: Some(Duration::from_millis(12_345)),
            checkpoint_pause: Some(Duration::from_millis(45)),
            rejected: 17_604,
            late: 4,
            restarts: 1,
            waits: Vec::new(),
        }
    }

    fn progress(records: u64) -> Progress {
        let progress = Progress::new([], 1, []);
        progress.records.store(records, Relaxed);
        progress
    }

    #[test]
    fn a_wide_line_says_everything_in_words() {
        assert_eq!(
            facts().within(200),
            "42 % · 412,031 records/s · 13 s left · watermark 5.0 s behind · checkpoint 3 (12 s ago, 45 ms) · \
             17,604 rejected · 1 restart"
        );
    }

    #[test]
    fn a_narrow_line_drops_what_matters_least() {
        assert_eq!(
            facts().within(60),
            "42% 412k/s eta 13 s wm -5.0 s #3 12 s 17.6k rej 1 restart"
        );
        assert_eq!(
            facts().within(40),
            "42% 412k/s eta 13 s 17.6k rej 1 restart"
        );
        assert_eq!(facts().within(9), "1 restart");
    }

    #[test]
    fn what_is_waited_for_comes_first_and_stays_on_a_narrow_line() {
        let wait = Wait {
            who: "sink alerts".to_owned(),
            what: "the nodes of `tables` do not answer".to_owned(),
            since: Duration::from_millis(12_700),
        };
        let waiting = Facts {
            waits: vec![wait],
            ..facts()
        };
        let wide = waiting.within(250);
        assert!(
            wide.starts_with(
                "waiting 12 s: sink alerts: the nodes of `tables` do not answer · 42 % · "
            ),
            "{wide}"
        );
        assert_eq!(
            waiting.within(80),
            "waiting 12 s: sink alerts: the nodes of `tables` do not answer 42% 1 restart"
        );
        assert_eq!(waiting.within(30), "waiting 12 s: sink alerts: th…");
    }

    #[test]
    fn without_an_end_of_the_input_records_are_counted() {
        let unbounded = Facts {
            share: None,
            remaining: None,
            ..facts()
        };
        assert!(
            unbounded
                .within(200)
                .starts_with("2,100,000 records · 412,031 records/s · ")
        );
        assert!(
            facts()
                .sentence()
                .starts_with("2,100,000 records, 42 %, 412,031 records/s, ")
        );
    }

    #[test]
    fn the_speed_is_that_of_the_last_ten_seconds() {
        let start = Instant::now();
        let mut meter = Meter {
            samples: VecDeque::from([Sample {
                at: start,
                records: 0,
                input: 1,
            }]),
        };
        let mut look = |second: u64, records| {
            meter
                .look(&progress(records), start + Duration::from_secs(second), 0)
                .rate
        };
        // A restart sets the input's position to 0 here, so the first look starts anew.
        assert_eq!(look(1, 100), 0.0);
        assert_eq!(look(2, 200), 100.0);
        assert_eq!(look(11, 1_100), 100.0);
        assert_eq!(look(20, 1_100), 0.0);
        assert_eq!(look(21, 900), 0.0);
        assert_eq!(look(22, 950), 50.0);
    }

    #[test]
    fn before_the_first_checkpoint_there_is_none_to_speak_of() {
        let facts = Meter::new(&progress(0)).look(&progress(0), Instant::now(), 1_000);
        assert_eq!((facts.epoch, facts.checkpoint_age), (0, None));
        assert!(!facts.sentence().contains("checkpoint"));
    }
}
