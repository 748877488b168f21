//! Patterns as data.
//!
//! One form that a person writes in TOML, that is read from JSON, and that a `MATCH_RECOGNIZE` clause is translated to: what
//! can be said in one can be shown in the other, and there is one compiler.

use std::collections::BTreeMap;

use jackfield_sdk::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A pattern, and what is made of its matches.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Definition {
    /// The stages, in the order in which their events have to come. Either these or `match-recognize`.
    pub stages: Vec<StageDefinition>,
    /// The pattern as SQL has it: a clause MATCH_RECOGNIZE (…), with or without those words.
    pub match_recognize: Option<String>,
    /// The last event of a match comes less than this after the first.
    pub within: Option<Duration>,
    /// What becomes of other matches once one is found.
    pub skip: Skip,
    /// What a match gives: a table in which every text is an expression over `key`, `pattern`, `started` and `timestamp`
    /// (milliseconds since the Unix epoch), `matched` (all events) and each stage by its name (a list of its events). Without
    /// it, the events by stage.
    pub output: Option<Json>,
    /// What a match gives that was not complete in time; as `output`.
    pub timed_out: Option<Json>,
    /// What becomes of an event of which a condition cannot say whether it holds.
    pub on_error: OnError,
    /// What becomes of matches that had begun under another definition, one of `previous`.
    pub on_change: OnChange,
    /// How this pattern was defined before, as long as there may be matches that began then.
    pub previous: Vec<Definition>,
    /// Whether it is taken out of use: no match begins any more, and what has begun is finished.
    pub retired: bool,
    /// How much a key may remember of it.
    pub limits: LimitsDefinition,
}

/// A stage of a pattern, or a group of stages in the place of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StageDefinition {
    /// What it is called, here and in expressions; of a group, nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The stages of a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<StageDefinition>,
    /// How its event stands to the one before; without meaning for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contiguity: Option<Follows>,
    /// Which events it takes: an expression over `event`, `timestamp`, `matched` (the events taken so far) and each stage by its
    /// name (a list of the events it has taken so far). Without it, any.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How many events it takes: a number, or a table of `from` and `to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// It takes so many events or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_or_more: Option<u32>,
    /// It takes an event or more.
    #[serde(skip_serializing_if = "is_false")]
    pub one_or_more: bool,
    /// It may be left out.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// It takes as many events as it can before the next stage is tried.
    #[serde(skip_serializing_if = "is_false")]
    pub greedy: bool,
    /// Its events follow each other directly.
    #[serde(skip_serializing_if = "is_false")]
    pub consecutive: bool,
    /// Between its events may come others that would have fitted.
    #[serde(skip_serializing_if = "is_false")]
    pub allow_combinations: bool,
    /// The first event that this holds of ends the loop, and is not part of it; an expression as `where`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Each of its events comes less than this after the one before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Duration>,
    /// Its event comes less than this after the one of the stage before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_previous: Option<Duration>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// How the event of a stage stands to the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Follows {
    /// It comes directly after it.
    Next,
    /// It is the first to fit after it.
    #[default]
    FollowedBy,
    /// It is any that fits after it: each choice is a match of its own.
    FollowedByAny,
    /// The event directly after must not fit.
    NotNext,
    /// No event in between must fit.
    NotFollowedBy,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Times {
    /// Exactly so often.
    Exactly(u32),
    /// A range.
    Range(TimesRange),
}

/// A range of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimesRange {
    /// At least; from 0 means that it may be left out.
    pub from: u32,
    /// At most.
    pub to: u32,
}

/// What becomes of other matches once one is found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// Every match there is.
    #[default]
    NoSkip,
    /// Those that began with the same event are dropped.
    ToNext,
    /// Those that began with an event of the match are dropped.
    PastLastEvent,
    /// Those that began before the first event of a stage are dropped.
    ToFirst(String),
    /// Those that began before the last event of a stage are dropped.
    ToLast(String),
}

/// What becomes of an event of which a condition cannot say whether it holds: a field is missing, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It is rejected, if the condition looks at the event alone; with what was taken before, it does not hold.
    #[default]
    Reject,
    /// It does not hold, as where SQL has null.
    NoMatch,
}

/// What becomes of matches that began under another definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// They are finished under the definition that they began with.
    #[default]
    Finish,
    /// They are dropped, and told of.
    Restart,
    /// They go on under the new definition where their states and stages have the same names; else they are dropped, and told of.
    Map,
}

/// How much a key may remember of a pattern. Beyond it the match that began first is given up, and told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsDefinition {
    /// Matches that have begun.
    #[schemars(range(min = 1))]
    pub partial_matches: u32,
    /// Bytes that they and their events take.
    #[schemars(range(min = 1024))]
    pub bytes: u32,
}

impl Default for LimitsDefinition {
    fn default() -> Self {
        Self {
            partial_matches: 10_000,
            bytes: 8 << 20,
        }
    }
}

/// Patterns by name, in the order of their names.
pub type Definitions = BTreeMap<String, Definition>;
