//! What the SDK does for a stage, shown on one whose records say what it is to do.
#![allow(clippy::unwrap_used, reason = "a test fails where the surprise is")]

#[path = "stage/scripted.rs"]
mod scripted;

#[path = "stage/batches.rs"]
mod batches;
#[path = "stage/forgetting.rs"]
mod forgetting;
#[path = "stage/rejections.rs"]
mod rejections;
#[path = "stage/state.rs"]
mod state;
#[path = "stage/timers.rs"]
mod timers;
#[path = "stage/versions.rs"]
mod versions;
