//! The job, natively, against answers that are told to it.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "exports/creation.rs"]
mod creation;
#[path = "exports/input.rs"]
mod input;
#[path = "exports/outcome.rs"]
mod outcome;
#[path = "exports/scenario.rs"]
mod scenario;
#[path = "exports/simulator.rs"]
mod simulator;
#[path = "exports/watching.rs"]
mod watching;
