//! How another version of a pipeline is taken in while it runs.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::{Node, Value};

/// How a new version is taken in: `[reload]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reload {
    /// Whether the manifest and the plugins that it names are watched, and taken in when they have changed; no by default.
    pub watch: bool,
    /// How much the outputs of the new version may differ.
    pub policy: ReloadPolicy,
    /// The comparison before it takes over.
    pub shadow: Shadowing,
    /// What is expected of it afterwards.
    pub probation: Probation,
    /// Former versions that are kept, 1 to 100; 5 by default.
    pub keep: u16,
    /// The folder that versions are kept in; beside the database of the checkpoints by default.
    pub versions: Option<PathBuf>,
    /// What becomes of a manifest that has changed while the pipeline did not run.
    pub on_start: StartPolicy,
}

/// How much the outputs of a new version may differ: `policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ReloadPolicy {
    /// As much as it will: people look at the differences. The default.
    #[default]
    Observe,
    /// Not at all.
    RequireEqual,
    /// By this share of the records, from 0 to 1.
    Tolerate(f64),
}

/// What becomes of a manifest that has changed while the pipeline did not run: `on-start`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartPolicy {
    /// It is what runs. The default.
    #[default]
    Switch,
    /// The version that ran goes on, and the new one is taken in as if it had been running.
    Reload,
}

/// The comparison of both versions: `shadow`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shadowing {
    /// Records that are compared at most; 10,000 by default, 0 is none.
    pub records: u64,
    /// How long it takes at most; 10 s by default.
    pub duration: Duration,
    /// The share of one CPU that it may use, from 0.01 to 1; 0.5 by default.
    pub cpu_share: f64,
}

/// What is expected of the new version when it works: `probation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Probation {
    /// For how long nothing of what it does is committed, 10 minutes at most; by default 10 s, or half of what a transaction of Kafka may take if that is less.
    pub duration: Option<Located<Duration>>,
    /// By how much the share of refused records may rise, from 0 to 1; 0.05 by default.
    pub rejections: f64,
    /// How many times the CPU time a record of the former version it may take, from 1 to 1,000; 3 by default.
    pub slowdown: f64,
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            watch: false,
            policy: ReloadPolicy::default(),
            shadow: Shadowing::default(),
            probation: Probation::default(),
            keep: 5,
            versions: None,
            on_start: StartPolicy::default(),
        }
    }
}

impl Default for Shadowing {
    fn default() -> Self {
        Self {
            records: 10_000,
            duration: Duration::from_secs(10),
            cpu_share: 0.5,
        }
    }
}

impl Default for Probation {
    fn default() -> Self {
        Self {
            duration: None,
            rejections: 0.05,
            slowdown: 3.0,
        }
    }
}

impl Reload {
    pub(crate) fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default();
        let watch = table.optional::<bool>("watch");
        let policy = table.optional::<ReloadPolicy>("policy");
        let on_start = table.optional::<StartPolicy>("on-start");
        let shadow = table.optional_table("shadow", |table| Some(Shadowing::read(table)));
        let probation = table.optional_table("probation", |table| Some(Probation::read(table)));
        let keep = table.optional_within("keep", 1..=100_u16);
        let versions: Option<Located<PathBuf>> = table.optional("versions");
        Self {
            watch: watch.map_or(default.watch, |found| found.value),
            policy: policy.map_or(default.policy, |found| found.value),
            shadow: shadow.unwrap_or(default.shadow),
            probation: probation.unwrap_or(default.probation),
            keep: keep.map_or(default.keep, |found| found.value),
            versions: versions.map(|found| found.value),
            on_start: on_start.map_or(default.on_start, |found| found.value),
        }
    }
}

impl Shadowing {
    fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default();
        let records = table.optional_within("records", 0..=10_000_000_u32);
        let duration = table.optional_within("duration", LEAST..=LONGEST);
        let cpu_share = table.optional_within("cpu-share", 0.01..=1.0);
        Self {
            records: records.map_or(default.records, |found| u64::from(found.value)),
            duration: duration.map_or(default.duration, |found| found.value),
            cpu_share: cpu_share.map_or(default.cpu_share, |found| found.value),
        }
    }
}

impl Probation {
    fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default();
        let duration = table.optional_within("duration", LEAST..=LONGEST);
        let rejections = table.optional_within("rejections", 0.0..=1.0);
        let slowdown = table.optional_within("slowdown", 1.0..=1_000.0);
        Self {
            duration,
            rejections: rejections.map_or(default.rejections, |found| found.value),
            slowdown: slowdown.map_or(default.slowdown, |found| found.value),
        }
    }
}

const LEAST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(600);

fn wrong(node: &Node, expected: &str) -> Diagnostic {
    let problem = format!("`{}` cannot be this", node.place.key());
    Diagnostic::new(&code::MALFORMED_VALUE, node.place.clone(), problem)
        .found(node.describe())
        .expected(expected.to_owned())
}

impl Read for ReloadPolicy {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let expected = "`observe`, `require-equal`, or a share such as `{ tolerate = 0.01 }`";
        match &node.value {
            Value::Text(text) if text.content == "observe" => Some(Self::Observe),
            Value::Text(text) if text.content == "require-equal" => Some(Self::RequireEqual),
            Value::Table(_) => {
                let table = TableReader::new(node, context)?;
                let tolerate = table.required_within("tolerate", 0.0..=1.0);
                table.finish();
                Some(Self::Tolerate(tolerate?.value))
            }
            _ => {
                context.report(wrong(node, expected));
                None
            }
        }
    }
}

impl Read for StartPolicy {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text.content == "switch" => Some(Self::Switch),
            Value::Text(text) if text.content == "reload" => Some(Self::Reload),
            _ => {
                context.report(wrong(node, "`switch` or `reload`"));
                None
            }
        }
    }
}
