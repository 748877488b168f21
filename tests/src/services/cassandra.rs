//! An Apache Cassandra node.

mod client;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use client::CassandraClient;

use super::node::{Folder, Node, shared_folder};

/// In the folder of a secure node, in PEM.
const CERTIFICATE: &str = "node.pem";

/// A node. It is killed when this is dropped.
#[derive(Debug)]
pub struct Cassandra {
    node: Node,
    client: CassandraClient,
}

impl Cassandra {
    /// Starts a node that keeps everything in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, false)
    }

    /// Starts a node that takes encrypted connections of [`CassandraClient::USER`] alone.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_secure(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, true)
    }

    /// The node that the tests of one process share, each with keyspaces of its own. No test may disturb it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cassandra> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::launch(&shared_folder("cassandra"), Folder::Remove, false)
                .unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn launch(folder: &Path, afterwards: Folder, secure: bool) -> io::Result<Self> {
        let environment: &[_] = match secure {
            true => &[("CASSANDRA_SECURE", "1")],
            false => &[],
        };
        let node = Node::start("cassandra", folder, afterwards, environment)?;
        let address = format!("127.0.0.1:{}", node.port());
        let trusted = secure.then(|| node.folder().join(CERTIFICATE));
        let client = CassandraClient::of(&address, trusted)?;
        Ok(Self { node, client })
    }

    /// The certificate of a secure node, in PEM: who trusts it reaches the node.
    pub fn certificate(&self) -> PathBuf {
        self.node.folder().join(CERTIFICATE)
    }

    /// Ends it as a crash does (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> io::Result<()> {
        self.client.forget_session();
        self.node.kill()
    }

    /// Starts it again with what it had, on its old port.
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.node.restart()
    }

    /// Lets it end in good order.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self) -> io::Result<()> {
        self.client.forget_session();
        self.node.stop()
    }

    /// Makes it stand still with its connections open (SIGSTOP).
    ///
    /// # Errors
    /// When it does not run.
    pub fn suspend(&self) -> io::Result<()> {
        self.node.suspend()
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> io::Result<()> {
        self.node.resume()
    }
}

impl Deref for Cassandra {
    type Target = CassandraClient;

    fn deref(&self) -> &CassandraClient {
        &self.client
    }
}
