//! Hands a result on to the business intelligence platform (*Step 4*).

use jackfield_sdk::{Delivery, Workflow, log};
use serde::Serialize;

use crate::{INTELLIGENCE, Row};

/// What is handed on.
#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    timestamp: String,
    #[serde(rename = "queryId")]
    query_id: &'a str,
    metrics: &'a [Row],
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    /// Rows that the engine gave.
    total: usize,
    /// Rows that are handed on.
    sampled: usize,
}

impl<'a> Payload<'a> {
    pub(crate) fn new(
        timestamp: String,
        query_id: &'a str,
        metrics: &'a [Row],
        total: usize,
    ) -> Self {
        let sampled = metrics.len();
        Self {
            timestamp,
            query_id,
            metrics,
            summary: Summary { total, sampled },
        }
    }
}

pub(crate) fn hand_on(path: &str, result: &Payload<'_>, workflow: &mut Workflow<'_>) -> Delivery {
    let answer = workflow
        .connection(INTELLIGENCE)
        .post(path)
        .header("x-aggregator-version", "1.0.0")
        .json(result)
        .send();
    let delivery = Delivery::from(answer);
    if let Delivery::Failed(failure) = &delivery {
        log::warn(format_args!(
            "the webhook did not take the result of query {}: {failure}",
            result.query_id
        ));
    }
    delivery
}
