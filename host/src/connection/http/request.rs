//! What a plugin may ask for through a connection: it names a path, and nothing it writes there leads to another service, into
//! the connection's credentials, or past what the manifest grants.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::error::ConnectionFailure;
use super::options::Permissions;
use crate::config::{Grant, is_reserved};

/// A request of a plugin.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path below the base URL, with its query: `/api/v2/exports?limit=10`. A whole URL will do, as services give them in
    /// `Location`, if it is one of this service below the base URL.
    pub target: String,
    /// Headers, by name.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// What the service knows a repeated request by. It is sent as `Idempotency-Key` with methods that are not idempotent by
    /// themselves, and makes it safe to try those again.
    pub idempotency_key: Option<String>,
    /// What whoever asks was granted of what the connection permits.
    pub grant: Grant,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            idempotency_key: None,
            grant: Grant::default(),
        }
    }

    /// Whether it does no harm to send it twice.
    pub(super) fn is_repeatable(&self) -> bool {
        self.method.is_idempotent() || self.idempotency_key.is_some()
    }
}

/// Headers that any plugin may set.
const PERMITTED: &[&str] = &[
    "accept",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "prefer",
    "range",
];

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The headers of a request, if it may have them.
pub(super) fn headers(
    request: &Request,
    permissions: &Permissions,
) -> Result<HeaderMap, ConnectionFailure> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 1);
    for (name, value) in &request.headers {
        let malformed = |_| forbidden(format!("`{}` is not the name of a header", printable(name)));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(malformed)?;
        let is_granted =
            PERMITTED.contains(&header.as_str()) || permissions.headers.contains(&header);
        if is_reserved(&header) || !is_granted {
            let grant = "is not among the `headers` of the connection";
            return Err(forbidden(format!("the header `{header}` {grant}")));
        }
        let malformed = |_| {
            forbidden(format!(
                "the header `{header}` has a value that cannot be sent"
            ))
        };
        let value = HeaderValue::from_str(value).map_err(malformed)?;
        headers.append(header, value);
    }
    if let Some(key) = &request.idempotency_key
        && !request.method.is_idempotent()
    {
        let malformed = |_| forbidden("the idempotency key cannot be sent in a header".into());
        let value = HeaderValue::from_str(key).map_err(malformed)?;
        headers.entry(IDEMPOTENCY_KEY).or_insert(value);
    }
    Ok(headers)
}

/// The URL of a request, if it may be asked for.
pub(super) fn url(
    request: &Request,
    base_url: &Url,
    token_url: Option<&Url>,
    permissions: &Permissions,
) -> Result<Url, ConnectionFailure> {
    let Request { method, target, .. } = request;
    if !permissions.methods.is_empty() && !permissions.methods.contains(method) {
        let grant = "is not among the `methods` of the connection";
        return Err(forbidden(format!("the method {method} {grant}")));
    }
    if !request.grant.has_method(method) {
        let grant = "is not among the `methods` that are granted of the connection";
        return Err(forbidden(format!("the method {method} {grant}")));
    }
    let base = base_url.path().trim_end_matches('/');
    let url = if target.starts_with('/') {
        let origin = base_url.origin().ascii_serialization();
        Url::parse(&format!("{origin}{base}{target}"))
    } else {
        Url::parse(target)
    };
    let url = url.map_err(|error| {
        forbidden(format!(
            "`{}` is neither a path nor a URL: {error}",
            printable(target)
        ))
    })?;
    let is_here = url.origin() == base_url.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    let below = url.path().strip_prefix(base);
    let Some(path) = below.filter(|path| is_here && path.starts_with('/')) else {
        return Err(forbidden(format!(
            "`{}` does not lead below the base URL of the connection",
            printable(target)
        )));
    };
    let is_granted =
        permissions.paths.is_empty() || permissions.paths.iter().any(|one| one.matches(path));
    let is_token = token_url.is_some_and(|token| token.path() == url.path());
    if !is_granted || is_token || climbs(path) {
        let grant = "is not among the `paths` of the connection";
        return Err(forbidden(format!("the path `{path}` {grant}")));
    }
    if !request.grant.has_path(path) {
        let grant = "is not among the `paths` that are granted of the connection";
        return Err(forbidden(format!("the path `{path}` {grant}")));
    }
    Ok(url)
}

/// Whether a segment, decoded, would climb: a service that decodes a path before it looks at its segments would see another.
fn climbs(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    if !lower.contains("%2f") && !lower.contains("%5c") {
        // A URL has no other `..`: they are resolved when it is read.
        return false;
    }
    let decoded = lower
        .replace("%2f", "/")
        .replace("%5c", "/")
        .replace("%2e", ".");
    decoded.split('/').any(|segment| segment == "..")
}

fn forbidden(what: String) -> ConnectionFailure {
    ConnectionFailure::NotPermitted(what)
}

/// What a plugin wrote, fit for one line of a message.
fn printable(text: &str) -> String {
    let printable = text.chars().filter(|character| !character.is_control());
    printable.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PathPattern;

    const BASE: &str = "https://api.example.com/tenant";

    fn target(target: &str, patterns: &[&str]) -> Result<String, String> {
        let permissions = Permissions {
            paths: patterns
                .iter()
                .map(|pattern| PathPattern::parse(pattern).unwrap())
                .collect(),
            ..Permissions::default()
        };
        let base = Url::parse(BASE).unwrap();
        let token = Url::parse(&format!("{BASE}/oauth/token")).unwrap();
        let request = Request::new(Method::GET, target);
        url(&request, &base, Some(&token), &permissions)
            .map(|url| url.to_string())
            .map_err(|failure| failure.to_string())
    }

    fn sent(headers_of: &[(&str, &str)], granted: &[&'static str]) -> Result<HeaderMap, String> {
        let permissions = Permissions {
            headers: granted
                .iter()
                .copied()
                .map(HeaderName::from_static)
                .collect(),
            ..Permissions::default()
        };
        let request = Request {
            headers: headers_of
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            idempotency_key: Some("job-1/3".into()),
            ..Request::new(Method::POST, "/")
        };
        headers(&request, &permissions).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_path_is_below_the_base_url() {
        assert_eq!(
            target("/exports?limit=5", &[]).unwrap(),
            format!("{BASE}/exports?limit=5")
        );
    }

    #[test]
    fn a_whole_url_of_the_service_will_do() {
        let whole = format!("{BASE}/exports/7");
        assert_eq!(target(&whole, &["/exports/*"]).unwrap(), whole);
    }

    #[test]
    fn no_target_leads_elsewhere() {
        for elsewhere in [
            "https://evil.example.com/tenant/exports",
            "http://api.example.com/tenant/exports",
            "https://api.example.com:8443/tenant/exports",
            "https://ada@api.example.com/tenant/exports",
            "https://api.example.com/other",
            "https://api.example.com/tenants",
            "/../other",
            "/%2e%2e/other",
            "exports",
            "",
        ] {
            assert!(target(elsewhere, &[]).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn a_path_that_is_not_granted_is_refused() {
        let granted = &["/exports/*", "/schedules/**"];
        assert!(target("/schedules/1/executions", granted).is_ok());
        assert_eq!(
            target("/exports/1/../../users", granted).unwrap_err(),
            "the path `/users` is not among the `paths` of the connection"
        );
    }

    #[test]
    fn a_grant_narrows_what_the_connection_permits() {
        let granted = |method: Method, target: &str| {
            let request = Request {
                grant: Grant {
                    methods: vec![Method::GET],
                    paths: vec![PathPattern::parse("/exports/*").unwrap()],
                },
                ..Request::new(method, target)
            };
            let base = Url::parse(BASE).unwrap();
            url(&request, &base, None, &Permissions::default())
                .map(|url| url.to_string())
                .map_err(|failure| failure.to_string())
        };
        assert!(granted(Method::GET, "/exports/7").is_ok());
        assert_eq!(
            granted(Method::POST, "/exports/7").unwrap_err(),
            "the method POST is not among the `methods` that are granted of the connection"
        );
        assert_eq!(
            granted(Method::GET, "/exports/../users/7").unwrap_err(),
            "the path `/users/7` is not among the `paths` that are granted of the connection"
        );
    }

    #[test]
    fn a_path_that_would_climb_once_it_is_decoded_is_refused() {
        assert!(target("/exports/a%2fb", &["/exports/*"]).is_ok());
        for climbing in ["/exports/..%2fusers", "/exports/a%5C%2E%2e%5cusers"] {
            assert!(target(climbing, &["/exports/*"]).is_err(), "{climbing}");
        }
    }

    #[test]
    fn tokens_are_not_for_plugins() {
        assert!(target("/oauth/token", &[]).is_err());
        assert!(target("/oauth/./token?x", &["/**"]).is_err());
    }

    #[test]
    fn headers_are_granted_by_name() {
        assert!(sent(&[("Accept", "text/csv")], &[]).is_ok());
        assert!(sent(&[("X-Source", "scheduler")], &["x-source"]).is_ok());
        assert_eq!(
            sent(&[("X-Source", "scheduler")], &[]).unwrap_err(),
            "the header `x-source` is not among the `headers` of the connection"
        );
    }

    #[test]
    fn headers_of_the_host_are_never_granted() {
        for header in ["Authorization", "Host", "Cookie", "Content-Length"] {
            let name: HeaderName = header.parse().unwrap();
            assert!(is_reserved(&name));
            assert!(sent(&[(header, "x")], &[]).is_err(), "{header}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_in_another() {
        assert!(sent(&[("Accept", "x\r\nAuthorization: y")], &[]).is_err());
        assert!(sent(&[("Accept\r\nX", "x")], &[]).is_err());
    }

    #[test]
    fn the_key_of_the_host_stands_unless_the_plugin_has_its_own() {
        let of = |headers: HeaderMap| headers[IDEMPOTENCY_KEY].to_str().unwrap().to_owned();
        assert_eq!(of(sent(&[], &[]).unwrap()), "job-1/3");
        assert_eq!(of(sent(&[("Idempotency-Key", "own")], &[]).unwrap()), "own");
    }
}
