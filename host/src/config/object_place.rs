//! Where objects are kept: a folder, or a part of a bucket that speaks the API of S3. Checkpoints and sinks say it the same way.

use std::fmt;
use std::path::PathBuf;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::{Located, Place};
use crate::config::reader::{Context, Read, TableReader};
use crate::config::secret::Secret;
use crate::config::tree::Node;
use crate::config::url::BaseUrl;

/// Where objects are kept, and how it is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectPlace {
    /// The folder, or the part of a bucket.
    pub url: Located<ObjectUrl>,
    /// What only a bucket needs.
    pub s3: S3Options,
}

/// How a bucket is reached. What is not given here is looked for in the usual variables of the environment (`AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on), and on
/// a machine of the provider it is asked for there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct S3Options {
    /// The region.
    pub region: Option<Located<String>>,
    /// The service, where it is not that of the region.
    pub endpoint: Option<Located<BaseUrl>>,
    /// Whether the service may be spoken to without encryption.
    pub allow_http: bool,
    /// The identifier of the access key.
    pub access_key_id: Option<Secret>,
    /// The access key itself.
    pub secret_access_key: Option<Secret>,
    /// What goes with an access key that is lent for a time.
    pub session_token: Option<Secret>,
}

/// Where objects are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectUrl {
    /// A folder: `file:///data/checkpoints`, or its path.
    Folder(PathBuf),
    /// A part of a bucket: `s3://bucket/prefix`.
    S3 {
        /// The bucket.
        bucket: String,
        /// What all names begin with; may be empty.
        prefix: String,
    },
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(formatter),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(formatter, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
        }
    }
}

fn s3(rest: &str) -> Option<ObjectUrl> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let named = |character: char| {
        character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || matches!(character, '-' | '.' | '_')
    };
    let is_bucket = bucket.len() >= 3 && bucket.chars().all(named);
    let is_part =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['?', '#', '*', '\\', '"']);
    let is_prefix = prefix.is_empty() || prefix.split('/').all(is_part);
    (is_bucket && is_prefix).then(|| ObjectUrl::S3 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

fn folder(url: &str) -> Option<ObjectUrl> {
    let path = reqwest::Url::parse(url).ok()?.to_file_path().ok()?;
    Some(ObjectUrl::Folder(path))
}

impl Read for ObjectUrl {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        let url = match text.split_once("://") {
            Some(("s3", rest)) => s3(rest),
            Some(("file", _)) => folder(text),
            Some(_) => None,
            None => return PathBuf::read(node, context).map(Self::Folder),
        };
        if url.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` does not name an object store", node.place.key()),
                )
                .found(node.describe())
                .expected("`s3://BUCKET/PREFIX`, `file:///PATH` or the path of a folder"),
            );
        }
        url
    }
}

impl ObjectPlace {
    pub(crate) fn read(table: &TableReader<'_>) -> Option<Self> {
        let url: Option<Located<ObjectUrl>> = table.required("url");
        let region = table.optional("region");
        let endpoint: Option<Located<BaseUrl>> = table.optional("endpoint");
        let allow_http: Option<Located<bool>> = table.optional("allow-http");
        let access_key_id = Secret::read_optional(table, "access-key-id");
        let secret_access_key = Secret::read_optional(table, "secret-access-key");
        let session_token = Secret::read_optional(table, "session-token");
        let given = [
            region
                .as_ref()
                .map(|region: &Located<String>| &region.place),
            endpoint.as_ref().map(|endpoint| &endpoint.place),
            allow_http.as_ref().map(|allow| &allow.place),
            access_key_id.as_ref().map(Secret::place),
            secret_access_key.as_ref().map(Secret::place),
            session_token.as_ref().map(Secret::place),
        ];
        if let Some(url) = &url
            && matches!(url.value, ObjectUrl::Folder(_))
        {
            for place in given.into_iter().flatten() {
                table.report(not_for_a_folder(place, url));
            }
        }
        half_a_key(table, access_key_id.as_ref(), secret_access_key.as_ref());
        let s3 = S3Options {
            region,
            endpoint,
            allow_http: allow_http.is_some_and(|allow| allow.value),
            access_key_id,
            secret_access_key,
            session_token,
        };
        s3.check(table);
        Some(Self { url: url?, s3 })
    }
}

impl S3Options {
    fn check(&self, table: &TableReader<'_>) {
        let Some(endpoint) = &self.endpoint else {
            return;
        };
        if endpoint.value.as_str().starts_with("http:") && !self.allow_http {
            table.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    endpoint.place.clone(),
                    "the endpoint is not encrypted, and nothing says that it may be so",
                )
                .found(format!("`{endpoint}`"))
                .help("use `https://`, or add `allow-http = true` if state and credentials may be seen on the way"),
            );
        }
    }
}

fn not_for_a_folder(place: &Place, url: &Located<ObjectUrl>) -> Diagnostic {
    Diagnostic::new(
        &code::CONTRADICTION,
        place.clone(),
        format!("`{}` is of no use with a folder", place.key()),
    )
    .related(url.place.clone(), "this is a folder")
    .help("remove it, or name a bucket: `url = \"s3://BUCKET/PREFIX\"`")
}

/// The identifier and the key go together.
fn half_a_key(table: &TableReader<'_>, id: Option<&Secret>, key: Option<&Secret>) {
    let (given, missing) = match (id, key) {
        (Some(id), None) => (id, "secret-access-key"),
        (None, Some(key)) => (key, "access-key-id"),
        _ => return,
    };
    table.report(
        Diagnostic::new(
            &code::CONTRADICTION,
            given.place().clone(),
            format!("`{}` stands without `{missing}`", given.place().key()),
        )
        .help(format!("add `{missing}`, or leave both to the environment")),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_have_a_prefix() {
        let url = |bucket: &str, prefix: &str| {
            Some(ObjectUrl::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        assert_eq!(s3("orders"), url("orders", ""));
        assert_eq!(s3("orders/a/b/"), url("orders", "a/b"));
    }

    #[test]
    fn what_names_no_object_is_refused() {
        for text in [
            "",
            "Orders",
            "orders//a",
            "orders/../a",
            "orders/a?b",
            "a@b",
        ] {
            assert_eq!(s3(text), None, "{text}");
        }
    }

    #[test]
    fn a_folder_may_be_a_url() {
        let path = PathBuf::from("/data/check points");
        assert_eq!(
            folder("file:///data/check%20points"),
            Some(ObjectUrl::Folder(path))
        );
        assert_eq!(folder("file://other/data"), None);
    }
}
