//! Tells the business intelligence platform that there is an export to fetch (*Step 3*).

use jackfield_sdk::{Workflow, log};
use serde::Serialize;
use serde_json::json;

use crate::execution::Execution;
use crate::{INTELLIGENCE, instant};

/// Whether the platform was told. The export is there in any case, so that a job does not fail by it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Webhook {
    /// It answered with 2xx.
    Delivered,
    /// It did not, for this reason.
    Failed(String),
}

pub(crate) fn tell(
    path: &str,
    schedule_id: &str,
    execution: &Execution,
    workflow: &mut Workflow<'_>,
) -> Webhook {
    let payload = json!({
        "scheduleId": execution.schedule_id().unwrap_or(schedule_id),
        "status": execution.status(),
        "timestamp": instant(workflow.now()),
        "rowCount": execution.row_count(),
    });
    let answer = workflow
        .connection(INTELLIGENCE)
        .post(path)
        .header("x-source", "CXone-Scheduler")
        .json(&payload)
        .send();
    let failure = match answer {
        Ok(answer) if answer.is_success() => return Webhook::Delivered,
        Ok(answer) => format!("answered {}", answer.status),
        Err(failure) => failure.to_string(),
    };
    log::warn(format_args!(
        "the webhook was not told of schedule {schedule_id}: {failure}"
    ));
    Webhook::Failed(failure)
}
