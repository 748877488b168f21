//! Further tries for what only a job can see: an answer that came whole as HTTP and makes no sense.

use std::time::Duration;

use jackfield_sdk::{Failure, Workflow};

const TRIES: u32 = 3;

/// How long is waited before the second try; twice as long before the next.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Asks again, a few times, where an answer makes no sense.
pub fn persist<T>(
    workflow: &mut Workflow<'_>,
    mut ask: impl FnMut(&mut Workflow<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match ask(workflow) {
            Err(failure) if failure.code == "malformed-response" => workflow.sleep(wait),
            answer => return answer,
        }
        wait *= 2;
    }
    ask(workflow)
}
