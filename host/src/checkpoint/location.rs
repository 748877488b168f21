//! Where checkpoints are kept: what a manifest says, with its secrets revealed. Nothing is asked of it yet.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, RetryConfig};

use crate::admin::Meeting;
use crate::config::{
    self, CheckpointStore, Diagnostic, Diagnostics, Environment, ObjectUrl, Secret, code,
};
use crate::connection::install_crypto_provider;

/// What the tools of S3 look for in the environment.
const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
];

/// For how long one request is tried again. What takes longer is for the pipeline to wait for, where people can see it.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    },
    max_retries: 8,
    retry_timeout: Duration::from_secs(20),
};

/// Where checkpoints are kept.
#[derive(Clone, Debug)]
pub enum Location {
    /// An SQLite database.
    Sqlite(PathBuf),
    /// A folder or a part of a bucket.
    Objects(Arc<Objects>),
}

/// A folder or a part of a bucket.
pub struct Objects {
    pub(super) root: Root,
    /// For people.
    pub(super) url: String,
    /// How many checkpoints are kept.
    pub(super) retain: usize,
}

pub(super) enum Root {
    Folder(PathBuf),
    Bucket {
        store: Arc<dyn object_store::ObjectStore>,
        prefix: String,
    },
}

/// Without what the client knows: it has credentials.
impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({})", self.url)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(formatter),
            Self::Objects(objects) => formatter.write_str(&objects.url),
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
            Self::Objects(objects) => Meeting::Shared(format!("{}/{pipeline}", objects.url)),
        }
    }

    /// A folder of objects of which so many checkpoints are kept.
    #[must_use]
    pub fn folder(path: PathBuf, retain: usize) -> Self {
        Self::Objects(Arc::new(Objects {
            url: path.display().to_string(),
            root: Root::Folder(path),
            retain,
        }))
    }
}

impl Objects {
    fn of(
        options: &config::ObjectStore,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        let root = match &options.url.value {
            ObjectUrl::Folder(path) => Root::Folder(path.clone()),
            ObjectUrl::S3 { bucket, prefix } => Root::Bucket {
                store: bucket_of(options, bucket, environment)?,
                prefix: prefix.clone(),
            },
        };
        Ok(Self {
            root,
            url: options.url.to_string(),
            retain: usize::try_from(options.retain).unwrap_or(usize::MAX),
        })
    }
}

fn bucket_of(
    options: &config::ObjectStore,
    bucket: &str,
    environment: &dyn Environment,
) -> Result<Arc<dyn object_store::ObjectStore>, Diagnostics> {
    install_crypto_provider();
    let mut found = Diagnostics::new();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_retry(RETRY);
    for variable in VARIABLES {
        let key = AmazonS3ConfigKey::from_str(&variable.to_ascii_lowercase());
        match (environment.variable(variable), key) {
            (Ok(Some(value)), Ok(key)) => builder = builder.with_config(key, value),
            (Ok(_), _) => {}
            (Err(error), _) => found.push(
                Diagnostic::new(
                    &code::UNSET_VARIABLE,
                    options.url.place.clone(),
                    "the environment says how the bucket is reached, and cannot be read",
                )
                .found(error.to_string()),
            ),
        }
    }
    let s3 = &options.s3;
    let secrets = [
        (AmazonS3ConfigKey::AccessKeyId, &s3.access_key_id),
        (AmazonS3ConfigKey::SecretAccessKey, &s3.secret_access_key),
        (AmazonS3ConfigKey::Token, &s3.session_token),
    ];
    for (key, secret) in secrets {
        match secret
            .as_ref()
            .map(|secret: &Secret| secret.reveal(environment))
        {
            Some(Ok(value)) => builder = builder.with_config(key, value),
            Some(Err(missing)) => found.push(*missing),
            None => {}
        }
    }
    if let Some(region) = &s3.region {
        builder = builder.with_region(region.value.clone());
    }
    if let Some(endpoint) = &s3.endpoint {
        // The client prefers the second, which the environment may have set.
        builder = builder
            .with_endpoint(endpoint.value.as_str())
            .with_config(AmazonS3ConfigKey::S3Endpoint, endpoint.value.as_str());
    }
    let built = builder.with_allow_http(s3.allow_http).build();
    let bucket = built.map_err(|error| {
        found.push(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                options.url.place.clone(),
                "the bucket cannot be reached as it is described",
            )
            .found(error.to_string()),
        );
        std::mem::take(&mut found)
    })?;
    found.into_result(Arc::new(bucket))
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
            Root::Bucket { store, prefix } => format!("{store:?} {prefix}"),
            Root::Folder(path) => path.display().to_string(),
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
