//! Systems that the host talks to on a pipeline's behalf, and how it is let in. A plugin never sees any of this.
//!
//! One module a kind of connection; [`Services`] holds those of a process.

pub mod cassandra;
pub mod http;
pub mod kafka;
pub(crate) mod objects;

mod services;

pub use http::install_crypto_provider;
pub use services::Services;
