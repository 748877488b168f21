//! The systems of the documents, from the first request to the audit log: a host against a simulated platform, in peace, with each fault and
//! with all of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "systems/description.rs"]
mod description;
#[path = "systems/fault.rs"]
mod fault;
#[path = "systems/query_journeys.rs"]
mod query_journeys;
#[path = "systems/scenario.rs"]
mod scenario;
#[path = "systems/schedule_report.rs"]
mod schedule_report;
#[path = "systems/stream_export.rs"]
mod stream_export;
#[path = "systems/sync_extension.rs"]
mod sync_extension;
