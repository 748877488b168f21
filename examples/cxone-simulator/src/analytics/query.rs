//! What a query may ask for.

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde_json::Value;

use crate::refusal::Refusal;
use crate::validation::Fields;

/// The document's limits of one query.
const MOST_DIMENSIONS: usize = 4;
const MOST_METRICS: usize = 10;
const MOST_ROWS_A_PAGE: u64 = 10_000;
/// Of time buckets and dimensions, before the calculation is refused.
const MOST_ROWS: usize = 1_000_000;

/// What rows can be grouped by, and the values that each has; journeys are as many as the tenant has.
pub(super) const DIMENSIONS: [&str; 6] = [
    "journeyId",
    "date",
    "channel",
    "segment",
    "region",
    "deviceType",
];

/// The dictionary of journey metrics.
pub(super) const METRICS: [&str; 12] = [
    "journeyCompletionRate",
    "journeyDropOffRate",
    "journeyStarts",
    "journeyCompletions",
    "journeyDropOffs",
    "journeyConversions",
    "averageDurationSeconds",
    "averageSteps",
    "averageWaitSeconds",
    "escalationRate",
    "satisfactionScore",
    "repeatRate",
];

/// A query that keeps to the limits.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub metrics: Vec<String>,
    pub time_group_by: String,
    pub from: Date,
    pub to: Date,
    /// Rows a page.
    pub limit: usize,
    /// The dimensions that rows are grouped by besides time, each with the values that the filter leaves of it.
    pub groups: Vec<(String, Vec<String>)>,
}

impl Query {
    /// # Errors
    /// 400 with every rule that the request breaks.
    pub fn checked(headers: &HeaderMap, body: &Bytes, journeys: u32) -> Result<Self, Refusal> {
        let mut fields = Fields::of(headers, body)?;
        fields.text("reportType");
        let metrics = fields.texts("metric", MOST_METRICS, &METRICS);
        if fields.value("metric") == Value::Array(Vec::new()) {
            fields.problem("metric", "at least one metric is needed");
        }
        let dimensions = fields.texts("dimension", MOST_DIMENSIONS, &DIMENSIONS);
        let time_group_by = fields.one_of("timeGroupBy", &["hour", "day", "week", "month"]);
        let limit = fields.integer("limit", 1..=MOST_ROWS_A_PAGE) as usize;
        let from = date(&mut fields, "dateFrom");
        let to = date(&mut fields, "dateTo");
        if from > to {
            fields.problem("dateTo", "must not be before dateFrom");
        }
        let filter = filter(&mut fields);
        fields.finish()?;
        let groups = dimensions.into_iter().filter(|name| name != "date");
        let query = Self {
            groups: groups
                .map(|name| (filtered(values(&name, journeys), filter.get(&name)), name))
                .map(|(values, name)| (name, values))
                .collect(),
            metrics,
            time_group_by,
            from,
            to,
            limit,
        };
        if query.rows() > MOST_ROWS {
            let message =
                format!("gives more than {MOST_ROWS} rows: group by less, or a shorter time");
            fields.problem("dimension", message);
            fields.finish()?;
        }
        Ok(query)
    }

    /// The length of a time bucket, and the first bucket's beginning.
    pub fn buckets(&self) -> (Span, Date) {
        match self.time_group_by.as_str() {
            "week" => {
                let monday = i32::from(self.from.weekday().to_monday_zero_offset());
                (1.week(), self.from.saturating_sub(monday.days()))
            }
            "month" => (1.month(), self.from.first_of_month()),
            _ => (1.day(), self.from),
        }
    }

    /// Before buckets without data are left out.
    fn rows(&self) -> usize {
        let days = (self.to - self.from).get_days().unsigned_abs() as usize + 1;
        let hours = if self.time_group_by == "hour" { 24 } else { 1 };
        let groups = self.groups.iter().map(|(_, values)| values.len());
        groups.fold(days * hours, usize::saturating_mul)
    }
}

/// A date, or the date of a point in time.
fn date(fields: &mut Fields, name: &str) -> Date {
    let parse = |text: &str| {
        let date = text.split('T').next().unwrap_or_default();
        date.parse::<Date>().ok()
    };
    let rule = "must be a date such as 2025-01-31, or a point in time in RFC 3339";
    let text = fields.text_that(name, rule, |text| parse(text).is_some());
    parse(&text).unwrap_or_default()
}

/// Dimensions, each with the value or the list of values that rows may have.
fn filter(fields: &mut Fields) -> serde_json::Map<String, Value> {
    let members = match fields.value("filter") {
        Value::Null => return serde_json::Map::new(),
        Value::Object(members) => members,
        _ => {
            fields.problem("filter", "must be an object");
            return serde_json::Map::new();
        }
    };
    for (name, value) in &members {
        if name == "date" || !DIMENSIONS.contains(&name.as_str()) {
            fields.problem("filter", format!("{name} is not a dimension to filter by"));
        } else if !value.is_string() && !value.is_array() {
            fields.problem(
                "filter",
                format!("{name} must be a text or a list of texts"),
            );
        }
    }
    members
}

fn filtered(values: Vec<String>, wanted: Option<&Value>) -> Vec<String> {
    let is_wanted = |value: &String| match wanted {
        None => true,
        Some(Value::Array(wanted)) => wanted.iter().any(|one| one == value.as_str()),
        Some(wanted) => wanted == value.as_str(),
    };
    values.into_iter().filter(is_wanted).collect()
}

/// The values of a dimension.
fn values(dimension: &str, journeys: u32) -> Vec<String> {
    let fixed: &[&str] = match dimension {
        "journeyId" => {
            return (1..=journeys)
                .map(|number| format!("journey-{number:04}"))
                .collect();
        }
        "channel" => &["chat", "email", "sms", "voice"],
        "segment" => &["bronze", "gold", "silver"],
        "region" => &["amer", "apac", "emea"],
        _ => &["desktop", "mobile"],
    };
    fixed.iter().map(ToString::to_string).collect()
}
