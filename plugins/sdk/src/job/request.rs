//! Requests to services.

use std::fmt;

use serde::Serialize;

/// A request to a service: a connection of the manifest, and what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A connection that the manifest grants the job.
    pub connection: String,
    /// What to do.
    pub method: Method,
    /// Path and query below the connection's base URL, or an absolute URL that lies there.
    pub path: String,
    /// In their order, beside those that the host adds.
    pub headers: Vec<(String, String)>,
    /// What is sent with it.
    pub body: Option<Vec<u8>>,
}

/// Methods of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl Request {
    /// A request to a connection.
    pub fn new(method: Method, connection: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            connection: connection.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A `GET`.
    pub fn get(connection: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::Get, connection, path)
    }

    /// A `POST`.
    pub fn post(connection: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(Method::Post, connection, path)
    }

    /// With a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a parameter more in the query, escaped as needed.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        escape(name, &mut self.path);
        self.path.push('=');
        escape(&value.to_string(), &mut self.path);
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With a body in JSON and the header that says so.
    ///
    /// # Panics
    /// Where the value has no JSON form, such as a map with keys that are no text.
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(error) => panic!("the body of a request is no JSON: {error}"),
        }
    }

    /// Its body read as JSON, for tests.
    ///
    /// # Panics
    /// Where it is none.
    pub fn body_json(&self) -> serde_json::Value {
        match serde_json::from_slice(self.body.as_deref().unwrap_or_default()) {
            Ok(value) => value,
            Err(error) => panic!("the body of {self} is no JSON: {error}"),
        }
    }
}

/// Any text as one segment of a path, escaped as needed: `format!("/reports/{}", path_segment(&id))`. What a service calls a thing
/// can hold a slash or a question mark.
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    escape(text, &mut segment);
    segment
}

/// The most bytes of an [identifier](is_identifier).
pub const LONGEST_IDENTIFIER: usize = 200;

/// Whether a text can be an identifier that stands in a path as it is: unreserved characters alone, and no step in the path.
pub fn is_identifier(text: &str) -> bool {
    (1..=LONGEST_IDENTIFIER).contains(&text.len())
        && text.bytes().all(is_unreserved)
        && !matches!(text, "." | "..")
}

/// RFC 3986, section 2.3: what need not be escaped.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn escape(text: &str, into: &mut String) {
    use fmt::Write as _;
    for byte in text.bytes() {
        if is_unreserved(byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.method, self.connection, self.path)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}
