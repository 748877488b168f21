//! Pipelines from and to a real Kafka.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "kafka/crash.rs"]
mod crash;
#[path = "kafka/input.rs"]
mod input;
#[path = "kafka/lost.rs"]
mod lost;
#[path = "kafka/output.rs"]
mod output;
#[path = "kafka/scenario.rs"]
mod scenario;
#[path = "kafka/secure.rs"]
mod secure;
#[path = "kafka/transaction.rs"]
mod transaction;
