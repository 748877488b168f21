//! The audit log: what happened, so that nobody can change it later without its being noticed.
//!
//! It is a folder of numbered files of JSON lines. Each line holds the SHA-256 of the line before it, over the end of a file too, so that a line that was changed, left out,
//! put in or moved breaks the chain behind it. The end of the chain is what the last checkpoint knows: it shows whether lines are missing at the end. A line is
//!
//! ```json
//! {"sequence":2,"previous":"9b7a…","record":{"action":"export","rows":120}}
//! ```
//!
//! and `sha256sum` of it without its line break is what the next one has as `previous`.

mod chain;
mod verify;

pub use chain::{Chain, Hash, file_name, number_of};
pub use verify::{Breach, Verified, verify};
