//! Tells the business intelligence platform that there is an export to fetch (*Step 3*).

use jackfield_sdk::{Delivery, Workflow, log};
use serde_json::json;

use crate::execution::Execution;
use crate::{INTELLIGENCE, instant};

pub(crate) fn tell(
    path: &str,
    schedule_id: &str,
    execution: &Execution,
    workflow: &mut Workflow<'_>,
) -> Delivery {
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
    let delivery = Delivery::from(answer);
    if let Delivery::Failed(failure) = &delivery {
        log::warn(format_args!(
            "the webhook was not told of schedule {schedule_id}: {failure}"
        ));
    }
    delivery
}
