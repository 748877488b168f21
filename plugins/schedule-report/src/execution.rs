//! What the platform says of the execution of a schedule (*Step 3*).

use jackfield_sdk::{Failure, RequestFailureKind, Workflow};
use serde_json::{Map, Value};

use crate::{PLATFORM, executions};

/// An execution that has ended.
pub(crate) struct Execution(Map<String, Value>);

/// What one poll saw.
pub(crate) enum Look {
    /// The latest execution has ended, well or not.
    Ended(Execution),
    /// Nothing that ends the watch: in words, what instead.
    NotYet(String),
}

/// Asks for the latest execution.
///
/// # Errors
/// Only where further polls would come to the same: the request is not granted, or the platform refuses it for a lasting reason.
pub(crate) fn look(schedule_id: &str, workflow: &mut Workflow<'_>) -> Result<Look, Failure> {
    let answer = workflow
        .connection(PLATFORM)
        .get(executions(schedule_id))
        .query("limit", 1)
        .header("accept", "application/json")
        .send();
    let response = match answer {
        Ok(response) if response.status == 200 => response,
        Ok(response) if is_lasting(response.status) => return Err(response.unexpected()),
        Ok(response) => return Ok(Look::NotYet(format!("answered {}", response.status))),
        Err(failure) if failure.kind == RequestFailureKind::Refused => return Err(failure.into()),
        Err(failure) => return Ok(Look::NotYet(failure.to_string())),
    };
    Ok(match response.json::<Value>() {
        Ok(body) => latest(body),
        Err(failure) => Look::NotYet(failure.to_string()),
    })
}

/// Whether an answer of this status would be no other in 15 s. A schedule that was just made may not be there yet.
fn is_lasting(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 404 | 408 | 409 | 423 | 425 | 429)
}

fn latest(mut body: Value) -> Look {
    let execution = match body.pointer_mut("/items/0").map(Value::take) {
        Some(Value::Object(execution)) => execution,
        Some(_) => return Look::NotYet("an execution that is no object".into()),
        None => return Look::NotYet("no execution yet".into()),
    };
    let execution = Execution(execution);
    match execution.status() {
        "completed" | "failed" => Look::Ended(execution),
        status => Look::NotYet(format!("execution {status}")),
    }
}

impl Execution {
    pub(crate) fn is_completed(&self) -> bool {
        self.status() == "completed"
    }

    /// As the platform calls it.
    pub(crate) fn status(&self) -> &str {
        self.text("status").unwrap_or_default()
    }

    /// The schedule that the platform says it is of.
    pub(crate) fn schedule_id(&self) -> Option<&str> {
        self.text("scheduleId")
    }

    /// 0 where it says none.
    pub(crate) fn row_count(&self) -> u64 {
        let count = self.0.get("rowCount").and_then(Value::as_u64);
        count.unwrap_or_default()
    }

    /// All that the platform says.
    pub(crate) fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}
