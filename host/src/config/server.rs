//! Where the triggers of a pipeline that are asked over HTTP listen.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::{Context, Read, TableReader};
use crate::config::tree::Node;

/// Of this machine alone: who wants to be reached from elsewhere says so.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DEFAULT_CONNECTIONS: u32 = 1024;
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);

/// The server of all HTTP triggers of a pipeline: `[server]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// The address; `127.0.0.1:8080` by default. With port 0 the system chooses one.
    pub listen: Located<SocketAddr>,
    /// The most connections at a time; 1,024 by default. More wait until one is closed.
    pub maximum_connections: u32,
    /// The longest that a client may take to send a request; 30 s by default.
    pub request_timeout: Duration,
    /// How long requests under way may go on when the host stops; 10 s by default.
    pub grace: Duration,
}

impl Read for SocketAddr {
    fn read(node: &Node, context: &Context) -> Option<Self> {
        let address = context.text(node)?.parse().ok();
        if address.is_none() {
            context.report(
                Diagnostic::new(
                    &code::MALFORMED_VALUE,
                    node.place.clone(),
                    format!("`{}` is not an address to listen on", node.place.key()),
                )
                .found(node.describe())
                .expected("an IP address and a port, such as `127.0.0.1:8080` or `[::]:8080`"),
            );
        }
        address
    }
}

impl Server {
    pub(crate) fn default_of(table: &TableReader<'_>) -> Self {
        Self {
            listen: table.default(DEFAULT_LISTEN),
            maximum_connections: DEFAULT_CONNECTIONS,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            grace: DEFAULT_GRACE,
        }
    }

    pub(crate) fn read(table: &TableReader<'_>) -> Self {
        let default = Self::default_of(table);
        let listen = table.optional("listen");
        let connections = table.optional_within("maximum-connections", 1..=100_000);
        let shortest = Duration::from_millis(1);
        let request_timeout = table.optional_within("request-timeout", shortest..=HOUR);
        let grace = table.optional_within("grace", Duration::ZERO..=HOUR);
        Self {
            listen: listen.unwrap_or(default.listen),
            maximum_connections: connections.map_or(DEFAULT_CONNECTIONS, |found| found.value),
            request_timeout: request_timeout.map_or(DEFAULT_REQUEST_TIMEOUT, |found| found.value),
            grace: grace.map_or(DEFAULT_GRACE, |found| found.value),
        }
    }
}
