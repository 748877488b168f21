//! Jackfield: a host of sandboxed WebAssembly plugins for data pipelines.

pub mod admin;
pub mod audit;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod connection;
pub mod error;
pub mod job;
pub mod pipeline;
pub mod plugin;
pub mod preflight;
pub mod record;
pub mod reload;
pub mod sink;
pub mod source;
pub mod trigger;

mod hexadecimal;
