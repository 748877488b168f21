//! What the simulated platform and its neighbours answer, over loopback; one file an area.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails where the surprise is"
)]

#[path = "endpoints/analytics.rs"]
mod analytics;
#[path = "endpoints/chance.rs"]
mod chance;
#[path = "endpoints/data_action.rs"]
mod data_action;
#[path = "endpoints/data_extension.rs"]
mod data_extension;
#[path = "endpoints/effect.rs"]
mod effect;
#[path = "endpoints/event.rs"]
mod event;
#[path = "endpoints/export.rs"]
mod export;
#[path = "endpoints/fault.rs"]
mod fault;
#[path = "endpoints/platform.rs"]
mod platform;
#[path = "endpoints/receiver.rs"]
mod receiver;
#[path = "endpoints/request.rs"]
mod request;
#[path = "endpoints/schedule.rs"]
mod schedule;
#[path = "endpoints/source.rs"]
mod source;
#[path = "endpoints/sync.rs"]
mod sync;
#[path = "endpoints/token.rs"]
mod token;
