//! Pipelines from and to a real Kafka.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "kafka/faults.rs"]
mod faults;
#[path = "kafka/input.rs"]
mod input;
#[path = "kafka/scenario.rs"]
mod scenario;
