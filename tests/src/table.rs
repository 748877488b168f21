//! What a run left behind and what it should have left, in one form: tables of rows, each row with what identifies it,
//! what it says, and the order that it stands in.

mod expected;
mod observed;
mod served;

pub use observed::{Observation, ReadError};
pub use served::{Queue, ServedObservation};

/// All rows of one table, file or queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What people call it.
    pub name: &'static str,
    /// In the order in which they were written, where there is one.
    pub rows: Vec<Row>,
}

/// A row in a form to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the row is about. Two rows about the same may be right: a line may come twice.
    pub identity: String,
    /// Everything else that the row says.
    pub content: String,
    /// Rows of one sequence stand in a fixed order; `None` where order means nothing.
    pub sequence: Option<String>,
}

const VOLUMES: &str = "interaction_volumes";
const ALERTS: &str = "pattern_alerts";
const ENRICHED: &str = "enriched.jsonl";
const REJECTED: &str = "dead letters";

fn volume_row(channel: &str, window_end: i64, volume: i64) -> Row {
    Row {
        identity: format!("{channel} {window_end}"),
        content: volume.to_string(),
        sequence: None,
    }
}

fn alert_row(
    customer_id: &str,
    channel: &str,
    timestamp: i64,
    failure_count: i64,
    alert_type: &str,
) -> Row {
    Row {
        identity: format!("{customer_id} {channel} {timestamp}"),
        content: format!("{failure_count} {alert_type}"),
        sequence: None,
    }
}

fn malformed_row(stage: &str, code: &str, line: &[u8]) -> Row {
    Row {
        identity: format!("{stage} {}", line.escape_ascii()),
        content: code.into(),
        sequence: None,
    }
}

fn late_row(stage: &str, key: &[u8], timestamp: i64) -> Row {
    Row {
        identity: format!("{stage} {} {timestamp}", key.escape_ascii()),
        content: LATE.into(),
        sequence: None,
    }
}

/// The code of a record that event time excludes.
const LATE: &str = "late";
/// The stage that reads lines.
const PARSER: &str = "parse";
