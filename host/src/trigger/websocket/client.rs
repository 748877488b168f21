//! One client's end of a WebSocket: what it says, what is sent to it, and whether it is still there.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::progress::{Counted, Written};

/// The reason of a close frame has room for so many bytes: RFC 6455 section 5.5.
const LONGEST_REASON: usize = 123;
/// How long the client may take to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<Counted<TokioIo<Upgraded>>>;

/// A client.
pub(super) struct Client {
    socket: Socket,
    written: Written,
    ping_interval: Duration,
    /// When it is to be asked whether it is still there.
    ping_at: Instant,
    /// Whether it has been asked, and said nothing since.
    is_asked: bool,
}

/// The client has gone, or has to: with a word for it, if it can hear it.
#[derive(Debug)]
pub(super) struct Gone(pub Option<(CloseCode, &'static str)>);

impl Client {
    pub fn new(socket: Socket, written: Written, ping_interval: Duration) -> Self {
        Self {
            socket,
            written,
            ping_interval,
            ping_at: Instant::now() + ping_interval,
            is_asked: false,
        }
    }

    /// The next message of the client. Asks it now and then whether it is still there. May be given up and called again.
    pub async fn next(&mut self) -> Result<Bytes, Gone> {
        loop {
            let found = tokio::select! {
                found = self.socket.next() => found,
                () = tokio::time::sleep_until(self.ping_at) => {
                    self.ping().await?;
                    continue;
                }
            };
            self.is_asked = false;
            self.ping_at = Instant::now() + self.ping_interval;
            match found {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Ping(_))) => self.flush().await?,
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                    return Err(Gone(Some((CloseCode::Size, "the message is too large"))));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone(None)),
            }
        }
    }

    /// A message that has come already.
    pub fn said(&mut self) -> Option<Result<Bytes, Gone>> {
        self.next().now_or_never()
    }

    /// Sends a message, as text if it is text. Waits as long as the client takes, which is what holds a job to the speed of
    /// its client; but a client that takes nothing for twice the interval of pings is gone.
    pub async fn send(&mut self, message: Bytes) -> Result<(), Gone> {
        let message = match Utf8Bytes::try_from(message.clone()) {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(message),
        };
        self.within(message).await
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        if self.is_asked {
            return Err(Gone(None));
        }
        self.is_asked = true;
        self.ping_at = Instant::now() + self.ping_interval;
        self.within(Message::Ping(Bytes::new())).await
    }

    async fn within(&mut self, message: Message) -> Result<(), Gone> {
        let sending = self.socket.send(message);
        while_moving(sending, &self.written, 2 * self.ping_interval).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let flushing = self.socket.flush();
        while_moving(flushing, &self.written, 2 * self.ping_interval).await
    }

    /// Says goodbye, and waits a moment for the client to say it too.
    pub async fn close(mut self, code: CloseCode, reason: &str) {
        let reason = shortened(reason).into();
        let frame = CloseFrame { code, reason };
        let goodbye = async {
            if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        // A client that does not answer hears nothing more.
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(LONGEST_REASON)]
}

/// Waits for something to be sent, as long as the client takes anything of it now and then.
async fn while_moving(
    sending: impl Future<Output = Result<(), Error>>,
    written: &Written,
    patience: Duration,
) -> Result<(), Gone> {
    let mut sending = pin!(sending);
    loop {
        let before = written.bytes();
        match timeout(patience, sending.as_mut()).await {
            Ok(sent) => return sent.map_err(|_| Gone(None)),
            Err(_) if written.bytes() == before => return Err(Gone(None)),
            Err(_) => {}
        }
    }
}
