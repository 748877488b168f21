//! What plugins may ask for: `methods`, `paths` and `headers` of a connection.

use reqwest::Method;
use reqwest::header::HeaderName;

use super::pattern::PathPattern;
use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

/// Headers that are the host's alone: they carry credentials, or say where a message ends and whom it is for.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header is the host's alone; a manifest cannot give it away.
pub(crate) fn is_reserved(header: &HeaderName) -> bool {
    RESERVED.contains(&header.as_str())
}

/// What plugins may ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpPermissions {
    /// The methods; any if there is none.
    pub methods: Vec<Method>,
    /// The paths; any if there is none.
    pub paths: Vec<PathPattern>,
    /// Headers beside the harmless ones.
    pub headers: Vec<HeaderName>,
}

impl HttpPermissions {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let methods = granted::<Method>(table, "methods");
        let paths = granted::<PathPattern>(table, "paths");
        let headers = granted::<GrantedHeader>(table, "headers");
        let headers = headers.map(|headers| headers.into_iter().map(|header| header.0).collect());
        Some(Self {
            methods: methods?,
            paths: paths?,
            headers: headers?,
        })
    }
}

pub(super) fn granted<T: Read + PartialEq>(
    table: &TableReader<'_>,
    key: &'static str,
) -> Option<Vec<T>> {
    let Some(node) = table.optional_node(key) else {
        return Some(Vec::new());
    };
    let all = table.context().list::<T>(node)?;
    table.context().refuse_repetition(&all);
    Some(all.into_iter().map(|one| one.value).collect())
}

impl Read for Method {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        context.choice(
            node,
            &[
                ("GET", Self::GET),
                ("HEAD", Self::HEAD),
                ("POST", Self::POST),
                ("PUT", Self::PUT),
                ("PATCH", Self::PATCH),
                ("DELETE", Self::DELETE),
            ],
        )
    }
}

impl Read for PathPattern {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = context.text(node)?;
        let pattern = Self::parse(text);
        if pattern.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not a pattern of paths", node.place.key()),
                )
                .found(node.describe())
                .expected("a path in which `*` is one segment and `**` any number of them, such as `/api/v2/reports/*/executions`"),
            );
        }
        pattern
    }
}

#[derive(PartialEq)]
struct GrantedHeader(HeaderName);

impl Read for GrantedHeader {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let text = Located::new(context.text(node)?.to_owned(), node.place.clone());
        let header = header_name(&text, context)?;
        if is_reserved(&header) {
            context.report(
                Diagnostic::new(
                    &code::CONTRADICTION,
                    node.place.clone(),
                    format!("the header `{header}` cannot be granted to a plugin"),
                )
                .help("remove it: it carries credentials, or says where a message ends and whom it is for"),
            );
            return None;
        }
        Some(Self(header))
    }
}

pub(super) fn header_name(name: &Located<String>, context: &Context) -> Option<HeaderName> {
    let header = HeaderName::from_bytes(name.as_bytes()).ok();
    if header.is_none() {
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                name.place.clone(),
                format!("`{name}` is not the name of a header"),
            )
            .expected("letters, digits and `-`, such as `X-Source`"),
        );
    }
    header
}
