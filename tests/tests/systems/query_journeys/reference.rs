//! What document 002 makes of the rows of a result, written down once more and as plainly as possible; the rows come from the platform itself.

use std::collections::BTreeSet;

use cxone_simulator::ClientRequest;
use jackfield_tests::systems::Site;
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::Value;

/// All rows of a query, asked for in pages of ten thousand.
pub fn rows(site: &Site, query: &Value) -> Vec<Value> {
    let mut query = query.clone();
    query["limit"] = 10_000.into();
    let client = site.simulator().client();
    let ask = |method: &str, target: String, body: Option<Vec<u8>>| {
        let request = ClientRequest {
            method: method.to_owned(),
            target,
            headers: vec![("content-type".into(), "application/json".into())],
            body,
        };
        let answer = site.block_on(client.send(&request)).unwrap();
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let analytics = "/api/v2/reporting/analytics";
    let made = ask("POST", analytics.into(), Some(query.to_string().into()));
    let place = format!("{analytics}/{}", made["queryId"].as_str().unwrap());
    let mut rows: Vec<Value> = Vec::new();
    let mut target = place.clone();
    loop {
        let page = ask("GET", target.clone(), None);
        rows.extend(page["data"].as_array().cloned().unwrap_or_default());
        match (page["status"].as_str(), page["nextPageToken"].as_str()) {
            (Some("completed"), None) => return rows,
            (Some("completed"), Some(token)) => target = format!("{place}?nextPageToken={token}"),
            _ => {}
        }
    }
}

/// Exactly so many, at equal distances.
pub fn sample(rows: &[Value], most: usize) -> Vec<Value> {
    let taken = rows.len().min(most);
    let place = |index: usize| index * rows.len() / taken;
    (0..taken).map(|index| rows[place(index)].clone()).collect()
}

/// Without rows beyond 1.5 interquartile ranges of the quartiles in places n/4 and 3n/4, first by one rate and then by the other.
pub fn without_outliers(rows: &[Value]) -> Vec<Value> {
    let mut kept = rows.to_vec();
    for metric in ["journeyCompletionRate", "journeyDropOffRate"] {
        let mut values: Vec<f64> = kept.iter().filter_map(|row| row[metric].as_f64()).collect();
        values.sort_by(f64::total_cmp);
        let (first, third) = (values[values.len() / 4], values[values.len() * 3 / 4]);
        let reach = 1.5 * (third - first);
        let fences = first - reach..=third + reach;
        kept.retain(|row| {
            row[metric]
                .as_f64()
                .is_none_or(|value| fences.contains(&value))
        });
    }
    kept
}

/// Those of so many days that no row is of.
pub fn days_without_rows(rows: &[Value], first: &str, days: usize) -> Vec<String> {
    let found: BTreeSet<&str> = rows.iter().filter_map(|row| row["date"].as_str()).collect();
    let first: Date = first.parse().unwrap();
    let all = first.series(1.day()).take(days).map(|day| day.to_string());
    all.filter(|day| !found.contains(day.as_str())).collect()
}
