//! A Cassandra cluster, and who is let in.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::code;
use crate::config::diagnostic::Diagnostic;
use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;

const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);
const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The options of `type = "cassandra"`.
#[derive(Clone, Debug, PartialEq)]
pub struct CassandraConnection {
    /// `HOST` or `HOST:PORT` of nodes that are asked for the others; at least one.
    pub nodes: Vec<Located<String>>,
    /// The data centre whose nodes are written to; any by default.
    pub datacenter: Option<Located<String>>,
    /// The user, if the cluster asks for one.
    pub username: Option<Secret>,
    /// The user's password; there is one where there is a user.
    pub password: Option<Secret>,
    /// How connections are encrypted, if they are.
    pub tls: Option<Located<Tls>>,
    /// The longest that one request may take; 10 s by default.
    pub timeout: Duration,
}

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// Certificates, in PEM, of those who vouch for the nodes; those of the system by default.
    pub authorities: Option<Located<PathBuf>>,
    /// The host's own certificate with its chain, in PEM, where the nodes ask for one.
    pub certificate: Option<Located<PathBuf>>,
    /// Its key, in PEM; there is one where there is a certificate.
    pub key: Option<Located<PathBuf>>,
    /// A host name or IP address that the certificate of every node has to be for. By default any will do: nodes are found by their addresses,
    /// which certificates seldom name.
    pub name: Option<Located<String>>,
    /// Whether the nodes' certificates are verified; they are by default.
    pub verify: bool,
}

impl CassandraConnection {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let nodes = table.required_one_or_more::<String>("nodes");
        for node in nodes.iter().flatten().filter(|node| !is_address(node)) {
            table.report(not_an_address(node));
        }
        let username = secret(table, "username");
        let password = secret(table, "password");
        in_pairs(table, "username", "password");
        let tls = table.optional_table("tls", |table| Some(table.default(Tls::read(table))));
        let timeout = table.optional_within("timeout", SHORTEST_TIMEOUT..=LONGEST_TIMEOUT);
        Some(Self {
            nodes: nodes?,
            datacenter: table.optional("datacenter"),
            username,
            password,
            tls,
            timeout: timeout.map_or(DEFAULT_TIMEOUT, |found| found.value),
        })
    }
}

impl Tls {
    fn read(table: &TableReader<'_>) -> Self {
        let tls = Self {
            authorities: table.optional("authorities"),
            certificate: table.optional("certificate"),
            key: table.optional("key"),
            name: table.optional("name"),
            verify: table.optional("verify").is_none_or(|found| found.value),
        };
        in_pairs(table, "certificate", "key");
        if !tls.verify {
            let unused = [
                tls.authorities.as_ref().map(|found| &found.place),
                tls.name.as_ref().map(|found| &found.place),
            ];
            for place in unused.into_iter().flatten() {
                table.report(
                    Diagnostic::new(
                        &code::CONTRADICTION,
                        place.clone(),
                        format!(
                            "`{}` says how certificates are verified, and they are not to be",
                            place.key()
                        ),
                    )
                    .help("leave it out, or remove `verify = false`"),
                );
            }
        }
        tls
    }
}

fn secret(table: &TableReader<'_>, key: &'static str) -> Option<Secret> {
    table.optional_node(key)?;
    Secret::read_required(table, key)
}

/// Reports the one that is missing where only the other is there.
fn in_pairs(table: &TableReader<'_>, one: &'static str, other: &'static str) {
    match (table.optional_node(one), table.optional_node(other)) {
        (Some(_), None) => drop(table.required_node(other)),
        (None, Some(_)) => drop(table.required_node(one)),
        _ => {}
    }
}

/// Whether it is `HOST` or `HOST:PORT`; an IPv6 address with a port stands in brackets.
fn is_address(text: &str) -> bool {
    let is_name = |host: &str| {
        let allowed = |character: char| character.is_alphanumeric() || "-_.".contains(character);
        !host.is_empty() && host.chars().all(allowed)
    };
    if text.parse::<std::net::IpAddr>().is_ok() || text.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    match text.split_once(':') {
        Some((host, port)) => is_name(host) && port.parse::<u16>().is_ok_and(|port| port > 0),
        None => is_name(text),
    }
}

fn not_an_address(node: &Located<String>) -> Diagnostic {
    Diagnostic::new(
        &code::MALFORMED_VALUE,
        node.place.clone(),
        format!("`{}` is not the address of a node", node.place.key()),
    )
    .found(format!("the string `{node}`"))
    .expected(
        "a host and a port, such as `cassandra-1.example.com:9042`; without a port it is 9042",
    )
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn a_node_is_a_host_with_or_without_a_port() {
        for address in [
            "localhost",
            "db-1.example.com:9042",
            "10.0.0.1",
            "::1",
            "[::1]:9042",
        ] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn what_no_node_could_be_at_is_no_address() {
        for address in [
            "",
            ":9042",
            "db:port",
            "db:0",
            "cassandra://db",
            "a b",
            "db:9042/x",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
