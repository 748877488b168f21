//! Whether what is told of reloads is true: what `jackfield status` says is held against what is known to have been done.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kind::Kind;
use crate::step::Step;

/// Untruths that are shown.
const SHOWN: usize = 5;

/// What is read of a line of `jackfield status --format json`.
#[derive(Debug, Deserialize)]
pub struct Status {
    host: Option<Host>,
    tasks: Vec<Task>,
    reload: Option<Reload>,
}

#[derive(Debug, Deserialize)]
struct Host {
    process: u32,
}

#[derive(Debug, Deserialize)]
struct Task {
    checkpoint: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Reload {
    version: String,
    tally: BTreeMap<String, u64>,
    last: Option<Report>,
}

/// A reload, as it is told of.
#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    pub number: u64,
    former: String,
    new: String,
    pub step: Step,
    #[expect(dead_code, reason = "shown with what is not so")]
    reason: Option<String>,
    steps: Vec<Taken>,
    pause_seconds: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Taken {
    step: Step,
    at: i64,
}

/// What was seen at one look.
#[derive(Debug)]
pub struct View {
    pub process: u32,
    /// Whether there is something to go on from.
    pub has_checkpoint: bool,
    /// Whether it is the candidate that works.
    pub works_by_candidate: bool,
    /// The reload that is under way or was the last of this process.
    pub last: Option<Report>,
}

/// A version that is to take over.
#[derive(Debug)]
struct Candidate {
    digest: String,
    ends: Vec<Step>,
}

/// What is known.
#[derive(Debug)]
pub struct Ledger {
    in_force: String,
    candidate: Option<Candidate>,
    /// What was seen last: the process and the report.
    seen: Option<(u32, Report)>,
    /// The reload that was seen to be over, by process and number.
    pub over: Option<(u32, u64)>,
    /// What was told and is not so.
    pub untruths: Vec<String>,
    /// For how long the pipeline stood still, seconds.
    pub pauses: Vec<f64>,
    /// How often `status` was asked.
    pub looks: u64,
}

impl Ledger {
    /// Of a pipeline that begins as this version.
    pub fn new(in_force: String) -> Self {
        Self {
            in_force,
            candidate: None,
            seen: None,
            over: None,
            untruths: Vec::new(),
            pauses: Vec::new(),
            looks: 0,
        }
    }

    /// The version whose work counts.
    pub fn in_force(&self) -> &str {
        &self.in_force
    }

    /// This version is to take over, which may end in these ways.
    pub fn propose(&mut self, digest: String, ends: &[Step]) {
        self.candidate = Some(Candidate {
            digest,
            ends: ends.to_vec(),
        });
    }

    /// The reload has ended, and there was nobody to see it: it may only have ended as it was meant to.
    pub fn conclude(&mut self, is_done: bool) -> Step {
        let ends = self
            .candidate
            .as_ref()
            .map(|candidate| candidate.ends.clone())
            .unwrap_or_default();
        let end = ends
            .iter()
            .copied()
            .find(|end| (*end == Step::Done) == is_done);
        if end.is_none() {
            self.untruth(format!(
                "unseen, a reload has ended {}, which it must not",
                if is_done { "well" } else { "badly" }
            ));
        }
        let end = end.unwrap_or(if is_done { Step::Done } else { Step::Refused });
        self.settle(end);
        end
    }

    /// Looks at what is told, and takes note of how a reload has ended.
    pub fn look(&mut self, status: Status) -> Option<View> {
        let (host, told) = (status.host?, status.reload?);
        self.looks += 1;
        self.check_version(&told);
        if let Some(report) = &told.last {
            self.check_course(host.process, report);
            self.check_tally(&told, report);
            if report.step.is_over() && self.over != Some((host.process, report.number)) {
                self.over = Some((host.process, report.number));
                self.pauses.extend(report.pause_seconds);
                self.check_end(report);
                self.settle(report.step);
            }
            self.seen = Some((host.process, report.clone()));
        }
        let candidate = self.candidate.as_ref();
        Some(View {
            process: host.process,
            has_checkpoint: status.tasks.iter().any(|task| task.checkpoint.is_some()),
            works_by_candidate: candidate.is_some_and(|candidate| candidate.digest == told.version),
            last: told.last,
        })
    }

    fn untruth(&mut self, what: String) {
        // One leads to others.
        if self.untruths.len() < SHOWN {
            println!("untrue: {what}");
        }
        self.untruths.push(what);
    }

    fn settle(&mut self, end: Step) {
        if end == Step::Done
            && let Some(candidate) = self.candidate.take()
        {
            self.in_force = candidate.digest;
        }
    }

    fn check_version(&mut self, told: &Reload) {
        let step = told.last.as_ref().map(|report| report.step);
        let is_candidate = self
            .candidate
            .as_ref()
            .is_some_and(|candidate| candidate.digest == told.version);
        let is_in_force = self.in_force == told.version;
        let is_so = match step {
            Some(
                Step::Preparing | Step::Shadow | Step::Refused | Step::RolledBack | Step::Cancelled,
            ) => is_in_force,
            Some(Step::Probation) => is_candidate,
            // It is the moment at which one takes over from the other; or another process has seen how it ended.
            Some(Step::CutOver | Step::RollBack | Step::Done) | None => is_candidate || is_in_force,
        };
        if !is_so {
            let Self {
                in_force,
                candidate,
                ..
            } = self;
            let what = format!(
                "at {step:?} the version is {}; in force is {in_force}, to come is {candidate:?}",
                told.version
            );
            self.untruth(what);
        }
    }

    fn check_course(&mut self, process: u32, report: &Report) {
        let mut former = None;
        let mut is_so = report
            .steps
            .last()
            .is_some_and(|last| last.step == report.step);
        for taken in &report.steps {
            is_so &= taken.step.may_follow(former);
            former = Some(taken.step);
        }
        is_so &= report.steps.is_sorted_by_key(|taken| taken.at);
        if let Some((of, seen)) = &self.seen
            && *of == process
        {
            is_so &= seen.number <= report.number;
            let steps = |report: &Report| -> Vec<Step> {
                report.steps.iter().map(|taken| taken.step).collect()
            };
            is_so &= seen.number != report.number || steps(report).starts_with(&steps(seen));
        }
        if !is_so {
            let what = format!(
                "no reload goes like this: {report:?}, seen before: {:?}",
                self.seen
            );
            self.untruth(what);
        }
    }

    fn check_tally(&mut self, told: &Reload, report: &Report) {
        let over: u64 = told.tally.values().sum();
        let expected = report.number - u64::from(!report.step.is_over());
        if over != expected {
            self.untruth(format!(
                "{over} reloads are told to be over, {expected} are: {told:?}"
            ));
        }
    }

    fn check_end(&mut self, report: &Report) {
        let Some(candidate) = &self.candidate else {
            return self.untruth(format!("nobody asked for this reload: {report:?}"));
        };
        let are_meant = report.former == self.in_force
            && (report.new == candidate.digest || report.new.is_empty());
        if !are_meant || !candidate.ends.contains(&report.step) {
            let what = format!(
                "this is not how it was to end: {report:?}; in force was {}, to come was {candidate:?}",
                self.in_force
            );
            self.untruth(what);
        }
    }
}

/// How reloads of each kind ended, and for how long the pipeline stood still for them.
#[derive(Debug, Default)]
pub struct Endings(BTreeMap<(Kind, Step), Ending>);

#[derive(Debug, Default)]
struct Ending {
    count: u64,
    /// Seconds; none where it did not stand still, or nobody saw for how long.
    longest_pause: Option<f64>,
}

impl Endings {
    pub fn add(&mut self, kind: Kind, end: Step, pauses: &[f64]) {
        let ending = self.0.entry((kind, end)).or_default();
        ending.count += 1;
        let known = ending.longest_pause.into_iter();
        ending.longest_pause = known.chain(pauses.iter().copied()).reduce(f64::max);
    }

    pub fn print(&self) {
        let row = |kind: &str, end: &str, count: &str, pause: &str| {
            println!("  {kind:24}{end:12}{count:>6}{pause:>18}");
        };
        row("a reload of", "ended", "times", "stood still, ms");
        for ((kind, end), ending) in &self.0 {
            let (kind, end) = (format!("{kind:?}"), format!("{end:?}"));
            let pause = ending.longest_pause;
            let pause = pause.map_or_else(String::new, |pause| format!("{:.0}", pause * 1_000.0));
            row(&kind, &end, &ending.count.to_string(), &pause);
        }
    }
}
