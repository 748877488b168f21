//! The clock starts a job.

use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;

use crate::config::code;
use crate::config::configuration::Configuration;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

/// The options of `type = "cron"`.
#[derive(Clone, Debug, PartialEq)]
pub struct CronTrigger {
    /// The job that is started.
    pub job: Located<String>,
    /// When.
    pub schedule: Located<Cron>,
    /// By whose clocks; UTC by default.
    pub time_zone: TimeZone,
    /// What becomes of runs that nobody was there for.
    pub missed: MissedRuns,
    /// The most missed runs that are made up for, the latest of them; 100 by default.
    pub maximum_missed: u32,
    /// What the job is given.
    pub input: Configuration,
}

/// What becomes of runs that nobody was there for, because the host was down or the job had no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedRuns {
    /// They are left out. The default.
    #[default]
    Skip,
    /// The latest is made up for.
    Once,
    /// All are made up for, one after the other.
    All,
}

impl Read for MissedRuns {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let choices = [
            ("skip", Self::Skip),
            ("once", Self::Once),
            ("all", Self::All),
        ];
        context.choice(node, &choices)
    }
}

impl CronTrigger {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let job = table.required("job");
        let schedule = table.required("schedule");
        let time_zone = match table.optional_node("time-zone") {
            Some(node) => TimeZone::read(node, table.context()),
            None => Some(TimeZone::UTC),
        };
        let missed = table.optional::<MissedRuns>("missed");
        let maximum_missed = table.optional_within("maximum-missed", 1..=10_000);
        if let Some(maximum) = &maximum_missed
            && missed
                .as_ref()
                .is_none_or(|missed| missed.value != MissedRuns::All)
        {
            let mut diagnostic = Diagnostic::new(
                &code::CONTRADICTION,
                maximum.place.clone(),
                "only where all missed runs are made up for there is a most of them",
            )
            .help("say `missed = \"all\"`, or leave it out");
            if let Some(missed) = &missed {
                diagnostic = diagnostic.related(missed.place.clone(), "what is done about them");
            }
            table.report(diagnostic);
        }
        let input = Configuration::read_key(table, "input");
        Some(Self {
            job: job?,
            schedule: schedule?,
            time_zone: time_zone?,
            missed: missed.map_or_else(MissedRuns::default, |found| found.value),
            maximum_missed: maximum_missed.map_or(100, |found| found.value),
            input,
        })
    }
}

impl Read for Cron {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let malformed = |found: String| {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not a cron expression", node.place.key()),
                )
                .found(found)
                .expected("minute, hour, day of month, month and day of week, such as `0 2 * * MON-FRI`; a sixth field in front is the second"),
            );
        };
        match Self::from_str(context.text(node)?) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                malformed(format!("{}: {error}", node.describe()));
                None
            }
        }
    }
}

impl Read for TimeZone {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let zone = Self::get(context.text(node)?).ok();
        if zone.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not a time zone", node.place.key()),
                )
                .found(node.describe())
                .expected("a name of the IANA database, such as `Europe/Berlin` or `UTC`"),
            );
        }
        zone
    }
}
