//! What an object store has against what it is given.

use std::error::Error;
use std::io;

use crate::error::Code;
use crate::sink::patience::Failure;

/// An object store does not do what it is asked to.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {error}")]
pub struct ObjectError {
    /// The object, or where it would be.
    pub place: String,
    /// Whether it is in a folder of this machine.
    pub is_folder: bool,
    /// What the store says.
    pub error: object_store::Error,
}

impl ObjectError {
    /// Whether the name is to blame, so that another object may fare better.
    pub(super) fn is_of_the_name(&self) -> bool {
        use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory};
        let mut cause: Option<&(dyn Error + 'static)> = Some(&self.error);
        while let Some(error) = cause {
            let known = error.downcast_ref::<io::Error>().map(io::Error::kind);
            if matches!(known, Some(InvalidFilename | IsADirectory | NotADirectory)) {
                return true;
            }
            cause = error.source();
        }
        matches!(self.error, object_store::Error::InvalidPath { .. })
    }

    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.is_folder {
            true => Code::SINK_UNWRITABLE,
            false => Code::SINK_OBJECTS_REFUSED,
        }
    }
}

impl Failure for ObjectError {
    /// A disk says at once what is wrong with it, and a store that answers on purpose would do so again.
    fn is_transient(&self) -> bool {
        use object_store::Error as Store;
        let is_refusal = matches!(
            self.error,
            Store::NotFound { .. }
                | Store::PermissionDenied { .. }
                | Store::Unauthenticated { .. }
                | Store::NotImplemented { .. }
                | Store::NotSupported { .. }
                | Store::InvalidPath { .. }
                | Store::UnknownConfigurationKey { .. }
        );
        !self.is_folder && !is_refusal
    }
}
