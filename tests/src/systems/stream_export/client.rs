//! A client of a stream: what it says, what it hears, and whether a chunk is what it claims to be.

use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A host that says nothing for longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client that is connected.
#[derive(Debug)]
pub struct StreamClient {
    runtime: Runtime,
    socket: WebSocketStream<TcpStream>,
}

/// What a client hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A message.
    Message(Value),
    /// The close code and its reason.
    Closed(u16, String),
}

impl StreamClient {
    /// Connects to a path.
    ///
    /// # Errors
    /// When the host is not there, or refuses: then with the status.
    pub fn connect(address: SocketAddr, path: &str) -> io::Result<Self> {
        Self::connect_with(address, path, &[])
    }

    /// Connects to a path with more headers.
    ///
    /// # Errors
    /// As above.
    pub fn connect_with(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let url = format!("ws://{address}{path}");
        let mut request = url.into_client_request().map_err(io::Error::other)?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(io::Error::other)?;
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            match client_async(request, stream).await {
                Ok((socket, _)) => Ok(socket),
                Err(Error::Http(answer)) => Err(io::Error::other(answer.status().to_string())),
                Err(error) => Err(io::Error::other(error)),
            }
        };
        let socket = runtime.block_on(connecting)?;
        Ok(Self { runtime, socket })
    }

    /// Sends a document.
    ///
    /// # Errors
    /// When the connection has broken.
    pub fn say(&mut self, document: &Value) -> io::Result<()> {
        self.say_text(&document.to_string())
    }

    /// Sends a text, whatever it is.
    ///
    /// # Errors
    /// When the connection has broken.
    pub fn say_text(&mut self, text: &str) -> io::Result<()> {
        let sent = self.socket.send(Message::text(text));
        self.runtime.block_on(sent).map_err(io::Error::other)
    }

    /// The next message, or the goodbye.
    ///
    /// # Errors
    /// When the connection has broken, or nothing comes for a long time.
    pub fn hear(&mut self) -> io::Result<Heard> {
        let hearing = async {
            loop {
                let heard = self.socket.next().await;
                let heard = heard.ok_or(io::ErrorKind::UnexpectedEof)?;
                match heard.map_err(io::Error::other)? {
                    Message::Text(text) => return Ok(Heard::Message(serde_json::from_str(&text)?)),
                    Message::Close(Some(close)) => {
                        return Ok(Heard::Closed(close.code.into(), close.reason.to_string()));
                    }
                    Message::Close(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => {}
                }
            }
        };
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, hearing).await })
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// All messages to the end, and the goodbye.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn hear_all(&mut self) -> io::Result<(Vec<Value>, (u16, String))> {
        let mut messages = Vec::new();
        loop {
            match self.hear()? {
                Heard::Message(message) => messages.push(message),
                Heard::Closed(code, reason) => return Ok((messages, (code, reason))),
            }
        }
    }
}

/// Records of an export, as a message has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The number of the first.
    pub offset: u64,
    /// How many there are.
    pub records: u64,
    /// SHA-256 of the uncompressed bytes.
    pub checksum: String,
    /// The records.
    pub data: Vec<Value>,
}

impl Chunk {
    /// The chunk of a message.
    ///
    /// # Errors
    /// When it is none, or not what its checksum and its number of records say.
    pub fn of(message: &Value) -> io::Result<Self> {
        let wrong = |what: &str| io::Error::other(format!("{what}: {message}"));
        let number = |name: &str| message[name].as_u64().ok_or_else(|| wrong(name));
        let text = |name: &str| message[name].as_str().ok_or_else(|| wrong(name));
        let data = text("data")?;
        let bytes = match text("encoding")? {
            "json" => data.as_bytes().to_vec(),
            "gzip+base64" => {
                let compressed = STANDARD.decode(data).map_err(io::Error::other)?;
                let mut bytes = Vec::new();
                GzDecoder::new(&*compressed).read_to_end(&mut bytes)?;
                bytes
            }
            _ => return Err(wrong("encoding")),
        };
        let checksum: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let chunk = Self {
            offset: number("offset")?,
            records: number("records")?,
            checksum,
            data: serde_json::from_slice(&bytes)?,
        };
        match chunk.checksum == text("checksum")? && chunk.data.len() as u64 == chunk.records {
            true => Ok(chunk),
            false => Err(wrong("not what it says that it is")),
        }
    }
}
