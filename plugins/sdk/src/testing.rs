//! For testing stages natively, without a sandbox and without a host.
//!
//! A [`Driver`] is a host of one stage: it sends records, moves the watermark, keeps the state that is flushed and loads it
//! into a new instance. [`assert_batching_is_invisible`] holds a stage to the promise that all stages make: where its input is
//! cut into batches, and where it is stopped and goes on elsewhere, changes nothing about its output.
//!
//! A [`JobDriver`] is a host of one job, with services that answer what they are told to, and a clock that jumps where the job waits.
//!
//! Everything here panics where a test should fail.

mod driver;
mod invisibility;
mod job_driver;
mod journal;

pub use driver::{Driver, Received, Sent};
pub use invisibility::{Step, assert_batching_is_invisible};
pub use job_driver::JobDriver;
