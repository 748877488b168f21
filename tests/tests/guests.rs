//! Pipelines with plugins that misbehave: the host goes on or ends in order, what is to blame is named, the record that a
//! plugin fails on ends in the dead-letter queue, and every other one counts once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "guests/crash.rs"]
mod crash;
#[path = "guests/failure.rs"]
mod failure;
#[path = "guests/poison.rs"]
mod poison;
#[path = "guests/replay.rs"]
mod replay;
#[path = "guests/scenario.rs"]
mod scenario;
