//! Pipelines with plugins that misbehave: the host goes on or ends in order, what is to blame is named, the record that a
//! plugin fails on ends in the dead-letter queue, and every other one counts once. And plugins that change: what they remember
//! changes with them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "guests/breaker.rs"]
mod breaker;
#[path = "guests/crash.rs"]
mod crash;
#[path = "guests/failure.rs"]
mod failure;
#[path = "guests/limits.rs"]
mod limits;
#[path = "guests/poison.rs"]
mod poison;
#[path = "guests/releases.rs"]
mod releases;
#[path = "guests/replay.rs"]
mod replay;
#[path = "guests/scenario.rs"]
mod scenario;
