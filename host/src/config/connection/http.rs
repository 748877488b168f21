//! A service that the host calls on a plugin's or a pre-flight check's behalf. Credentials never enter a plugin.

use std::fmt;
use std::time::Duration;

use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;
use crate::config::url::{BaseUrl, UrlPath};

const HOUR: Duration = Duration::from_hours(1);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The options of `type = "http"`: a service reached with OAuth client credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConnection {
    /// Where the service is.
    pub base_url: Located<BaseUrl>,
    /// Where, below the base URL, tokens are asked for.
    pub token_path: Located<UrlPath>,
    /// The client's identifier.
    pub client_id: Secret,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope to ask for, if any.
    pub scope: Option<Located<String>>,
    /// The longest that one request may take; 10 s by default.
    pub timeout: Duration,
}

impl HttpConnection {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let base_url = table.required("base-url");
        let token_path = table.required("token-path");
        let client_id = Secret::read_required(table, "client-id");
        let client_secret = Secret::read_required(table, "client-secret");
        let scope = table.optional("scope");
        let timeout = table.optional_within("timeout", Duration::from_millis(1)..=HOUR);
        Some(Self {
            base_url: base_url?,
            token_path: token_path?,
            client_id: client_id?,
            client_secret: client_secret?,
            scope,
            timeout: timeout.map_or(DEFAULT_TIMEOUT, |found| found.value),
        })
    }

    /// The URL of a path below the service's base URL; `path` begins with `/`.
    pub fn url(&self, path: impl fmt::Display) -> String {
        format!("{}{path}", self.base_url.value)
    }
}
