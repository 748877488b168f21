//! An Apache Kafka broker.

mod client;
mod message;
mod producer;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use client::KafkaClient;
pub use message::Message;
pub use producer::{Compression, Producer};

use super::node::{Folder, Node, shared_folder};

/// In the folder of a secure broker.
const CERTIFICATE: &str = "node.pem";

/// A broker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Kafka {
    node: Node,
    client: KafkaClient,
}

impl Kafka {
    /// Starts a broker that keeps everything in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, false)
    }

    /// Starts a broker that takes encrypted connections of [`KafkaClient::USER`] alone.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_secure(folder: &Path) -> io::Result<Self> {
        Self::launch(folder, Folder::Keep, true)
    }

    /// What those who connect to a secure broker are to trust.
    pub fn certificate(&self) -> PathBuf {
        self.node.folder().join(CERTIFICATE)
    }

    /// The broker that the tests of one process share, each with topics of its own. No test may disturb it.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::launch(&shared_folder("kafka"), Folder::Remove, false)
                .unwrap_or_else(|error| panic!("{error}"))
        })
    }

    fn launch(folder: &Path, afterwards: Folder, secure: bool) -> io::Result<Self> {
        let environment: &[_] = match secure {
            true => &[("KAFKA_SECURE", "1")],
            false => &[],
        };
        let node = Node::start("kafka", folder, afterwards, environment)?;
        let address = format!("127.0.0.1:{}", node.port());
        let client = match secure {
            true => KafkaClient::secure(&address, &node.folder().join(CERTIFICATE)),
            false => KafkaClient::of(&address),
        };
        Ok(Self { node, client })
    }

    /// Ends it as a crash does (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self) -> io::Result<()> {
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

impl Deref for Kafka {
    type Target = KafkaClient;

    fn deref(&self) -> &KafkaClient {
        &self.client
    }
}
