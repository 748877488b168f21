//! Makes the schedule (*Step 2*): once, although an answer can be lost, or arrive as half of itself.

use std::time::Duration;

use jackfield_sdk::{Failure, MALFORMED_RESPONSE, Workflow};
use serde::Deserialize;

use crate::{ExportRequest, PLATFORM, SCHEDULES};

/// How long is waited before an answer that made no sense is asked for again. Other failures are tried again by the host.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// Makes the schedule: 201 and its identifier.
pub(crate) fn create(
    request: &ExportRequest,
    workflow: &mut Workflow<'_>,
) -> Result<String, Failure> {
    // A key of the job's own, and not one a request as the host would give: whoever asks for the lost answer again asks for the same schedule.
    let key = format!("{:016x}{:016x}", workflow.random(), workflow.random());
    workflow.ask_again(PAUSE, |workflow| attempt(request, &key, workflow))
}

fn attempt(
    request: &ExportRequest,
    key: &str,
    workflow: &mut Workflow<'_>,
) -> Result<String, Failure> {
    let answer = workflow
        .connection(PLATFORM)
        .post(SCHEDULES)
        .header("accept", "application/json")
        .header("idempotency-key", key)
        .json(&request.payload())
        .send()?;
    if answer.status == 400 {
        return Err(Failure {
            code: "schedule-refused".to_owned(),
            ..answer.unexpected().status(400)
        });
    }
    let Created { id } = answer.expect_status(201)?.json()?;
    match id.is_empty() {
        false => Ok(id),
        true => {
            let message = "the schedule that was made has an empty identifier";
            Err(Failure::new(MALFORMED_RESPONSE, message).status(502))
        }
    }
}
