//! Addresses of services, checked as far as it takes to join them safely.

use std::fmt;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::{Context, Read};
use crate::config::tree::Node;

/// An absolute HTTP URL without query, fragment, credentials or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(String);

/// The path of a URL; begins with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPath(String);

impl BaseUrl {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UrlPath {
    /// The path, with a slash at its start.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for UrlPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_base_url(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if port.parse::<u16>().is_err() {
                return false;
            }
            host
        }
        _ => authority,
    };
    !host.is_empty() && is_plain(rest) && !rest.contains('@')
}

fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_ascii_graphic() && !"?#\\\"<>`{}|^".contains(character))
}

impl Read for BaseUrl {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        if is_base_url(text) {
            return Some(Self(text.trim_end_matches('/').to_owned()));
        }
        let refusal = Diagnostic::new(
            &code::MALFORMED_VALUE,
            node.place.clone(),
            format!("`{}` is not the base URL of a service", node.place.key()),
        )
        .expected("an http or https URL without credentials, query or fragment, such as `https://api.example.com`");
        // What stands before an `@` is a password more often than not.
        context.report(if text.contains('@') {
            refusal.found("a URL with an `@`").without_source()
        } else {
            refusal.found(node.describe())
        });
        None
    }
}

impl Read for UrlPath {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        if text.starts_with('/') && !text.starts_with("//") && is_plain(text) {
            return Some(Self(text.to_owned()));
        }
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                node.place.clone(),
                format!("`{}` is not the path of a URL", node.place.key()),
            )
            .found(node.describe())
            .expected("a path that begins with `/`, such as `/oauth/token`"),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::is_base_url;

    #[test]
    fn services_are_reached_by_http_and_https() {
        for url in [
            "https://api.example.com",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/base",
            "https://example.com/a/b/",
        ] {
            assert!(is_base_url(url), "{url}");
        }
    }

    #[test]
    fn what_could_not_be_joined_with_a_path_is_no_base_url() {
        for url in [
            "api.example.com",
            "ftp://example.com",
            "https://",
            "https://:80",
            "https://example.com:http",
            "https://user:secret@example.com",
            "https://example.com?a=b",
            "https://exa mple.com",
        ] {
            assert!(!is_base_url(url), "{url}");
        }
    }
}
