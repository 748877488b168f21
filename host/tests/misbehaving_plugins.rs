//! Plugins that misbehave, each alone: whatever one does, the host learns what it was in the form of an error, and nothing
//! else happens to it.
//!
//! The plugins are those of `tests/guests`; `make guests` builds them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "misbehaving_plugins/contract.rs"]
mod contract;
#[path = "misbehaving_plugins/description.rs"]
mod description;
#[path = "misbehaving_plugins/fixture.rs"]
mod fixture;
#[path = "misbehaving_plugins/limits.rs"]
mod limits;
#[path = "misbehaving_plugins/load.rs"]
mod load;
#[path = "misbehaving_plugins/world.rs"]
mod world;
