//! Looking at a pipeline that runs, from another process.
//!
//! A host that runs a pipeline opens a Unix socket for it, beside its checkpoint database (`address`), and answers what it is asked there: a line of JSON
//! each way (`protocol`). Files alone could not say what is known to the process only: how far it has come since the last checkpoint, and what it
//! waits for. Nothing that comes through the socket can slow the pipeline down: the one who answers reads counters, on a thread of its own.

mod address;
mod client;
mod error;
mod jobs;
mod observed;
mod protocol;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use address::Meeting;
pub use client::{job, status};
pub use error::AdminError;
pub use jobs::{JobAnswer, JobRequest};
pub use observed::{Observed, ObservedTask, ObservedTasks};
pub(crate) use observed::{age_seconds, known, stored_bytes};
pub use server::Server;
pub use status::{
    CheckpointStatus, HostStatus, PartitionStatus, SinkStatus, SourceStatus, StageStatus, State,
    Status, TaskStatus, WaitStatus,
};
