//! Further tries for what only a job can see: an answer that came whole as HTTP and makes no sense.

use std::time::Duration;

use jackfield_sdk::{Failure, Workflow};

const TRIES: u32 = 3;

/// Asks again, a few times, where an answer makes no sense: after `first_wait`, and then after twice that.
pub fn persist<T>(
    first_wait: Duration,
    workflow: &mut Workflow<'_>,
    mut ask: impl FnMut(&mut Workflow<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut wait = first_wait;
    for _ in 1..TRIES {
        match ask(workflow) {
            Err(failure) if failure.code == "malformed-response" => workflow.sleep(wait),
            answer => return answer,
        }
        wait *= 2;
    }
    ask(workflow)
}
