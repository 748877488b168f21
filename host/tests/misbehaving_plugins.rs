//! Plugins that misbehave, each alone: whatever one does, the host learns what it was in the form of an error, and nothing
//! else happens to it.
//!
//! The plugins are those of `tests/guests`, which `make guests` builds, and components written by hand.
//!
//! | what it tries | what comes of it | in |
//! |---|---|---|
//! | be no component, half of one, or one of another contract | refused at load, with both versions | `load` |
//! | import sockets, what nobody knows, what only jobs have, another version of what is granted | refused at load | `load` |
//! | lie about itself: ports without number, names that clear terminals, a schema nested without end | refused at load, in harmless words | `description` |
//! | return columns, ports, marks, origins or rejections that cannot be | contract | `contract` |
//! | return a list that is not there, or the same one a hundred times | refused before it is copied | `contract` |
//! | return more than it may, remember more than it may | output bytes, state bytes | `limits` |
//! | return or log text that is not UTF-8 | contract | `contract`, `description`, `world` |
//! | take memory or tables without end, or begin with more than it may have | memory | `limits`, `linear_memory` |
//! | grow its memory, trap, loop, lie or call back while the host writes into it | as anywhere else | `linear_memory` |
//! | recurse without end, overflow the stack in its memory | trap | `limits` |
//! | compute without end | CPU time | `limits` |
//! | call the host without end, have it make bytes or things for it | host calls; contract | `limits`, `world` |
//! | sleep, wait for input, wait for a word of memory | refused at once | `limits`, `linear_memory` |
//! | see the time, chance, the environment, files | the same for all: nothing | `world` |
//! | exit, panic, fill standard output, forge lines of the log | its own instance alone | `world` |
//! | be many modules, or many instances | refused; beside the pool | `linear_memory`, `room` |
//!
//! What a pipeline makes of these failures (poison, neighbours, counters, no room for a pool) is in `tests/tests/guests`, and requests that a job was not granted in
//! `tests/tests/jobs.rs` and `connection/http`.

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
#[path = "misbehaving_plugins/linear_memory.rs"]
mod linear_memory;
#[path = "misbehaving_plugins/load.rs"]
mod load;
#[path = "misbehaving_plugins/room.rs"]
mod room;
#[path = "misbehaving_plugins/world.rs"]
mod world;
