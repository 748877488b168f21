//! A service that the host calls on a plugin's or a pre-flight check's behalf. Credentials never enter a plugin.

mod authentication;
mod grant;
mod pattern;
mod permission;
mod policy;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub use authentication::{ClientAuthentication, HttpAuthentication, OAuth};
pub use grant::Grant;
pub use pattern::PathPattern;
pub use permission::HttpPermissions;
pub(crate) use permission::is_reserved;
pub use policy::{CircuitBreaker, HttpRetry, RequestRate};

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::size::ByteSize;
use crate::config::tree::Node;
use crate::config::url::BaseUrl;
use crate::job::AfterCrash;

const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;
const DEFAULT_BYTES: u64 = 16 * MIB;
const MOST_BYTES: u64 = 1024 * MIB;

/// The options of `type = "http"`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConnection {
    /// Where the service is.
    pub base_url: Located<BaseUrl>,
    /// How the service knows the host.
    pub authentication: HttpAuthentication,
    /// What plugins may ask for.
    pub permissions: HttpPermissions,
    /// The longest that it may take until there is a connection; 5 s by default, or `timeout` if that is shorter.
    pub connect_timeout: Duration,
    /// The longest that one try may take; 10 s by default.
    pub timeout: Duration,
    /// How often a request is tried.
    pub retry: HttpRetry,
    /// How fast requests are made at most, if there is a limit.
    pub rate_limit: Option<RequestRate>,
    /// When a service that fails is left alone, if it ever is.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The largest body of a request, in bytes; 16 MiB by default.
    pub maximum_request_bytes: u64,
    /// The largest body of an answer, in bytes; 16 MiB by default.
    pub maximum_response_bytes: u64,
    /// A file with the certificates of those who vouch for the service; those of the system by default.
    pub authorities: Option<Located<PathBuf>>,
    /// Whether the service may be at an address that is not public.
    pub private_addresses: bool,
    /// What is done about a request that was on its way when the host went down.
    pub after_crash: AfterCrash,
}

impl Read for AfterCrash {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(node, &[("resend", Self::Resend), ("ask", Self::Ask)])
    }
}

impl HttpConnection {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let base_url = table.required("base-url");
        let authentication = HttpAuthentication::read(table);
        let permissions = HttpPermissions::read(table);
        let timeouts = SHORTEST_TIMEOUT..=LONGEST_TIMEOUT;
        let timeout = table.optional_within("timeout", timeouts.clone());
        let connect_timeout = table.optional_within("connect-timeout", timeouts);
        if let (Some(connect), Some(whole)) = (&connect_timeout, &timeout)
            && connect.value > whole.value
        {
            table.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    connect.place.clone(),
                    "connecting may not take longer than the whole request",
                )
                .related(whole.place.clone(), "the whole request"),
            );
        }
        let timeout = timeout.map_or(DEFAULT_TIMEOUT, |found| found.value);
        let connect = connect_timeout.map(|found| found.value);
        let retry = table.optional_table("retry", HttpRetry::read);
        let rate_limit = table.optional_table("rate-limit", RequestRate::read);
        let circuit_breaker = table.optional_table("circuit-breaker", CircuitBreaker::read);
        let bytes = |key| {
            let found = table.optional_within(key, ByteSize(0)..=ByteSize(MOST_BYTES));
            found.map_or(DEFAULT_BYTES, |found| found.value.0)
        };
        let maximum_request_bytes = bytes("maximum-request-bytes");
        let maximum_response_bytes = bytes("maximum-response-bytes");
        let authorities = table.optional_table("tls", |table| table.required("authorities"));
        let private_addresses = table.optional("private-addresses");
        let after_crash = table.optional("after-crash");
        Some(Self {
            base_url: base_url?,
            authentication: authentication?,
            permissions: permissions?,
            connect_timeout: connect.unwrap_or(DEFAULT_CONNECT_TIMEOUT).min(timeout),
            timeout,
            retry: retry.unwrap_or_default(),
            rate_limit,
            circuit_breaker,
            maximum_request_bytes,
            maximum_response_bytes,
            authorities,
            private_addresses: private_addresses.is_some_and(|found| found.value),
            after_crash: after_crash.map_or_else(AfterCrash::default, |found| found.value),
        })
    }
}

/// The numbers of requests, tries and failures are from one on.
fn counted(table: &TableReader<'_>, key: &'static str, most: u32) -> Option<Located<NonZeroU32>> {
    let found = table.optional_within::<u32>(key, 1..=most)?;
    let Located { value, place } = found;
    NonZeroU32::new(value).map(|value| Located { value, place })
}

#[cfg(test)]
mod tests;
