//! Where an earlier run left off.

use serde::de::DeserializeOwned;

use super::Failure;

/// A state that [`Workflow::save`](super::Workflow::save) was given, in this or an older version of the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    version: u32,
    state: Vec<u8>,
}

impl Savepoint {
    /// A savepoint as the host keeps it.
    pub fn new(version: u32, state: Vec<u8>) -> Self {
        Self { version, state }
    }

    /// The [`STATE_VERSION`](super::Job::STATE_VERSION) that it was written in.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The state, of a type that was saved in this version.
    ///
    /// # Errors
    /// Where the bytes are not of that type: the code `unreadable-savepoint`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        postcard::from_bytes(&self.state).map_err(|error| {
            let version = self.version;
            let message = format!("a savepoint of version {version} cannot be read: {error}");
            Failure::new("unreadable-savepoint", message)
        })
    }
}
