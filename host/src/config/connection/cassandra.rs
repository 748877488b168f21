//! A Cassandra cluster, and who is let in.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::place::Located;
use crate::config::reader::TableReader;
use crate::config::secret::Secret;

/// The options of `type = "cassandra"`.
#[derive(Clone, Debug, PartialEq)]
pub struct CassandraConnection {
    /// `HOST` or `HOST:PORT` of nodes that are asked for the others; at least one.
    pub nodes: Vec<Located<String>>,
    /// The data centre whose nodes are written to; any by default.
    pub datacenter: Option<Located<String>>,
    /// The user, if the cluster asks for one.
    pub username: Option<Secret>,
    /// The user's password.
    pub password: Option<Secret>,
    /// How connections are encrypted, if they are.
    pub tls: Option<Tls>,
    /// The longest that one request may take; 10 s by default.
    pub timeout: Duration,
}

/// How connections are encrypted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// Certificates, in PEM, of those who vouch for the nodes; those of the system by default.
    pub authorities: Option<Located<PathBuf>>,
    /// The host's own certificate, in PEM.
    pub certificate: Option<Located<PathBuf>>,
    /// Its key, in PEM.
    pub key: Option<Located<PathBuf>>,
}

impl CassandraConnection {
    pub(super) fn read(table: &TableReader<'_>) -> Option<Self> {
        let nodes = table.required_one_or_more("nodes");
        Some(Self {
            nodes: nodes?,
            datacenter: table.optional("datacenter"),
            username: None,
            password: None,
            tls: None,
            timeout: Duration::from_secs(10),
        })
    }
}
