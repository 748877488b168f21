//! The job, natively, against answers that are told to it.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "queries/calendar.rs"]
mod calendar;
#[path = "queries/engine.rs"]
mod engine;
#[path = "queries/input.rs"]
mod input;
#[path = "queries/pages.rs"]
mod pages;
#[path = "queries/result.rs"]
mod result;
#[path = "queries/scenario.rs"]
mod scenario;
#[path = "queries/simulator.rs"]
mod simulator;
