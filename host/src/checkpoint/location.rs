//! Where checkpoints are kept: what a manifest says, with its secrets revealed. Nothing is asked of it yet.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::admin::Meeting;
use crate::config::{self, CheckpointStore, Diagnostics, Environment};
use crate::connection::objects::ObjectRoot;

/// Where checkpoints are kept.
#[derive(Clone, Debug)]
pub enum Location {
    /// An SQLite database.
    Sqlite(PathBuf),
    /// A folder or a part of a bucket.
    Objects(Arc<Objects>),
}

/// A folder or a part of a bucket.
#[derive(Debug)]
pub struct Objects {
    pub(super) root: ObjectRoot,
    /// How many checkpoints are kept.
    pub(super) retain: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(formatter),
            Self::Objects(objects) => write!(formatter, "{}", objects.root),
        }
    }
}

impl Location {
    /// From the options of a manifest, secrets revealed.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says, or what of its options cannot be used.
    pub fn of(
        options: &config::Checkpoint,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        match &options.store {
            CheckpointStore::Sqlite { path } => Ok(Self::Sqlite(path.value.clone())),
            CheckpointStore::Objects(options) => {
                Objects::of(options, environment).map(|objects| Self::Objects(Arc::new(objects)))
            }
        }
    }

    /// The database, if checkpoints are kept in one.
    #[must_use]
    pub fn database(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Objects(_) => None,
        }
    }

    /// Where those who ask how a pipeline fares meet the processes that run it.
    #[must_use]
    pub fn meeting(&self, pipeline: &str) -> Meeting {
        match self {
            Self::Sqlite(path) => Meeting::Database(path.clone()),
            Self::Objects(objects) => Meeting::Shared(format!("{}/{pipeline}", objects.root)),
        }
    }

    /// A folder of objects of which so many checkpoints are kept.
    #[must_use]
    pub fn folder(path: PathBuf, retain: usize) -> Self {
        Self::Objects(Arc::new(Objects {
            root: ObjectRoot::Folder(path),
            retain,
        }))
    }
}

impl Objects {
    fn of(
        options: &config::ObjectStore,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        Ok(Self {
            root: ObjectRoot::of(&options.place, environment)?,
            retain: usize::try_from(options.retain).unwrap_or(usize::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Manifest;

    fn location(options: &str, environment: &BTreeMap<String, String>) -> Result<Location, String> {
        let text = format!(
            "[pipeline]\nname = \"p\"\n[checkpoint]\ntype = \"object-store\"\n{options}\n\
             [sources.a]\ntype = \"file\"\npaths = [\"a\"]\n[stages.s]\nplugin = \"s\"\ninputs.a = \"a\"\n"
        );
        let manifest = Manifest::parse(Path::new("dir/m.toml"), text, environment, &[])
            .map_err(|wrong| wrong.render(false))?;
        Location::of(&manifest.checkpoint, environment).map_err(|wrong| wrong.render(false))
    }

    /// What the client was told, without a request.
    fn told(options: &str, environment: &BTreeMap<String, String>) -> String {
        let Location::Objects(objects) = location(options, environment).unwrap() else {
            panic!("objects");
        };
        match &objects.root {
            ObjectRoot::Bucket { store, prefix, .. } => format!("{store:?} {prefix}"),
            ObjectRoot::Folder(path) => path.display().to_string(),
        }
    }

    #[test]
    fn a_folder_is_found_from_the_manifest() {
        assert_eq!(
            told("url = \"checkpoints\"", &BTreeMap::new()),
            "dir/checkpoints"
        );
        assert_eq!(told("url = \"file:///data\"", &BTreeMap::new()), "/data");
    }

    #[test]
    fn a_bucket_is_reached_as_the_manifest_says() {
        let environment = BTreeMap::from([
            ("KEY".to_owned(), "key".to_owned()),
            ("SECRET".to_owned(), "s3cret".to_owned()),
            ("AWS_REGION".to_owned(), "eu-central-1".to_owned()),
        ]);
        let told = told(
            "url = \"s3://orders/live\"\nendpoint = \"http://127.0.0.1:9000\"\nallow-http = true\nregion = \"eu-west-1\"\n\
             access-key-id = { env = \"KEY\" }\nsecret-access-key = { env = \"SECRET\" }",
            &environment,
        );
        for fact in ["orders", "http://127.0.0.1:9000", "eu-west-1", "live"] {
            assert!(told.contains(fact), "{fact} is not in {told}");
        }
    }

    #[test]
    fn the_environment_says_what_the_manifest_leaves_out() {
        let environment = BTreeMap::from([("AWS_REGION".to_owned(), "eu-central-1".to_owned())]);
        let told = told("url = \"s3://orders\"", &environment);
        assert!(told.contains("eu-central-1"), "{told}");
    }

    #[test]
    fn a_secret_that_is_missing_is_told_with_its_place() {
        let refusal = location(
            "url = \"s3://orders\"\naccess-key-id = { env = \"KEY\" }\nsecret-access-key = { env = \"SECRET\" }",
            &BTreeMap::new(),
        )
        .unwrap_err();
        assert!(
            refusal.contains("`KEY`") && refusal.contains("`SECRET`"),
            "{refusal}"
        );
    }

    #[test]
    fn a_location_shows_no_credentials() {
        let environment = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID".to_owned(), "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "s3cret".to_owned()),
        ]);
        let location = location("url = \"s3://orders\"", &environment).unwrap();
        assert!(!format!("{location:?} {location}").contains("s3cret"));
    }
}
