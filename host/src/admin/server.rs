//! The side of the host: it answers those who ask how its pipeline fares.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::address::{Meeting, prepare_folder};
use super::error::AdminError;
use super::jobs;
use super::observed::{Observed, ObservedTasks};
use super::protocol::{
    Answer, Content, LONG_PATIENCE, LONGEST_REQUEST, PATIENCE, Refusal, Request, VERSION,
    is_trusted, read_line, write_line,
};
use super::reload;
use crate::error::Code;
use crate::reload::ReloadError;

/// Exchanges at a time; whoever comes next waits for a place. No exchange takes longer than it may, so none has to wait for ever.
const PLACES: usize = 16;

/// After a connection could not be taken, which is for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A control socket. It is removed when this is dropped, which has to happen while the pipeline's database is still locked: afterwards the socket may be
/// another process's.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    serving: AbortHandle,
}

impl Server {
    /// Opens the control socket of a pipeline. Where it stands at a checkpoint database, the caller has locked that: a socket that is there already was left
    /// by a process that is gone.
    ///
    /// # Errors
    /// [`AdminError`] where it cannot be opened at any of its places; the pipeline can do without.
    pub fn open(
        meeting: &Meeting,
        observed: Observed,
        runtime: &Handle,
    ) -> Result<Self, AdminError> {
        // Only within the runtime a socket can be handed to it.
        let _entered = runtime.enter();
        let mut failure = None;
        for path in meeting.own() {
            match listen(&path) {
                Ok(listener) => {
                    let serving = runtime.spawn(serve(listener, Arc::new(observed)));
                    return Ok(Self {
                        path,
                        serving: serving.abort_handle(),
                    });
                }
                Err(error) => drop(failure.get_or_insert(error)),
            }
        }
        Err(failure.unwrap_or_else(|| AdminError::Open {
            path: PathBuf::new(),
            error: io::ErrorKind::InvalidFilename.into(),
        }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the control socket stays");
        }
    }
}

fn listen(path: &Path) -> Result<UnixListener, AdminError> {
    let failed = |error| AdminError::Open {
        path: path.to_owned(),
        error,
    };
    prepare_folder(path).map_err(failed)?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path).map_err(failed)?,
        Ok(_) => {
            return Err(AdminError::Taken {
                path: path.to_owned(),
                found: "is no socket",
            });
        }
        // To bind says what is wrong, if anything is.
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

async fn serve(listener: UnixListener, observed: Arc<Observed>) {
    let places = Arc::new(Semaphore::new(PLACES));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let observed = Arc::clone(&observed);
                tokio::spawn(async move {
                    match timeout(LONG_PATIENCE, exchange(&stream, &observed)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::debug!(%error, "a control connection broke off"),
                        Err(_) => tracing::debug!("a control connection was too slow"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a control connection was not taken");
                sleep(BREATH).await;
            }
        }
    }
}

async fn exchange(stream: &UnixStream, observed: &Observed) -> io::Result<()> {
    if !is_trusted(&stream.peer_cred()?) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let read = timeout(PATIENCE, read_line(stream, LONGEST_REQUEST)).await;
    let content = match read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(line) => answer(&line, observed).await,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => refusal(error.to_string()),
        Err(error) => return Err(error),
    };
    let answer = Answer {
        version: VERSION,
        content,
    };
    write_line(stream, &answer).await
}

async fn answer(line: &[u8], observed: &Observed) -> Content {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return refusal(format!("the request is not one: {error}")),
    };
    match request.command.as_str() {
        _ if request.version != VERSION => refusal(format!(
            "the request is of version {}, this host speaks version {VERSION}",
            request.version
        )),
        "status" => Content::Status(Box::new(observed.status())),
        "job" => match (request.job, &observed.jobs) {
            (Some(wanted), Some(jobs)) => jobs::answer(wanted, jobs).await,
            (None, _) => refusal("what is to be done with a job is not said".to_owned()),
            (_, None) => Content::Error(Refusal {
                code: Code::NOT_FOUND.id.to_owned(),
                problem: "the pipeline has no jobs".to_owned(),
            }),
        },
        "reload" => match (request.reload, &observed.reloader) {
            (Some(wanted), Some(reloader)) => reload::answer(wanted, reloader).await,
            (None, _) => refusal("what is to be done about versions is not said".to_owned()),
            (_, None) => reload::refused(&match observed.tasks {
                ObservedTasks::One(_) => ReloadError::NoPlace,
                ObservedTasks::Share(_) => ReloadError::Shared,
            }),
        },
        unknown => refusal(format!(
            "the command `{}` is not known here",
            unknown.escape_debug()
        )),
    }
}

fn refusal(problem: String) -> Content {
    Content::Error(Refusal {
        code: Code::CONTROL_PROTOCOL.id.to_owned(),
        problem,
    })
}
