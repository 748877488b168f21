//! The socket of all HTTP triggers of a pipeline. It takes no more connections than it may hold, waits for no client longer than
//! it has to, and when it is told to stop lets what is under way end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::error::TriggerError;
use super::router::Router;
use super::until;
use crate::config::Server;

/// After the system could not give a connection, for want of file descriptors as a rule.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// Listens on the address.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, TriggerError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| TriggerError::Listen { address, source })
}

/// Serves until it is stopped, and what is under way has ended or its time is up.
pub(super) async fn serve(
    listener: TcpListener,
    options: Server,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(options.maximum_connections as usize));
    let router = Arc::new(router);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = until(&mut stopped) => break,
        };
        let serving = Serving {
            router: Arc::clone(&router),
            request_timeout: options.request_timeout,
            stopped: stopped.clone(),
        };
        connections.spawn(async move {
            let (stream, room) = accepted;
            serving.connection(stream).await;
            drop(room);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.grace, ended).await.is_err() {
        let left = connections.len();
        tracing::warn!(
            left,
            "requests were under way for longer than the grace of the server"
        );
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // It is never closed.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Serving {
    router: Arc<Router>,
    request_timeout: Duration,
    stopped: watch::Receiver<bool>,
}

impl Serving {
    async fn connection(self, stream: TcpStream) {
        let Self {
            router,
            request_timeout,
            mut stopped,
        } = self;
        // Answers are small, and waited for.
        let _ = stream.set_nodelay(true);
        let hears = stopped.clone();
        let service = service_fn(move |request| {
            let router = Arc::clone(&router);
            let stopped = hears.clone();
            async move {
                let answer = router.answer(request, request_timeout, stopped).await;
                Ok::<_, Infallible>(answer)
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(request_timeout)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut served = std::pin::pin!(served);
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = until(&mut stopped) => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            // A client that goes away, or speaks no HTTP, is its own business.
            tracing::debug!(%error, "a connection broke off");
        }
    }
}
