//! Jobs: work that takes long, written as straight-line code.
//!
//! A job sends requests, sleeps for days and waits for callbacks in one function from top to bottom. The host may stop it anywhere and run it again: what it asked for
//! before is answered from the journal, so that it comes to where it was without sending anything twice. All that takes is that a job asks for the same in the same
//! order when it is given the same answers. Time and chance are therefore asked of the [`Workflow`], and nothing else here varies.
//!
//! ```
//! use std::time::Duration;
//!
//! use jackfield_sdk::job;
//! use jackfield_sdk::testing::JobDriver;
//! use jackfield_sdk::{Failure, Job, Method, NoConfiguration, Port, Problems, Response, Workflow};
//! use serde::{Deserialize, Serialize};
//! use serde_json::json;
//!
//! /// Has a report made, and waits until it is there.
//! struct Report;
//!
//! #[derive(Deserialize)]
//! struct Input { name: String }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Made { id: String, state: String }
//!
//! const AUDIT: Port = Port::unkeyed(0, "audit");
//!
//! impl Job for Report {
//!     type Configuration = NoConfiguration;
//!     type Input = Input;
//!     type Output = Made;
//!     const OUTPUTS: &'static [Port] = &[AUDIT];
//!
//!     fn new(_: NoConfiguration) -> Result<Self, String> {
//!         Ok(Report)
//!     }
//!
//!     fn validate(&self, input: &Input, problems: &mut Problems) {
//!         if input.name.is_empty() {
//!             problems.add("name", "empty", "a report needs a name");
//!         }
//!     }
//!
//!     fn run(&self, input: Input, workflow: &mut Workflow<'_>) -> Result<Made, Failure> {
//!         let mut made: Made = workflow
//!             .connection("reports")
//!             .post("/v1/reports")
//!             .json(&json!({"name": input.name}))
//!             .send()?
//!             .success()?
//!             .json()?;
//!         while made.state != "done" {
//!             workflow.sleep(Duration::from_secs(15));
//!             made = workflow.connection("reports").get(format!("/v1/reports/{}", made.id)).send()?.success()?.json()?;
//!         }
//!         workflow.emit(AUDIT, &made)?;
//!         Ok(made)
//!     }
//! }
//!
//! job!(Report);
//!
//! // Logic is tested natively, without a sandbox and without a service:
//! let mut driver = JobDriver::<Report>::new("{}").unwrap();
//! driver.respond(Method::Post, "/v1/reports", Response::of_json(201, &json!({"id": "7", "state": "new"})));
//! driver.respond(Method::Get, "/v1/reports/7", Response::of_json(200, &json!({"id": "7", "state": "done"})));
//! let made = driver.run(&json!({"name": "calls"})).unwrap();
//! assert_eq!(made["state"], "done");
//! assert_eq!(driver.slept(), Duration::from_secs(15));
//! assert_eq!(driver.take("audit").len(), 1);
//! ```

#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub mod component;

mod call;
mod delivery;
mod failure;
mod fields;
mod problem;
mod request;
mod response;
mod savepoint;
mod steps;
mod workflow;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use call::{Connection, RequestCall};
pub use delivery::Delivery;
pub use failure::{Failure, RequestFailure, RequestFailureKind};
pub use fields::{Field, Fields};
pub use problem::{Problem, Problems};
pub use request::{LONGEST_IDENTIFIER, Method, Request, is_identifier, path_segment};
pub use response::{Callback, MALFORMED_RESPONSE, Response};
pub use savepoint::Savepoint;
pub use steps::Steps;
pub use workflow::Workflow;

use crate::Port;

/// Straight-line code that survives crashes.
///
/// One value works for one run of one job. Its fields hold what follows from the configuration.
pub trait Job: Sized + 'static {
    /// What the manifest may say about the job; [`NoConfiguration`](crate::NoConfiguration) where it may say nothing.
    type Configuration: DeserializeOwned + JsonSchema;

    /// What a job is started with, as JSON.
    type Input: DeserializeOwned;

    /// What it ends with, as JSON.
    type Output: Serialize;

    /// Where records go that it emits, each port at its own index. Ports of jobs carry no keys.
    const OUTPUTS: &'static [Port] = &[];

    /// To be raised whenever the encoding of what is given to [`Workflow::save`] changes. Where former versions can be read,
    /// both this and the oldest of them follow from a chain of types: see [`Savepoint::read`].
    const STATE_VERSION: u32 = 1;

    /// The oldest version of a [`Savepoint`] that [`run`](Job::run) can begin from.
    const OLDEST_STATE_VERSION: u32 = Self::STATE_VERSION;

    /// Makes the job, once, before anything else.
    ///
    /// # Errors
    /// What is wrong with the configuration that its schema could not say, for the reader of the manifest.
    fn new(configuration: Self::Configuration) -> Result<Self, String>;

    /// Reads an input. What is given here finds the first mistake of a JSON document; to tell of all of them, read it member by member,
    /// by [`Problems::read_object`].
    fn read(&self, input: &[u8], problems: &mut Problems) -> Option<Self::Input> {
        problems.read_json(input)
    }

    /// Says everything that is wrong with an input that could be read. There is no [`Workflow`] here: nothing has begun.
    fn validate(&self, input: &Self::Input, problems: &mut Problems) {
        let _ = (input, problems);
    }

    /// Does the work. Where [`Workflow::savepoint`] gives one, it goes on from there.
    ///
    /// # Errors
    /// The job ends as failed. What it emitted stands.
    fn run(&self, input: Self::Input, workflow: &mut Workflow<'_>)
    -> Result<Self::Output, Failure>;
}

/// Reads and validates an input.
pub(crate) fn validate<J: Job>(job: &J, input: &[u8]) -> Result<J::Input, Vec<Problem>> {
    let mut problems = Problems::default();
    let read = job.read(input, &mut problems);
    if let Some(input) = &read {
        job.validate(input, &mut problems);
    }
    match read {
        Some(input) if problems.is_empty() => Ok(input),
        read => {
            if read.is_none() && problems.is_empty() {
                problems.add("", "unreadable", "the input cannot be read");
            }
            Err(problems.into_vec())
        }
    }
}

/// Runs a job on an input that was validated when the job was made.
pub(crate) fn run<J: Job>(
    job: &J,
    input: &[u8],
    workflow: &mut Workflow<'_>,
) -> Result<Vec<u8>, Failure> {
    let mut problems = Problems::default();
    let Some(input) = job.read(input, &mut problems) else {
        let found = problems.into_vec();
        return Err(Failure::new(
            "unreadable-input",
            "the plugin cannot read the input any more",
        )
        .details(&found));
    };
    let output = job.run(input, workflow)?;
    serde_json::to_vec(&output).map_err(|error| {
        Failure::new(
            "unwritable-output",
            format!("the output is no JSON: {error}"),
        )
    })
}

/// Evaluated when a plugin is compiled: ports stand where their index says, and none is keyed.
pub(crate) const fn are_outputs(ports: &[Port]) -> bool {
    let mut place = 0;
    while place < ports.len() {
        if ports[place].is_keyed() {
            return false;
        }
        place += 1;
    }
    crate::port::in_order(ports)
}

/// Makes a component of a [`Job`]: `job!(ScheduleReport);`, once in a crate of the type `cdylib`. Name and version of the
/// plugin are the crate's. Outside of the sandbox it does nothing, so that the crate can be tested natively.
#[macro_export]
macro_rules! job {
    ($job:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            ::std::thread_local! {
                static INSTANCE: $crate::job::component::Instance<$job> = const { ::std::cell::RefCell::new(None) };
            }

            impl $crate::job::component::Plugin for Component {
                type Job = $job;
                const NAME: &'static str = ::std::env!("CARGO_PKG_NAME");
                const VERSION: &'static str = ::std::env!("CARGO_PKG_VERSION");

                fn with_instance<R>(use_instance: impl FnOnce(&$crate::job::component::Instance<$job>) -> R) -> R {
                    INSTANCE.with(use_instance)
                }
            }

            $crate::job::component::wit::export!(Component with_types_in $crate::job::component::wit);
        };
    };
}
