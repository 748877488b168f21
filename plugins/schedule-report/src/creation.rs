//! Makes the schedule (*Step 2*): once, although an answer can be lost, or arrive as half of itself.

use std::time::Duration;

use jackfield_sdk::{Failure, Workflow};
use serde::Deserialize;

use crate::{ExportRequest, PLATFORM, SCHEDULES};

/// How often an answer may be none, and how long the next is waited for. Other failures are tried again by the host.
const TRIES: u32 = 3;
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
    let mut tries = 1;
    loop {
        match attempt(request, &key, workflow) {
            Err(failure) if failure.code == UNREADABLE && tries < TRIES => tries += 1,
            created => return created,
        }
        workflow.sleep(PAUSE);
    }
}

/// The code of an answer that says 201 and not what was created.
const UNREADABLE: &str = "malformed-response";

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
            Err(Failure::new(UNREADABLE, message).status(502))
        }
    }
}
