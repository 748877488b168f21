//! How a store of checkpoints can fail.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::error::Code;

/// The store of the checkpoints cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the lock cannot be made.
    #[error("cannot create {}: {error}", path.display())]
    Create {
        /// What cannot be made.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is none.
    #[error("there are no checkpoints at {place}: the pipeline has not run yet")]
    Missing {
        /// Where they would be.
        place: String,
    },
    /// Another process has it.
    #[error("{place} is in use: another process runs the pipeline")]
    Locked {
        /// The database.
        place: String,
    },
    /// Another process has begun an epoch since.
    #[error(
        "epoch {epoch} cannot be committed to {place}: {by} has taken over the pipeline since it was begun"
    )]
    Fenced {
        /// Where checkpoints are kept.
        place: String,
        /// The epoch that comes to nothing.
        epoch: u64,
        /// Who has taken over, as far as it is known.
        by: String,
    },
    /// It is somebody else's.
    #[error("{place} cannot hold the checkpoints of this pipeline: {found}")]
    Foreign {
        /// Where checkpoints would be kept.
        place: String,
        /// Whose it is.
        found: String,
    },
    /// It is not what was written.
    #[error("{place} is damaged: {found}")]
    Damaged {
        /// What is damaged.
        place: String,
        /// What was found.
        found: String,
    },
    /// `SQLite` cannot read or write it.
    #[error("{}: {error}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What `SQLite` says.
        error: rusqlite::Error,
    },
    /// A folder of objects cannot be read or written.
    #[error("{place}: {error}")]
    Folder {
        /// What was asked for.
        place: String,
        /// What the operating system says.
        error: object_store::Error,
    },
    /// An object store does not answer, or not well. It may do so later.
    #[error("{place} does not answer: {error}")]
    Unavailable {
        /// What was asked for.
        place: String,
        /// What went wrong.
        error: object_store::Error,
    },
    /// An object store does not do what it is asked to, and will not.
    #[error("{place} cannot be used: {error}")]
    Refused {
        /// What was asked for.
        place: String,
        /// What the object store says.
        error: object_store::Error,
    },
    /// A sink wants to write a table.
    #[error("{place} has no tables that a sink could write")]
    NoTables {
        /// Where checkpoints are kept.
        place: String,
    },
}

impl StoreError {
    /// What `SQLite` says of the database at `path`.
    pub(super) fn of_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType,
        };
        let place = || path.display().to_string();
        if matches!(
            error,
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..)
        ) {
            return Self::Damaged {
                place: place(),
                found: error.to_string(),
            };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign {
                place: place(),
                found: "it is not an SQLite database".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                place: place(),
                found: error.to_string(),
            },
            _ => Self::Sqlite {
                path: path.to_owned(),
                error,
            },
        }
    }

    /// Whether another process has taken over.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Fenced { .. })
    }

    /// Whether to try again later may help although nothing is changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Create { .. } | Self::Sqlite { .. } | Self::Folder { .. } => {
                Code::CHECKPOINT_WRITE
            }
            Self::Missing { .. } => Code::CHECKPOINT_MISSING,
            Self::Damaged { .. } => Code::CHECKPOINT_UNUSABLE,
            Self::Locked { .. } => Code::CHECKPOINT_LOCKED,
            Self::Fenced { .. } => Code::CHECKPOINT_FENCED,
            Self::Foreign { .. } => Code::CHECKPOINT_FOREIGN,
            Self::Unavailable { .. } => Code::CHECKPOINT_UNAVAILABLE,
            Self::Refused { .. } => Code::CHECKPOINT_REFUSED,
            Self::NoTables { .. } => Code::CHECKPOINT_MISMATCH,
        }
    }
}
