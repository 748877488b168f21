//! Looking at a pipeline that runs, and having something done about it, from another process.
//!
//! A host that runs a pipeline opens a Unix socket for it, beside its checkpoint database (`address`), and answers what it is asked there by the same user: a line of JSON
//! each way (`protocol`). Files alone could not say what is known to the process only: how far it has come since the last checkpoint, and what it
//! waits for; and nobody else can change what it does.
//!
//! What an exchange costs the pipeline depends on what is asked. All are served beside it, a few at a time, with lines and waits that are bounded (`server`):
//!
//! - `status` reads counters. It can slow nothing down.
//! - `job` does to jobs what triggers do, by the same store: a start or a cancellation is a transaction of theirs.
//! - `reload` compiles and tries another version beside the pipeline, and hands it to the task; from then on the task works for it too, as
//!   [`pipeline::reload`](crate::pipeline::reload) says. The same goes for going back.
//! - A capture is a `reload` too: the task takes a checkpoint, and then copies of what stages work on, until there are as many as were wanted or nobody takes them as fast.

mod address;
mod client;
mod error;
mod jobs;
mod observed;
mod protocol;
mod reload;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use address::Meeting;
pub use client::{job, reload, status};
pub use error::AdminError;
pub use jobs::{JobAnswer, JobRequest};
pub use observed::{Observed, ObservedTask, ObservedTasks};
pub(crate) use observed::{age_seconds, known, stored_bytes};
pub use reload::{ReloadAnswer, ReloadRequest};
pub use server::Server;
pub use status::{
    CheckpointStatus, HostStatus, PartitionStatus, ReloadStatus, SinkStatus, SourceStatus,
    StageStatus, State, Status, TaskStatus, WaitStatus,
};
