//! The CXone simulator as a process.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::binary;

/// A running simulator; it ends when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    child: Child,
    address: String,
    /// Kept open: a program that may not write to its standard output any more ends.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Simulator {
    /// The identifier of the client that it knows.
    pub const CLIENT_ID: &str = "demo-client";
    /// The secret of the client that it knows.
    pub const CLIENT_SECRET: &str = "demo-secret";

    /// Starts it on a free port of the loopback interface.
    ///
    /// # Errors
    /// When it does not start or does not say where it listens.
    pub fn start(options: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(binary("cxone-simulator"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--client-id",
                Self::CLIENT_ID,
                "--client-secret",
                Self::CLIENT_SECRET,
            ])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let mut stdout = child.stdout.take().map(BufReader::new);
        if let Some(stdout) = &mut stdout {
            stdout.read_line(&mut line)?;
        }
        let address = line.split_whitespace().last().unwrap_or_default();
        let address = address
            .strip_prefix("http://")
            .unwrap_or(address)
            .trim_end_matches('/')
            .to_owned();
        let simulator = Self {
            child,
            address,
            _stdout: stdout,
        };
        match simulator.address.parse::<std::net::SocketAddr>() {
            Ok(_) => Ok(simulator),
            Err(_) => Err(io::Error::other(format!(
                "the simulator's first line names no address: {line:?}"
            ))),
        }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
