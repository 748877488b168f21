//! Whether every day of a query has rows (*Step 3*).

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use crate::query::day_of;
use crate::{Query, Row};

/// Which days, or weeks or months if the query groups by those, have rows.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// How many the query spans.
    expected: usize,
    /// How many of those have rows.
    found: usize,
    /// Those that have none, each by its first day.
    missing: Vec<String>,
}

/// None where nothing is known of the length of time that the query groups by.
pub(crate) fn completeness(query: &Query, rows: &[Row]) -> Option<Completeness> {
    let bucket = bucket_of(&query.time_group_by)?;
    let (first, last) = (day_of(&query.date_from)?, day_of(&query.date_to)?);
    let days = first.series(1.day()).take_while(|day| *day <= last);
    let expected: BTreeSet<Date> = days.map(bucket).collect();
    let dates = rows
        .iter()
        .filter_map(|row| row.get("date").and_then(Value::as_str));
    let found: BTreeSet<Date> = dates.filter_map(day_of).map(bucket).collect();
    let missing: Vec<String> = expected.difference(&found).map(Date::to_string).collect();
    Some(Completeness {
        expected: expected.len(),
        found: expected.len() - missing.len(),
        missing,
    })
}

/// The first day of the bucket that a day is in.
fn bucket_of(time_group_by: &str) -> Option<fn(Date) -> Date> {
    Some(match time_group_by {
        "hour" | "day" => |day| day,
        "week" => |day| {
            let since_monday = i32::from(day.weekday().to_monday_zero_offset());
            day.saturating_sub(since_monday.days())
        },
        "month" => Date::first_of_month,
        _ => return None,
    })
}

impl Completeness {
    /// Whether none is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}
