//! A client connects, starts a job by its first message, and gets what the job emits.

use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::name::Name;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;
use crate::config::size::ByteSize;
use crate::config::url::UrlPath;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const KIB: u64 = 1024;

/// The options of `type = "websocket"`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebSocketTrigger {
    /// The job that a client's first message starts.
    pub job: Located<String>,
    /// The output port of the job whose records are sent to the client, one a message.
    pub port: Located<Name>,
    /// The path.
    pub path: Located<UrlPath>,
    /// The pages whose scripts may connect, such as `https://app.example.com`; `*` for those of any. Clients that are no
    /// browsers say no origin, and may connect.
    pub origins: Vec<Located<String>>,
    /// Clients at a time; 100 by default.
    pub maximum_clients: u32,
    /// The largest message of a client, in bytes; 64 KiB by default.
    pub maximum_message_bytes: u64,
    /// How often a client that says nothing is asked whether it is still there; 30 s by default. One that does not answer until
    /// the next time is gone.
    pub ping_interval: Duration,
    /// How long the job of a client that has gone is kept for it, if it gave it a key; 10 minutes by default.
    pub resume_within: Duration,
    /// What clients have to show, if anything.
    pub bearer_token: Option<Secret>,
}

impl WebSocketTrigger {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let job = table.required("job");
        let port = table.required("port");
        let path = table.required("path");
        let origins: Vec<Located<String>> = table.optional_list("origins").unwrap_or_default();
        for origin in &origins {
            if !is_origin(origin) {
                table.report(
                    Diagnostic::new(
                        &code::MALFORMED_VALUE,
                        origin.place.clone(),
                        format!("`{}` is not an origin", origin.place.key()),
                    )
                    .found(format!("the string `{origin}`"))
                    .expected("a scheme, a host and a port that is not the usual one, such as `https://app.example.com`; or `*`"),
                );
            }
        }
        let maximum_clients = table.optional_within("maximum-clients", 1..=100_000);
        let bytes = ByteSize(KIB)..=ByteSize(64 * KIB * KIB);
        let message_bytes = table.optional_within("maximum-message-bytes", bytes);
        let ping_interval =
            table.optional_within("ping-interval", Duration::from_millis(10)..=HOUR);
        let resume_within = table.optional_within("resume-within", Duration::ZERO..=DAY);
        let bearer_token = Secret::read_optional(table, "bearer-token");
        Some(Self {
            job: job?,
            port: port?,
            path: path?,
            origins,
            maximum_clients: maximum_clients.map_or(100, |found| found.value),
            maximum_message_bytes: message_bytes.map_or(64 * KIB, |found| found.value.0),
            ping_interval: ping_interval.map_or(Duration::from_secs(30), |found| found.value),
            resume_within: resume_within.map_or(Duration::from_mins(10), |found| found.value),
            bearer_token,
        })
    }
}

fn is_origin(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_graphic() && !"/?#@".contains(character);
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(|host| !host.is_empty() && host.chars().all(plain))
}
