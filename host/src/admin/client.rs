//! The side of those who ask.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::address::Meeting;
use super::error::AdminError;
use super::jobs::{JobAnswer, JobRequest};
use super::protocol::{
    Answer, Content, LONG_PATIENCE, LONGEST_ANSWER, PATIENCE, Refusal, Request, VERSION,
    is_trusted, read_line, write_line,
};
use super::reload::{ReloadAnswer, ReloadRequest};
use super::status::Status;
use crate::error::Code;

/// How a pipeline fares, as each process says that runs it, on this machine; nothing if none does.
///
/// # Errors
/// [`AdminError`] where there is a process that does not answer, or not in a way that is understood.
pub fn status(meeting: &Meeting) -> Result<Vec<Status>, AdminError> {
    let runtime = runtime()?;
    let request = Request::of("status");
    let mut statuses = Vec::new();
    for path in meeting.all() {
        match runtime.block_on(ask(&path, &request))? {
            Some(Content::Status(status)) => statuses.push(*status),
            Some(_) => return Err(not_asked_for(&path)),
            None => {}
        }
        if matches!(meeting, Meeting::Database(_)) && !statuses.is_empty() {
            break;
        }
    }
    Ok(statuses)
}

/// Has something done with the jobs of a pipeline by the process that runs it; none if none does.
///
/// # Errors
/// [`AdminError`] where there is a process that does not answer, or not in a way that is understood; [`AdminError::Refused`] where it
/// does not do it.
pub fn job(meeting: &Meeting, wanted: &JobRequest) -> Result<Option<JobAnswer>, AdminError> {
    let request = Request {
        job: Some(wanted.clone()),
        ..Request::of("job")
    };
    first(meeting, &request, |content| match content {
        Content::Job(answer) => Some(*answer),
        _ => None,
    })
}

/// Has something done about the version of a pipeline by the process that runs it; none if none does.
///
/// # Errors
/// As for [`job`].
pub fn reload(
    meeting: &Meeting,
    wanted: ReloadRequest,
) -> Result<Option<ReloadAnswer>, AdminError> {
    let request = Request {
        reload: Some(wanted),
        ..Request::of("reload")
    };
    first(meeting, &request, |content| match content {
        Content::Reload(answer) => Some(*answer),
        _ => None,
    })
}

/// What the first process answers that takes the request; `expected` tells an answer to it from others.
fn first<T>(
    meeting: &Meeting,
    request: &Request,
    expected: impl Fn(Content) -> Option<T>,
) -> Result<Option<T>, AdminError> {
    let runtime = runtime()?;
    for path in meeting.all() {
        if let Some(content) = runtime.block_on(ask(&path, request))? {
            return expected(content)
                .ok_or_else(|| not_asked_for(&path))
                .map(Some);
        }
    }
    Ok(None)
}

fn runtime() -> Result<Runtime, AdminError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| AdminError::Open {
            path: PathBuf::new(),
            error,
        })
}

fn not_asked_for(path: &Path) -> AdminError {
    AdminError::NotUnderstood {
        path: path.to_owned(),
        found: "it answers something else than was asked".to_owned(),
    }
}

/// None if nobody listens there.
async fn ask(path: &Path, request: &Request) -> Result<Option<Content>, AdminError> {
    let stream = match timeout(PATIENCE, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return unreachable(path, error),
        Err(_) => return Err(silent(path, io::ErrorKind::TimedOut.into())),
    };
    if !stream.peer_cred().is_ok_and(|peer| is_trusted(&peer)) {
        return Err(AdminError::Denied {
            path: path.to_owned(),
            error: io::Error::other("it belongs to another user"),
        });
    }
    let patience = match request.reload {
        Some(_) => LONG_PATIENCE,
        None => PATIENCE,
    };
    let line = timeout(patience, exchange(&stream, request))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| silent(path, error))?;
    let not_understood = |found| AdminError::NotUnderstood {
        path: path.to_owned(),
        found,
    };
    let answer: Answer =
        serde_json::from_slice(&line).map_err(|error| not_understood(error.to_string()))?;
    match answer.content {
        Content::Error(refusal) if refusal.code == Code::CONTROL_PROTOCOL.id => {
            Err(not_understood(refusal.problem))
        }
        Content::Error(Refusal { code, problem }) => Err(AdminError::Refused { code, problem }),
        _ if answer.version != VERSION => Err(not_understood(format!(
            "it speaks version {}, this is version {VERSION}",
            answer.version
        ))),
        content => Ok(Some(content)),
    }
}

async fn exchange(stream: &UnixStream, request: &Request) -> io::Result<Vec<u8>> {
    write_line(stream, request).await?;
    read_line(stream, LONGEST_ANSWER).await
}

fn unreachable(path: &Path, error: io::Error) -> Result<Option<Content>, AdminError> {
    match error.kind() {
        // Never there, or left by a process that is gone.
        io::ErrorKind::NotFound
        | io::ErrorKind::ConnectionRefused
        | io::ErrorKind::NotADirectory => Ok(None),
        io::ErrorKind::PermissionDenied => Err(AdminError::Denied {
            path: path.to_owned(),
            error,
        }),
        _ => Err(silent(path, error)),
    }
}

fn silent(path: &Path, error: io::Error) -> AdminError {
    AdminError::Silent {
        path: path.to_owned(),
        error,
    }
}
