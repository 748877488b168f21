//! Why triggers cannot be started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::error::Code;

/// Triggers that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The address is taken, is not one of this machine's, or needs more rights.
    #[error("nothing can be listened to on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The file in which stands what the clock has started cannot be used.
    #[error("the record of scheduled runs `{}` cannot be used: {reason}", .path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TriggerError {
    /// The code, with what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => Code::TRIGGER_LISTEN,
            Self::Ledger { .. } => Code::TRIGGER_LEDGER,
        }
    }
}
