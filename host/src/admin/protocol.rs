//! What goes through a control socket: one line of JSON each way, then it is closed.
//!
//! A request is `{"version":1,"command":"status"}`, an answer `{"version":1,"status":{…}}` or `{"version":1,"error":{"code":"…","problem":"…"}}`. The version rises when
//! an old onlooker would misread a new host; commands and fields are added without that, and fields that are not known are passed over. Either side may be of
//! another version than the other, or no Jackfield at all, so lines are bounded and every wait has an end.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::net::unix::UCred;

use super::jobs::{JobAnswer, JobRequest};
use super::reload::{ReloadAnswer, ReloadRequest};
use super::status::Status;

/// The version that this host speaks.
pub(super) const VERSION: u32 = 1;

/// The longest request, bytes: the input of a job.
pub(super) const LONGEST_REQUEST: usize = 4 << 20;

/// The longest answer, bytes: thousands of partitions.
pub(super) const LONGEST_ANSWER: usize = 16 << 20;

/// For a whole exchange. What is asked for is at hand, and a process that is stopped or overloaded for longer has to be called silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// For the answer where a version has to be compiled and tried first.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) version: u32,
    /// A word, so that one that is not known can be answered.
    pub(super) command: String,
    /// Of the command `job`: what is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<JobRequest>,
    /// Of the command `reload`: what is to be done about versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reload: Option<ReloadRequest>,
}

impl Request {
    /// A command with nothing more to it.
    pub(super) fn of(command: &str) -> Self {
        Self {
            version: VERSION,
            command: command.to_owned(),
            job: None,
            reload: None,
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) content: Content,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Content {
    Status(Box<Status>),
    Job(Box<JobAnswer>),
    Reload(Box<ReloadAnswer>),
    Error(Refusal),
}

/// Why there is no answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// The code of the error.
    pub(super) code: String,
    /// What is wrong with the request.
    pub(super) problem: String,
}

/// Whether the one at the other end is this user, or root at either end. The permissions of a socket say so too, but not on every file system and not before
/// they are set.
pub(super) fn is_trusted(peer: &UCred) -> bool {
    let user = rustix::process::geteuid().as_raw();
    user == 0 || peer.uid() == 0 || peer.uid() == user
}

/// Reads up to the end of a line, which is not given; of at most so many bytes.
pub(super) async fn read_line(stream: &UnixStream, longest: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        stream.readable().await?;
        let read = match stream.try_read(&mut buffer) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the line has no end",
                ));
            }
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let end = memchr::memchr(b'\n', read);
        line.extend_from_slice(&read[..end.unwrap_or(read.len())]);
        if line.len() > longest {
            let problem = format!("the line is longer than {longest} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        if end.is_some() {
            return Ok(line);
        }
    }
}

/// Writes something as a line of JSON.
pub(super) async fn write_line(stream: &UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut rest = &line[..];
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
