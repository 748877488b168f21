//! Object stores: a folder, or a part of a bucket that speaks the API of S3.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::install_crypto_provider;
use crate::config::{Diagnostic, Diagnostics, Environment, ObjectPlace, ObjectUrl, Secret, code};

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

/// Where objects are kept: what a manifest says, with its secrets revealed. Nothing is asked of it yet.
#[derive(Clone)]
pub(crate) enum ObjectRoot {
    Folder(PathBuf),
    Bucket {
        store: Arc<dyn ObjectStore>,
        prefix: String,
        /// For people.
        url: String,
    },
}

impl fmt::Display for ObjectRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(formatter),
            Self::Bucket { url, .. } => formatter.write_str(url),
        }
    }
}

/// Without what the client knows: it has credentials.
impl fmt::Debug for ObjectRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectRoot({self})")
    }
}

impl ObjectRoot {
    /// From the options of a manifest, secrets revealed.
    ///
    /// # Errors
    /// A diagnostic for every secret that is not where the manifest says, or what of the options cannot be used.
    pub(crate) fn of(
        options: &ObjectPlace,
        environment: &dyn Environment,
    ) -> Result<Self, Diagnostics> {
        Ok(match &options.url.value {
            ObjectUrl::Folder(path) => Self::Folder(path.clone()),
            ObjectUrl::S3 { bucket, prefix } => Self::Bucket {
                store: bucket_of(options, bucket, environment)?,
                prefix: prefix.clone(),
                url: options.url.to_string(),
            },
        })
    }

    /// Whether it is a folder of this machine.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// The store. The folder has to be there.
    pub(crate) fn store(&self) -> object_store::Result<Arc<dyn ObjectStore>> {
        let store: Arc<dyn ObjectStore> = match self {
            Self::Folder(path) => {
                Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true))
            }
            Self::Bucket { store, .. } => Arc::clone(store),
        };
        Ok(store)
    }

    /// Makes the folder, if it is one.
    pub(crate) fn make(&self) -> std::io::Result<()> {
        match self {
            Self::Folder(path) => fs::create_dir_all(path),
            Self::Bucket { .. } => Ok(()),
        }
    }

    /// The name, in the store, of what is called `name` below the URL.
    pub(crate) fn name(&self, name: &str) -> String {
        match self {
            Self::Bucket { prefix, .. } if !prefix.is_empty() => format!("{prefix}/{name}"),
            _ => name.to_owned(),
        }
    }
}

fn bucket_of(
    options: &ObjectPlace,
    bucket: &str,
    environment: &dyn Environment,
) -> Result<Arc<dyn object_store::ObjectStore>, Diagnostics> {
    install_crypto_provider();
    let mut found = Diagnostics::new();
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        // Not every service of this API can delete many at once, and few are ever deleted.
        .with_disable_bulk_delete(true)
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
