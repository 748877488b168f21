//! What a manifest says of the stage.

use std::collections::BTreeMap;

use jackfield_expression::{Format, one_table};
use jackfield_sdk::Duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which records are aggregated, in which windows, how, and what comes out. Everything that is called an expression is one of the
/// Common Expression Language. Those about a record name `record`, which is what it holds; `key`, its key as text; and `timestamp`,
/// its event time in milliseconds since 1970.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Configuration {
    /// How records are encoded.
    #[serde(default)]
    pub(crate) format: Format,
    /// An expression about a record: only those that it holds for are aggregated. All of them without it.
    #[serde(rename = "where")]
    pub(crate) condition: Option<String>,
    /// An expression about a record: the time by which it is put into windows, in milliseconds since 1970. Its event time without it.
    pub(crate) event_time: Option<String>,
    /// How windows are laid over time.
    pub(crate) window: WindowOption,
    /// When a window puts out what it comes to. Without it, once the watermark has reached its end.
    pub(crate) trigger: Option<TriggerOption>,
    /// Whether a window begins anew each time that it has put out what it comes to, instead of going on from there.
    #[serde(default)]
    pub(crate) purging: bool,
    /// For how long a window is kept after its end, and puts out what it comes to again for each record that comes late.
    pub(crate) allowed_lateness: Option<Duration>,
    /// Whether a window that puts out what it comes to again first takes back what it put out before, in a record of its own
    /// (`window.retraction` is true in it).
    #[serde(default)]
    pub(crate) retractions: bool,
    /// Which records a window is left with when it puts out what it comes to; the others are forgotten. For this all records of a
    /// window are kept.
    pub(crate) evict: Option<EvictOption>,
    /// What is made of the records of a window, by the names that `having` and `output` use.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) aggregates: BTreeMap<String, Function>,
    /// An expression about what comes out, which names the aggregates, `key` and `window`: only what it holds for is put out.
    pub(crate) having: Option<String>,
    /// What is put out, as JSON: tables, lists, numbers and truth values stand for themselves, and every text is an expression, which
    /// names the aggregates, `key`, and `window` with its `start`, `end`, `timing` (`'early'`, `'on-time'` or `'late'`) and `retraction`. Text
    /// that is to come out as it stands is quoted in the expression: `"'ALERT'"`. Without it the key, start and end of the window and all aggregates.
    pub(crate) output: Option<serde_json::Value>,
}

/// How windows are laid over time.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = one_table)]
pub enum WindowOption {
    /// Of one size, end to end.
    Tumbling {
        /// The length of a window.
        size: Duration,
        /// When the first window after 1970 starts; it is shorter than the size.
        offset: Option<Duration>,
    },
    /// Of one size, starting at regular intervals, so that they overlap.
    Sliding {
        /// The length of a window.
        size: Duration,
        /// From the start of one window to the start of the next.
        slide: Duration,
        /// When the first window after 1970 starts; it is shorter than the slide.
        offset: Option<Duration>,
    },
    /// As long as records keep coming.
    Session {
        /// A session ends when none has come for so long.
        gap: Duration,
    },
    /// Of so many records of a key; fewer that are left are never put out.
    Count(#[schemars(range(min = 1))] u64),
    /// One for all of time. Without a trigger it is put out when all input has ended.
    Global,
}

/// When a window puts out what it comes to.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = one_table)]
pub enum TriggerOption {
    /// Once the watermark has reached its end.
    EventTime,
    /// Each time that so many records have come into it, and at no other time.
    Count(#[schemars(range(min = 1))] u64),
    /// Each time that so many records have come into it, and once the watermark has reached its end.
    CountAndEventTime(#[schemars(range(min = 1))] u64),
    /// Each time that so much of event time has passed, and once the watermark has reached its end.
    Every(Duration),
}

/// Which records a window is left with when it puts out what it comes to.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = one_table)]
pub enum EvictOption {
    /// The last so many.
    KeepLast(#[schemars(range(min = 1))] usize),
    /// Those that are not older than so much before the latest.
    KeepWithin(Duration),
}

/// What is made of the records of a window: `"count"`, or a table of one function and what it takes, such as `{ sum = "record.amount" }`. Where an expression about a record comes to null, the record counts for nothing.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = one_table)]
pub enum Function {
    /// How many records there are.
    Count,
    /// How many records there are that an expression holds for.
    CountIf(String),
    /// The sum of numbers: whole and exact as long as all of them are; of none, 0.
    Sum(String),
    /// The least of numbers, texts or truth values; null of none.
    Min(String),
    /// The greatest of numbers, texts or truth values; null of none.
    Max(String),
    /// The mean of numbers; null of none.
    Avg(String),
    /// About how many different values there are, by HyperLogLog: exact up to a few hundred.
    Distinct(DistinctOption),
    /// The value that a part of all numbers is not greater than, by t-digest: exact up to 256 numbers; null of none.
    Quantile {
        /// An expression about a record: the number.
        of: String,
        /// Which part: 0.5 for the median, 0.99 for the 99th percentile.
        #[schemars(range(min = 0, max = 1))]
        rank: f64,
    },
    /// The greatest few, the greatest first; of equal ones, those that came first.
    Top {
        /// An expression about a record: what is listed.
        of: String,
        /// An expression about a record: what they are compared by. What is listed, without it.
        by: Option<String>,
        /// How many.
        #[schemars(range(min = 1, max = 1000))]
        k: usize,
    },
    /// The value of the record with the earliest time; null of none.
    First(String),
    /// The value of the record with the latest time; null of none.
    Last(String),
    /// The values in the order of their arrival.
    Collect(CollectOption),
}

/// What is counted, and how exactly.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DistinctOption {
    /// An expression about a record.
    Of(String),
    /// The same, and how exactly.
    Exactly {
        /// An expression about a record.
        of: String,
        /// The standard error is about 1.04 / sqrt(2^precision), and the memory half of 2^precision bytes; 12 without it.
        #[schemars(range(min = 4, max = 21))]
        precision: u8,
    },
}

/// What is listed, and how much of it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CollectOption {
    /// An expression about a record; the first 1,000 values are listed.
    Of(String),
    /// The same, and how many.
    AtMost {
        /// An expression about a record.
        of: String,
        /// How many values are listed at most; those that come later are left out.
        #[schemars(range(min = 1, max = 100_000))]
        limit: usize,
    },
}
