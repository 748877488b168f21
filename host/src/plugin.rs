//! Plugins: sandboxed components, and the only place that knows what they run on.
//!
//! The rest of the host sees a [`Component`] (code that was checked at load), an [`Instance`] (one copy of it at work) and a
//! [`Failure`] (what it did wrong). Everything that differs between versions of the contract is in one adapter file a
//! version; everything that keeps a guest from reaching what it was not granted is in `sandbox`.

mod allowance;
mod cache;
mod component;
mod contract_0_1;
mod description;
mod failure;
mod instance;
pub mod job;
mod job_contract_0_1;
mod linked;
mod runtime;
mod sandbox;
mod state_account;
mod words;

use std::time::Duration;

pub(crate) use allowance::thread_cpu_time;
pub use component::{Component, LoadError};
pub use failure::{Breach, Failure};
pub use instance::Instance;
pub use runtime::{Runtime, RuntimeError};
pub(crate) use words::presentable;

use crate::record::{Batch, Column};

/// What a stage plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// Ports that it reads.
    pub inputs: Vec<Port>,
    /// Ports that it writes.
    pub outputs: Vec<Port>,
    /// The version of the state that it writes.
    pub state_version: u32,
    /// The oldest version of state that it can load.
    pub oldest_state_version: u32,
    /// JSON Schema of its configuration.
    pub configuration: String,
}

/// A named stream into or out of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Whether its records carry keys.
    pub keyed: bool,
}

/// What one instance may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory in all.
    pub memory: u64,
    /// CPU time of one call.
    pub cpu_time: Duration,
    /// Bytes that one call of `process` may return.
    pub output_bytes: u64,
    /// Bytes of the keys and values that it may remember.
    pub state_bytes: u64,
    /// Calls of the host a second, steps of a job not counted: those have a limit of their own.
    pub host_calls: u32,
}

impl Limits {
    /// As a manifest that says no more than these two sets them: what is returned at once and what is remembered follows from
    /// the memory that it has to fit into.
    #[must_use]
    pub const fn within(memory: u64, cpu_time: Duration) -> Self {
        Self {
            memory,
            cpu_time,
            output_bytes: memory / 2,
            state_bytes: memory,
            host_calls: 100_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::within(256 << 20, Duration::from_secs(1))
    }
}

/// Keyed state as it is stored, in columns of equal length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Keys of the records which the state belongs to.
    pub keys: Column,
    /// The state version which each value was written in.
    pub versions: Vec<u32>,
    /// What is remembered of each key.
    pub values: Column,
}

/// What has become of an instance's state since its last flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys whose state is new or other.
    pub keys: Column,
    /// Their state.
    pub values: Column,
    /// Keys of which nothing is left.
    pub forgotten: Column,
}

/// What a call of `process` gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// What was written, at most one emission a port.
    pub emissions: Vec<Emission>,
    /// Records of the input that the plugin refused.
    pub rejections: Vec<Rejection>,
}

/// What a call of `process` wrote to one output port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emission {
    /// By index into the described outputs.
    pub port: usize,
    /// The records, and the marks of the input in their places.
    pub batch: Batch,
    /// For each record the position in the input of the record that it was made from.
    pub origins: Vec<u32>,
}

/// A record of the input that a plugin refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its position in the input batch.
    pub index: usize,
    /// Short and stable, for machines.
    pub code: String,
    /// For people.
    pub message: String,
}
