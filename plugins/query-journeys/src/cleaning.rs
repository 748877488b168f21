//! Makes of a result what can be reported (*Steps 2 and 3*): what it lacks is counted, too many rows are sampled, and rows with outliers are left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::calendar::{Completeness, completeness};
use crate::statistics::{Fences, Quartiles, systematic_sample};
use crate::{Configuration, Query, Row};

/// What every row should have.
const REQUIRED: [&str; 4] = [
    "journeyId",
    "date",
    "journeyCompletionRate",
    "journeyDropOffRate",
];

/// What is filtered by, in this order: the second among the rows that the first has left.
const FILTERED: [&str; 2] = ["journeyCompletionRate", "journeyDropOffRate"];

/// Rows that were cleaned.
pub(crate) struct Cleaned {
    pub rows: Vec<Row>,
    pub quality: Quality,
}

/// How many rows lack a key that they should have, by key; keys that none lacks are left out.
pub type MissingKeys = BTreeMap<&'static str, usize>;

/// What a result lacked, and what was left out of it.
#[derive(Debug, Serialize)]
pub struct Quality {
    /// Rows that the engine gave.
    pub total_rows: usize,
    /// Rows that lack keys, by key.
    pub missing_keys: MissingKeys,
    /// Days without rows; nothing where the query groups by other lengths of time.
    pub completeness: Option<Completeness>,
    /// Rows that the sample has, all if it was not needed.
    pub sampled_rows: usize,
    /// What was found a metric.
    pub outliers: Vec<Outliers>,
    /// Rows that were handed on.
    pub rows: usize,
}

/// What was found in one metric.
#[derive(Debug, Serialize)]
pub struct Outliers {
    metric: &'static str,
    /// Nothing where there is no number.
    fences: Option<Fences>,
    /// Rows that were left out.
    left_out: usize,
    /// Rows that were kept although the value is no number, or is not there: nothing can be said of it.
    not_numbers: usize,
}

/// The report on one result, as it leaves the job.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    timestamp: String,
    #[serde(rename = "queryId")]
    query_id: &'a str,
    /// Rows there should be by the engine's own count.
    counted_rows: Option<u64>,
    #[serde(flatten)]
    quality: &'a Quality,
}

pub(crate) fn clean(mut rows: Vec<Row>, query: &Query, configuration: &Configuration) -> Cleaned {
    let total_rows = rows.len();
    let missing_keys = missing_keys(&rows);
    let completeness = completeness(query, &rows);
    sample(&mut rows, configuration.sample_rows);
    let sampled_rows = rows.len();
    let outliers = FILTERED.map(|metric| leave_out(&mut rows, metric, configuration.quartiles));
    let quality = Quality {
        total_rows,
        missing_keys,
        completeness,
        sampled_rows,
        outliers: outliers.into(),
        rows: rows.len(),
    };
    Cleaned { rows, quality }
}

fn missing_keys(rows: &[Row]) -> MissingKeys {
    let lacking = |key: &&'static str| {
        let count = rows.iter().filter(|row| !row.contains_key(*key)).count();
        (*key, count)
    };
    let counts = REQUIRED.iter().map(lacking);
    counts.filter(|(_, count)| *count > 0).collect()
}

fn sample(rows: &mut Vec<Row>, most: usize) {
    let mut places = systematic_sample(rows.len(), most).peekable();
    let mut place = 0;
    rows.retain(|_| {
        let is_taken = places.next_if_eq(&place).is_some();
        place += 1;
        is_taken
    });
}

fn leave_out(rows: &mut Vec<Row>, metric: &'static str, quartiles: Quartiles) -> Outliers {
    let number = |row: &Row| row.get(metric).and_then(Value::as_f64);
    let fences = quartiles.fences(rows.iter().filter_map(number));
    let before = rows.len();
    let mut not_numbers = 0;
    rows.retain(|row| match (number(row), &fences) {
        (Some(value), Some(fences)) => fences.hold(value),
        _ => {
            not_numbers += 1;
            true
        }
    });
    Outliers {
        metric,
        fences,
        left_out: before - rows.len(),
        not_numbers,
    }
}

impl Quality {
    pub(crate) fn of<'a>(
        &'a self,
        query_id: &'a str,
        timestamp: String,
        counted_rows: Option<u64>,
    ) -> Report<'a> {
        Report {
            timestamp,
            query_id,
            counted_rows,
            quality: self,
        }
    }

    /// Rows that were handed on over rows that the engine gave, in percent; 100 where it gave none (*Step 4*).
    #[must_use]
    pub fn accuracy_rate(&self) -> f64 {
        match self.total_rows {
            0 => 100.0,
            total => self.rows as f64 / total as f64 * 100.0,
        }
    }
}
