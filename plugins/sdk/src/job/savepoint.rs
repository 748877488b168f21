//! Where an earlier run left off.

use serde::de::DeserializeOwned;

use super::Failure;
use crate::StateVersions;

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

    /// The state, of whatever version, as one of now.
    ///
    /// ```
    /// # use jackfield_sdk::{Savepoint, StateVersions};
    /// # use serde::{Deserialize, Serialize};
    /// /// The page that was done last: version 1.
    /// #[derive(Deserialize)]
    /// struct Page(u64);
    ///
    /// #[derive(Deserialize, Serialize)]
    /// struct Progress { pages: u64, records: u64 }
    ///
    /// impl From<Page> for Progress {
    ///     fn from(Page(pages): Page) -> Self {
    ///         Self { pages, records: pages * 100 }
    ///     }
    /// }
    ///
    /// const PROGRESS: StateVersions<Progress> = StateVersions::since::<Page>(1).now(2);
    ///
    /// // In the `impl Job`, so that both say the same:
    /// const STATE_VERSION: u32 = PROGRESS.newest();
    /// const OLDEST_STATE_VERSION: u32 = PROGRESS.oldest();
    ///
    /// # let savepoint = Savepoint::new(1, vec![7]);
    /// let progress = savepoint.read(&PROGRESS).unwrap();
    /// assert_eq!((progress.pages, progress.records), (7, 700));
    /// # assert_eq!(Savepoint::new(2, vec![7, 9]).read(&PROGRESS).unwrap().records, 9);
    /// # for (version, state) in [(1, vec![]), (1, vec![7, 0]), (2, vec![7]), (3, vec![7, 9])] {
    /// #     assert!(Savepoint::new(version, state).read(&PROGRESS).is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is no such version, or the bytes are not of its type: the code `unreadable-savepoint`.
    pub fn read<T>(&self, versions: &StateVersions<T>) -> Result<T, Failure> {
        let read = versions
            .take(self.version, &self.state)
            .and_then(|(state, rest)| match rest.len() {
                0 => Ok(state),
                bytes => Err(format!("it is longer than it should be by {bytes} bytes")),
            });
        read.map_err(|reason| {
            let version = self.version;
            let message = format!("a savepoint of version {version} cannot be read: {reason}");
            Failure::new("unreadable-savepoint", message)
        })
    }
}
