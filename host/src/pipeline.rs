//! Pipelines at work.
//!
//! A [`Plan`](plan::Plan) is a checked manifest with its plugins, and inert. A [`Task`](task::Task) runs it: it starts an *attempt* (threads with fresh
//! instances that go on from the last checkpoint), takes checkpoints, and when anything fails drops the attempt and starts the next one. There is no
//! other way to recover than this one.
//!
//! Inside an attempt the stages of a pipeline are cut into *segments* ([`topology`]): a segment is what one worker does without handing a
//! record to another thread. Between segments the records of a keyed port are exchanged by key group through bounded channels.

pub mod breaker;
pub mod distributed;
pub mod distribution;
pub mod epoch;
pub mod error;
pub mod gate;
pub mod plan;
pub mod planner;
pub mod progress;
pub mod recovery;
pub mod reload;
pub mod replay;
pub mod task;
pub mod topology;
pub mod watermark;

mod attempt;
mod attention;
mod backoff;
mod channel;
pub(crate) mod clock;
mod commit;
mod compatibility;
mod conduct;
mod gathered;
mod halt;
mod letter_topic;
mod pace;
mod rhythm;
mod router;
mod sink_worker;
mod source_worker;
mod stage_worker;
mod waits;
mod worker;

pub(crate) use backoff::Backoff;
pub use halt::Halt;
pub use waits::{Wait, Waits};
