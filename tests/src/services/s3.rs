//! A server of the S3 API.

use std::io;
use std::path::{Path, PathBuf};

use super::node::{Folder, Node};

/// A server. It is killed when this is dropped.
#[derive(Debug)]
pub struct S3 {
    node: Node,
}

impl S3 {
    /// The bucket that there is.
    pub const BUCKET: &str = "tests";
    /// Who signs requests.
    pub const ACCESS_KEY: &str = "jackfield";
    /// What requests are signed with.
    pub const SECRET_KEY: &str = "jackfield-secret";

    /// Starts a server that keeps everything in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let node = Node::start("s3", folder, Folder::Keep, &[])?;
        Ok(Self { node })
    }

    /// Where it serves.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.node.port())
    }

    /// The folder in which it keeps the objects of its bucket, each a file by its name.
    pub fn objects(&self) -> PathBuf {
        self.node.folder().join("data").join(Self::BUCKET)
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
}
