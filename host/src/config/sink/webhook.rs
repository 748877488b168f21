//! Records that are posted to a service, one request each: rows of an outbox until the service has taken them.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::config::code;
use crate::config::connection::is_reserved;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, TableReader};
use crate::config::tree::Node;
use crate::config::url::UrlPath;

const DEFAULT_CONTENT_TYPE: &str = "application/json";
const DEFAULT_PENDING: u32 = 10_000;
const MOST_PENDING: u32 = 10_000_000;
const DEFAULT_GIVE_UP: Duration = Duration::from_hours(24);
const SHORTEST_GIVE_UP: Duration = Duration::from_secs(1);
const LONGEST_GIVE_UP: Duration = Duration::from_hours(24 * 365);
/// Beyond that a service is not slow, but overrun.
const MOST_IN_FLIGHT: u16 = 256;

/// The options of `type = "webhook"`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookSink {
    /// The name of a connection of the manifest, of the kind `http`.
    pub connection: Located<String>,
    /// The path below its base URL that records are posted to.
    pub path: Located<UrlPath>,
    /// Headers of every request, the content type among them.
    pub headers: Vec<(String, String)>,
    /// How many requests may wait for their answers. With 1, the default, records are delivered in their order, and none before the one in front of it is delivered
    /// or given up; with more there is no order.
    pub maximum_requests_in_flight: u16,
    /// How many committed records may wait to be delivered before the pipeline does; 10,000 by default.
    pub maximum_pending: u32,
    /// For how long a record is tried, while the pipeline runs, before it goes to the dead-letter queue; a day by default.
    pub give_up_after: Duration,
}

impl WebhookSink {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let connection = table.required("connection");
        let path = table.required("path");
        let content_type: Option<Located<String>> = table.optional("content-type");
        let headers =
            table.optional_entries("headers", "headers = { X-Source = \"jackfield\" }", header);
        let in_flight = table.optional_within("maximum-requests-in-flight", 1..=MOST_IN_FLIGHT);
        let pending = table.optional_within("maximum-pending", 1..=MOST_PENDING);
        let give_up = table.optional_within("give-up-after", SHORTEST_GIVE_UP..=LONGEST_GIVE_UP);
        if let Some(content_type) = &content_type {
            sendable(content_type, table.context());
        }
        let content_type =
            content_type.map_or(DEFAULT_CONTENT_TYPE.to_owned(), |found| found.value);
        let mut headers = headers?;
        headers.push((CONTENT_TYPE.to_string(), content_type));
        Some(Self {
            connection: connection?,
            path: path?,
            headers,
            maximum_requests_in_flight: in_flight.map_or(1, |found| found.value),
            maximum_pending: pending.map_or(DEFAULT_PENDING, |found| found.value),
            give_up_after: give_up.map_or(DEFAULT_GIVE_UP, |found| found.value),
        })
    }
}

/// A header that stands in the manifest, which is no secret and not the host's.
fn header(name: &Located<String>, node: &Node, context: &Context) -> Option<(String, String)> {
    let value = Located::new(context.text(node)?.to_owned(), node.place.clone());
    let known = HeaderName::from_bytes(name.as_bytes()).ok();
    match &known {
        None => context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                name.place.clone(),
                format!("`{name}` is not the name of a header"),
            )
            .expected("letters, digits and `-`, such as `X-Source`"),
        ),
        Some(header) if is_reserved(header) => context.report(
            Diagnostic::new(
                &code::CONTRADICTION,
                name.place.clone(),
                format!("the header `{header}` is not a sink's to set"),
            )
            .help("remove it: it carries credentials, which belong to the connection, or says where a message ends and whom it is for"),
        ),
        Some(header) if is_of_the_sink(header) => context.report(
            Diagnostic::new(
                &code::CONTRADICTION,
                name.place.clone(),
                format!("the header `{header}` is set for each record"),
            )
            .help("remove it; `content-type` is an option of the sink"),
        ),
        Some(_) => {}
    }
    let is_sendable = sendable(&value, context);
    known.filter(|_| is_sendable)?;
    Some((name.value.clone(), value.value))
}

fn is_of_the_sink(header: &HeaderName) -> bool {
    matches!(header.as_str(), "idempotency-key" | "content-type")
}

fn sendable(value: &Located<String>, context: &Context) -> bool {
    let is_sendable = HeaderValue::from_str(value).is_ok();
    if !is_sendable {
        context.report(
            Diagnostic::new(
                &code::MALFORMED_VALUE,
                value.place.clone(),
                format!("`{}` cannot be sent in a header", value.place.key()),
            )
            .expected("one line of visible characters"),
        );
    }
    is_sendable
}
