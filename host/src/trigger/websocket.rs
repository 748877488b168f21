//! Clients that stay connected: the first message is a job's input, and what the job emits to a port is sent to the client, a
//! message each, in order.
//!
//! A client that goes away leaves nothing behind: its job is cancelled, unless it gave the job a key when it connected
//! (`Idempotency-Key`, or `?key=` where no header can be set). Then it can come back by the same key and the same first
//! message, and gets everything that it has not acknowledged; meanwhile the job goes on until it has no more room. Acknowledged
//! is what was sent, or, with `?acknowledge=true`, what the client says in messages `{"acknowledge": N}`: that N messages of
//! this connection have arrived.
//!
//! | close code | means |
//! |---|---|
//! | 1000 | the job has returned; its output is the last message |
//! | 1001 | the host stops |
//! | 1002 | the first message did not come, is not JSON, or a later one makes no sense |
//! | 1003 | the job refuses its input; what is wrong with it is the last message |
//! | 1008 | another client took over by the same key, or the key was used for another input |
//! | 1009 | a message of the client is too large |
//! | 1011 | the job has failed; why is the last message |
//! | 1013 | there is no room for another job now |

mod attachment;
mod client;
mod handshake;
mod progress;
mod session;

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::authorization;
use super::http::busy;
use super::problem::{Answer, Problem};
use super::service::JobService;
use crate::config::WebSocketTrigger;
use attachment::Attachments;
use client::Client;
use handshake::Handshake;
use progress::Counted;
use session::Session;

/// After what time a client for which there is no room may come again.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// An endpoint that clients stay connected to.
pub(super) struct WebSocketEndpoint {
    name: String,
    options: WebSocketTrigger,
    token: Option<SecretString>,
    room: Arc<Semaphore>,
    attachments: Attachments,
    jobs: Arc<dyn JobService>,
}

impl WebSocketEndpoint {
    pub fn new(
        name: String,
        options: WebSocketTrigger,
        token: Option<SecretString>,
        jobs: &Arc<dyn JobService>,
    ) -> Self {
        Self {
            name,
            room: Arc::new(Semaphore::new(options.maximum_clients as usize)),
            attachments: Attachments::new(Arc::clone(jobs), options.resume_within),
            options,
            token,
            jobs: Arc::clone(jobs),
        }
    }

    /// Answers the handshake; the session begins when the answer is on its way.
    pub fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        stopped: watch::Receiver<bool>,
    ) -> Result<Answer, Problem> {
        handshake::require_origin(request.headers(), &self.options.origins)?;
        authorization::require(request.headers(), self.token.as_ref())?;
        let handshake = Handshake::of(&request)?;
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| busy(Some(COME_AGAIN)))?;
        let upgraded = hyper::upgrade::on(&mut request);
        let answer = handshake.answer();
        let endpoint = Arc::clone(self);
        tokio::spawn(async move {
            match upgraded.await {
                Ok(stream) => {
                    endpoint
                        .serve(TokioIo::new(stream), handshake, stopped)
                        .await
                }
                // The client has gone before it began.
                Err(error) => tracing::debug!(%error, "no WebSocket came about"),
            }
            drop(room);
        });
        Ok(answer)
    }

    async fn serve(
        &self,
        stream: TokioIo<hyper::upgrade::Upgraded>,
        handshake: Handshake,
        stopped: watch::Receiver<bool>,
    ) {
        let bytes = usize::try_from(self.options.maximum_message_bytes).unwrap_or(usize::MAX);
        let config = WebSocketConfig::default()
            .max_message_size(Some(bytes))
            .max_frame_size(Some(bytes));
        let (stream, written) = Counted::new(stream);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        let session = Session {
            trigger: &self.name,
            options: &self.options,
            jobs: &*self.jobs,
            attachments: &self.attachments,
            client: Client::new(socket, written, self.options.ping_interval),
            handshake,
            stopped,
        };
        session.run().await;
    }
}

#[cfg(test)]
mod tests;
