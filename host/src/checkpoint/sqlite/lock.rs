//! One process at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::checkpoint::StoreError;

/// An advisory lock on a file beside the database. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = PathBuf::from(format!("{}-lock", database.display()));
        let failed = |error| StoreError::Create {
            path: path.clone(),
            error,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                place: database.display().to_string(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}
