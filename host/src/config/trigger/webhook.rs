//! A service calls back, and the job that waits for it goes on.

use reqwest::header::HeaderName;

use super::http::maximum_body_bytes;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::secret::Secret;
use crate::config::tree::Node;
use crate::config::url::UrlPath;

/// The options of `type = "webhook"`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookTrigger {
    /// The path.
    pub path: Located<UrlPath>,
    /// Which field of the body says what the callback is about, as a JSON pointer (RFC 6901).
    pub correlation: JsonPointer,
    /// The header that tells deliveries apart; by default they are told apart by their bodies.
    pub delivery_header: Option<HeaderName>,
    /// What proves that a callback comes from the service, if anything.
    pub signature: Option<Signature>,
    /// The largest body, in bytes; 1 MiB by default.
    pub maximum_body_bytes: u64,
}

/// The HMAC-SHA256 of the body in a header: `signature = { header = "X-Signature", secret = { env = "KEY" } }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// The header.
    pub header: HeaderName,
    /// What stands in front of the hexadecimal digits; `sha256=` by default.
    pub prefix: String,
    /// The key.
    pub secret: Secret,
}

/// A JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer(String);

impl JsonPointer {
    /// The pointer, empty or with a slash at its start.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Read for JsonPointer {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        if text.starts_with('/') {
            return Some(Self(text.to_owned()));
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                node.place.clone(),
                format!("`{}` is not a JSON pointer to a field", node.place.key()),
            )
            .found(node.describe())
            .expected("the way to a field, such as `/syncJobId` or `/job/id`"),
        );
        None
    }
}

impl Read for HeaderName {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        let name = Self::from_bytes(text.as_bytes()).ok();
        if name.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not the name of a header", node.place.key()),
                )
                .found(node.describe())
                .expected("letters, digits and `-`, such as `X-Delivery-Id`"),
            );
        }
        name
    }
}

impl WebhookTrigger {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let path = table.required("path");
        let correlation = table.required("correlation");
        let delivery_header = table.optional::<HeaderName>("delivery-header");
        let has_signature = table.optional_node("signature").is_some();
        let signature = table.optional_table("signature", Signature::read);
        if has_signature && signature.is_none() {
            // Without it, anybody could call.
            return None;
        }
        Some(Self {
            path: path?,
            correlation: correlation?.value,
            delivery_header: delivery_header.map(|found| found.value),
            signature,
            maximum_body_bytes: maximum_body_bytes(table),
        })
    }
}

impl Signature {
    fn read(table: &TableReader<'_>) -> Option<Self> {
        let header = table.required::<HeaderName>("header");
        let secret = Secret::read_required(table, "secret");
        let prefix = table.optional::<String>("prefix");
        Some(Self {
            header: header?.value,
            prefix: prefix.map_or_else(|| "sha256=".to_owned(), |found| found.value),
            secret: secret?,
        })
    }
}
