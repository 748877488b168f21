//! What can go wrong between a host and those who ask it.

use std::io;
use std::path::PathBuf;

use crate::error::Code;

/// A host cannot be asked, or does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The socket cannot be opened.
    #[error("the control socket {} cannot be opened: {error}", path.display())]
    Open {
        /// Where it would be.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Something else has the place of the socket.
    #[error("the control socket cannot be opened: {} {found}", path.display())]
    Taken {
        /// Where it would be.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// There is a process, and it says nothing, or not all.
    #[error("the process behind {} does not answer: {error}", path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// What happened instead.
        error: io::Error,
    },
    /// The socket is somebody else's.
    #[error("the control socket {} may not be used: {error}", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What comes back is not what this version understands.
    #[error("the process behind {} answers what this jackfield does not understand: {found}", path.display())]
    NotUnderstood {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// The process understood, and does not do it.
    #[error("{problem}")]
    Refused {
        /// The code of the error.
        code: String,
        /// What is wrong.
        problem: String,
    },
}

impl AdminError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Open { .. } | Self::Taken { .. } | Self::Denied { .. } => Code::CONTROL_SOCKET,
            Self::Silent { .. } => Code::HOST_SILENT,
            Self::NotUnderstood { .. } => Code::CONTROL_PROTOCOL,
            // A host of another version may know codes that this one does not.
            Self::Refused { code, .. } => Code::ALL
                .iter()
                .find(|known| known.id == code)
                .copied()
                .unwrap_or(Code::CONTROL_PROTOCOL),
        }
    }
}
