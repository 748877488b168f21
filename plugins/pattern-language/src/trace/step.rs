//! What is told of each event.

use serde::Serialize;
use serde_json::Value as Json;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// The number of the event, from 1; none if the record is none.
    pub event: Option<usize>,
    /// Its key.
    pub key: String,
    /// Milliseconds since the Unix epoch; none once all events are taken.
    pub timestamp: Option<i64>,
    /// The record.
    pub record: Json,
    /// Why it is no event, if it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// What each pattern did. Those that did nothing are left out.
    pub patterns: Vec<Reaction>,
}

/// What a pattern did with an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reaction {
    /// The name of the pattern.
    pub pattern: String,
    /// What came of the time that passed before the event.
    pub before: Vec<Outcome>,
    /// The matches that it was held against, the earliest first; what nothing begins of is last.
    pub attempts: Vec<Attempt>,
    /// What came of the event.
    pub after: Vec<Outcome>,
    /// The matches that have begun, once it is taken.
    pub partial: Vec<Partial>,
}

/// A match that an event was held against.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attempt {
    /// Where it stood.
    pub from: Partial,
    /// Each way on, and whether it was open.
    pub ways: Vec<Way>,
    /// What became of it.
    pub fate: Fate,
}

/// A match that has begun.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Partial {
    /// The name of its state.
    pub state: String,
    /// The numbers of its events, by stage in the order in which they were taken.
    pub events: Vec<(String, usize)>,
    /// Whether it is complete, and waits for others.
    pub is_complete: bool,
}

/// What becomes of a match by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It has begun.
    Begun,
    /// Nothing has.
    NotBegun,
    /// It took the event.
    Advanced,
    /// It goes on waiting.
    Waits,
    /// No way was open.
    Ended,
    /// Something happened that was not to.
    Stopped,
    /// It would have gone on, and was dropped because another match was found.
    Dropped,
}

/// A way on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Way {
    /// `take`, `ignore` or `proceed`.
    pub action: &'static str,
    /// The state that it leads to.
    pub to: String,
    /// What is asked; empty if nothing is.
    pub condition: String,
    /// Each condition, and what it said.
    pub answers: Vec<(String, Answer)>,
    /// Whether it was open.
    pub is_open: bool,
    /// Whether the match is complete then.
    pub completes: bool,
}

/// What a condition said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It cannot say, and so does not.
    Failed(String),
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// `match`, `timed-out` or `given-up`.
    pub what: &'static str,
    /// The numbers of its events, by stage.
    pub events: Vec<(String, usize)>,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The record that is sent on; text that says why if there is none.
    pub output: Json,
}
