//! Records as they travel through a pipeline: batches of flat columns.
//!
//! A batch crosses the sandbox boundary once, whatever the number of its records, so everything here is laid out the way
//! the contract (`wit/stage.wit`) lays it out and moves between host and guest without being rearranged.

mod batch;
mod column;
mod envelope;
mod key_group;

pub use batch::{Batch, Mark, Record, Shape};
pub use column::{Column, Malformed};
pub use envelope::{Content, Envelope, Unreadable};
pub use key_group::{KEY_GROUPS, key_group, owner_of_group};

/// Milliseconds since the Unix epoch.
pub type EventTime = i64;

/// The event time of a record that has none.
pub const NO_EVENT_TIME: EventTime = i64::MIN;

/// The watermark before anything was read.
pub const START_OF_TIME: EventTime = i64::MIN;

/// The watermark at the end of all input: whatever event time can make due is due.
pub const END_OF_TIME: EventTime = i64::MAX;
