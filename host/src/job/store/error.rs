//! How the store of jobs can fail.

use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::StoreError;
use crate::error::Code;

/// The store of jobs cannot be used, or written.
#[derive(Debug, thiserror::Error)]
pub enum JobStoreError {
    /// Its folder cannot be made.
    #[error("cannot create {}: {error}", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is none.
    #[error("there are no jobs at {}: none was ever started", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// Another process runs the jobs, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] StoreError),
    /// It is something else's.
    #[error("{} cannot hold the jobs of this pipeline: {found}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
    },
    /// SQLite cannot read or write it.
    #[error("the jobs in {} cannot be read or written: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// What was to be written with this could not be.
    #[error("the jobs in {} could not be written", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
    },
}

impl JobStoreError {
    pub(super) fn of_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::CHECKPOINT_MISSING,
            Self::Lock(error) => error.code(),
            Self::Foreign { .. } => Code::CHECKPOINT_FOREIGN,
            Self::Create { .. } | Self::Unusable { .. } | Self::NotWritten { .. } => {
                Code::JOBS_UNUSABLE
            }
        }
    }
}
