//! The rows of a query's result: one for each time bucket and each combination of the dimensions' values, the same whenever
//! the same is asked. As in real data, some buckets are missing, some values are null or no numbers, and a few lie far from
//! the others.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::query::Query;
use crate::options::Options;
use crate::random::Random;

/// Shares of days without data, of values that are null, of values that are no numbers, and of values far from the others.
const MISSING: f64 = 0.02;
const NULL: f64 = 0.005;
const NO_NUMBER: f64 = 0.001;
const OUTLYING: f64 = 0.01;

pub(super) struct Rows<'a> {
    query: &'a Query,
    seed: u64,
    /// The time buckets that have data.
    buckets: Vec<String>,
}

impl<'a> Rows<'a> {
    pub fn new(query: &'a Query, options: &Options) -> Self {
        let seed = options.seed;
        let has_data = |bucket: &String| {
            // A whole day is missing, not an hour of it.
            let day = bucket.split('T').next().unwrap_or_default();
            Random::new(seed, "missing bucket", day, 0).share() >= MISSING
        };
        Self {
            query,
            seed,
            buckets: buckets(query).filter(has_data).collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.buckets.len() * self.combinations()
    }

    /// The rows from `begin` to before `end`.
    pub fn slice(&self, begin: usize, end: usize) -> Vec<Value> {
        (begin..end).map(|place| self.row(place)).collect()
    }

    fn combinations(&self) -> usize {
        let groups = self.query.groups.iter();
        groups.map(|(_, values)| values.len()).product()
    }

    fn row(&self, place: usize) -> Value {
        let combinations = self.combinations();
        let bucket = &self.buckets[place / combinations];
        let mut row = Map::new();
        row.insert("date".into(), bucket.as_str().into());
        let mut rest = place % combinations;
        let mut subject = bucket.clone();
        for (name, values) in &self.query.groups {
            let value = &values[rest % values.len()];
            rest /= values.len();
            subject = format!("{subject} {name}={value}");
            row.insert(name.clone(), value.as_str().into());
        }
        for name in &self.query.metrics {
            let random = Random::new(self.seed, name, &subject, 0);
            row.insert(name.clone(), metric(name, random));
        }
        Value::Object(row)
    }
}

/// The value of a metric, whose kind its name tells.
fn metric(name: &str, mut random: Random) -> Value {
    let kind = random.share();
    if kind < NULL {
        return Value::Null;
    } else if kind < NULL + NO_NUMBER {
        return "NaN".into();
    }
    // The mean of three is near the middle more often than not.
    let middle = (random.share() + random.share() + random.share()) / 3.0;
    let outlying = random.share() < OUTLYING;
    let rounded = |number: f64| Value::from((number * 10_000.0).round() / 10_000.0);
    let far = |number: f64| if outlying { number * 20.0 } else { number };
    match name {
        _ if name.ends_with("Rate") && outlying => rounded(middle / 20.0),
        _ if name.ends_with("Rate") => rounded(0.6 + 0.35 * middle),
        _ if name.starts_with("journey") => Value::from(far(200.0 + 400.0 * middle) as u64),
        "satisfactionScore" => rounded(1.0 + 4.0 * middle),
        _ => rounded(far(1.0 + 60.0 * middle)),
    }
}

/// The time buckets of a query, named by their beginning.
fn buckets(query: &Query) -> impl Iterator<Item = String> {
    let (length, first) = query.buckets();
    let days = first.series(length).take_while(|day| *day <= query.to);
    let hourly = query.time_group_by == "hour";
    days.flat_map(move |day| names(day, hourly))
}

fn names(day: Date, hourly: bool) -> Vec<String> {
    match hourly {
        true => (0..24)
            .map(|hour| format!("{day}T{hour:02}:00:00Z"))
            .collect(),
        false => vec![day.to_string()],
    }
}
