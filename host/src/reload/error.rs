//! Why another version is not taken in.

use std::io;
use std::path::PathBuf;

use crate::checkpoint::StoreError;
use crate::config::Diagnostics;
use crate::error::Code;

fn to(version: &str) -> String {
    match version {
        "" => String::new(),
        known => format!(", to the version {known:.12}"),
    }
}

/// Another version is not taken in. The running one has not noticed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// One is being taken in already.
    #[error("reload {number} is under way{}", to(new))]
    Busy {
        /// Its number.
        number: u64,
        /// The digest of the version that it takes in; empty before it is known.
        new: String,
    },
    /// The manifest or a plugin is wrong: what is wrong with it, as `jackfield check` says it.
    #[error("the manifest or a plugin of it is wrong:\n{0}")]
    Manifest(String),
    /// Nothing differs from what runs.
    #[error("nothing differs from the version that runs")]
    Nothing,
    /// It was refused, rolled back or taken back before.
    #[error(
        "the version {0:.12} was refused, rolled back or taken back before, and nothing has changed since"
    )]
    Again(String),
    /// Something differs that cannot be changed while the pipeline runs.
    #[error("this cannot be changed while the pipeline runs: {0}")]
    Beyond(String),
    /// What is remembered would be lost.
    #[error("this would be forgotten: {0}")]
    StateLoss(String),
    /// Plugins would be allowed more.
    #[error("plugins would be allowed more than now: {0}")]
    Grants(String),
    /// A plugin cannot load what is remembered.
    #[error("the state cannot be taken over: {0}")]
    State(String),
    /// Several processes share the pipeline.
    #[error(
        "several processes share the pipeline: start them again with the new manifest, one after another"
    )]
    Shared,
    /// There is nothing to go back to.
    #[error("no version has worked before the one that runs: there is none to go back to")]
    First,
    /// It has been removed, or was never here.
    #[error("the version {0:.12} is not kept")]
    NotKept(String),
    /// There is no folder for versions.
    #[error("there is no place to keep versions in")]
    NoPlace,
    /// A version cannot be kept or read.
    #[error("the version cannot be kept or read at {}: {error}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file of a kept version is not what it was.
    #[error("{} is not what was kept there", .0.display())]
    Damaged(PathBuf),
    /// The state cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was captured.
    #[error("nothing was captured: {0}")]
    Capture(String),
    /// The pipeline has ended.
    #[error("the pipeline has ended")]
    Ended,
}

impl From<Diagnostics> for ReloadError {
    fn from(wrong: Diagnostics) -> Self {
        Self::Manifest(wrong.render(false))
    }
}

impl ReloadError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Busy { .. } => Code::RELOAD_BUSY,
            Self::Manifest(_) => Code::RELOAD_MANIFEST,
            Self::Nothing | Self::First => Code::RELOAD_NOTHING,
            Self::Again(_) => Code::RELOAD_AGAIN,
            Self::Beyond(_) | Self::Shared => Code::RELOAD_BEYOND,
            Self::StateLoss(_) => Code::RELOAD_STATE_LOSS,
            Self::Grants(_) => Code::RELOAD_GRANTS,
            Self::State(_) => Code::RELOAD_STATE,
            Self::NotKept(_) | Self::NoPlace | Self::Archive { .. } | Self::Damaged(_) => {
                Code::RELOAD_ARCHIVE
            }
            Self::Store(error) => error.code(),
            Self::Capture(_) => Code::CAPTURE,
            Self::Ended => Code::NOT_FOUND,
        }
    }
}
