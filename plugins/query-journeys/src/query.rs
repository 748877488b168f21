//! What may be asked for (*Step 1*): the engine's limits, so that everything that is wrong is told at once.

use jackfield_sdk::{Fields, Problems};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const MOST_DIMENSIONS: usize = 4;
const MOST_METRICS: usize = 10;
const MOST_ROWS_A_PAGE: u64 = 10_000;
/// A hundred years: the days that are missing are listed one by one.
const MOST_DAYS: i32 = 36_525;

const DATE_RULE: &str =
    "must be a date such as 2025-01-31, or a point in time such as 2025-01-31T00:00:00Z";

/// What a job is started with, and the body of `POST /reporting/analytics`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The kind of report.
    pub report_type: String,
    /// The metrics of each row, 1 to 10.
    pub metric: Vec<String>,
    /// What rows are grouped by, 4 at most.
    pub dimension: Vec<String>,
    /// Which values of dimensions are wanted.
    pub filter: Map<String, Value>,
    /// The length of a time bucket, such as `day`.
    pub time_group_by: String,
    /// The first day, or a point in time on it.
    pub date_from: String,
    /// The last day, or a point in time on it.
    pub date_to: String,
    /// Rows a page, 1 to 10,000.
    pub limit: u64,
}

impl Query {
    /// Reads an input, and says everything that is wrong with it.
    pub(crate) fn read(input: &[u8], problems: &mut Problems) -> Option<Self> {
        let mut fields = problems.read_object(input)?;
        let report_type = fields.required("reportType").text();
        let metric = fields.required("metric").texts(1..=MOST_METRICS);
        let dimension = fields.optional("dimension").texts(0..=MOST_DIMENSIONS);
        let filter = fields.optional("filter").object();
        let time_group_by = fields.required("timeGroupBy").text();
        let date_from = date(&mut fields, "dateFrom");
        let date_to = date(&mut fields, "dateTo");
        check_order(date_from.as_deref(), date_to.as_deref(), &mut fields);
        let limit = fields.required("limit").integer(1..=MOST_ROWS_A_PAGE);
        fields.finish();
        Some(Self {
            report_type: report_type?,
            metric: metric?,
            dimension: dimension.unwrap_or_default(),
            filter: filter.unwrap_or_default(),
            time_group_by: time_group_by?,
            date_from: date_from?,
            date_to: date_to?,
            limit: limit?,
        })
    }
}

fn date(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let field = fields.required(name);
    field.text_that("malformed-date", DATE_RULE, |text| day_of(text).is_some())
}

fn check_order(from: Option<&str>, to: Option<&str>, fields: &mut Fields<'_>) {
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let (Some(first), Some(last)) = (day_of(from), day_of(to)) else {
        return;
    };
    let days = (last - first).get_days();
    if days < 0 {
        let message = format!("dateTo must not be before dateFrom, which is {from}");
        fields
            .problem("dateTo", "before-date-from", message)
            .value(to);
    } else if days >= MOST_DAYS {
        let message = format!("a query spans at most {MOST_DAYS} days");
        fields.problem("dateTo", "too-long", message).value(to);
    }
}

/// The day of a date, or of a point in time as it is written.
pub(crate) fn day_of(text: &str) -> Option<Date> {
    let (day, time) = match text.split_once('T') {
        Some((day, _)) => (day, Some(text)),
        None => (text, None),
    };
    let is_point = time.is_none_or(|point| point.parse::<Timestamp>().is_ok());
    // Other forms that are dates as well, such as 20250131, are none that the engine knows.
    let day = Some(day).filter(|day| day.len() == "2025-01-31".len() && is_point)?;
    day.parse().ok()
}
