//! Who has written an entry of the log: to tell processes apart, and to tell people which one it was.

use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use crate::pipeline::clock::now;

/// A store that was opened by a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    /// The machine's name.
    host: String,
    /// The process' identifier.
    process: u32,
    /// When it opened the store, milliseconds since the Unix epoch.
    since: i64,
    /// Two machines can have one name, and identifiers are used again.
    nonce: String,
}

impl Owner {
    pub(super) fn this_process() -> Self {
        Self {
            host: host(),
            process: std::process::id(),
            since: now(),
            nonce: random(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} on {}", self.process, self.host)
    }
}

/// Sixteen hexadecimal digits that nobody else has.
pub(super) fn random() -> String {
    // The keys of the standard library's hash maps are random, and others each time.
    let random = RandomState::new().hash_one((std::process::id(), now()));
    format!("{random:016x}")
}

fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .map_or_else(
            || "an unknown host".to_owned(),
            |name| name.trim().to_owned(),
        )
}
