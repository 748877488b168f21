//! What a job can ask of the host, and what it is answered. Each asking is a *step*; its answer is decided once, for ever.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Milliseconds since the Unix epoch.
pub type Time = i64;

/// What a job asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The time.
    Now,
    /// A random number.
    Random,
    /// Requests to services, side by side.
    Send {
        /// In the order in which the answers are given.
        requests: Vec<Request>,
        /// How many may be under way at once, at least 1.
        width: u32,
    },
    /// That time passes, milliseconds.
    Sleep(u64),
    /// That callbacks are kept for the job from now on.
    Expect(Expectation),
    /// The next callback.
    Await {
        /// Who is called back.
        trigger: String,
        /// By what its callbacks are told apart.
        correlation: String,
        /// After how long to go on without, milliseconds.
        timeout: Option<u64>,
    },
    /// Records for an output port.
    Emit {
        /// The port, by index.
        port: u32,
        /// The records.
        records: Vec<Vec<u8>>,
    },
    /// Words for those who look on.
    Progress(String),
    /// That a run can begin here from now on, with this state.
    Save {
        /// The state version of the plugin.
        version: u32,
        /// The state.
        state: Vec<u8>,
    },
}

/// Which callbacks are kept for a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expectation {
    /// Who is called back.
    pub trigger: String,
    /// By what its callbacks are told apart; none where the service has yet to say, so that all are kept that nobody else expects.
    pub correlation: Option<String>,
}

/// A request to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A connection of the manifest.
    pub connection: String,
    /// What to do.
    pub method: Method,
    /// Path and query below the connection's base URL, or an absolute URL that lies there.
    pub path: String,
    /// In their order, beside those that the connection adds.
    pub headers: Vec<(String, String)>,
    /// What is sent with it.
    pub body: Option<Vec<u8>>,
}

/// Methods of HTTP that jobs may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

/// The answer of a service, of any status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no response to a request, after the tries that its connection allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFailure {
    /// What happened.
    pub kind: RequestFailureKind,
    /// For people; holds no secret.
    pub message: String,
    /// After what time another try may do better, if the service or the circuit breaker said so.
    pub retry_after: Option<Duration>,
}

/// The ways not to get a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestFailureKind {
    /// The connection does not exist, is not granted, or does not allow such a request. Nothing was sent.
    Refused,
    /// The service cannot be reached, or its certificate is not trusted.
    Unreachable,
    /// No answer came in time. The request may have had its effect.
    Timeout,
    /// The answer broke off, or is no HTTP. The request may have had its effect.
    Interrupted,
    /// The answer is larger than the connection allows.
    TooLarge,
    /// The service does not accept the host's credentials.
    Unauthorized,
    /// The circuit breaker is open. Nothing was sent.
    CircuitOpen,
}

/// What came of a request.
pub type Received = Result<Response, RequestFailure>;

/// By what a call is known again when a run is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// For people.
    pub what: String,
    /// The first half of SHA-256 of what the words leave out; zeros where they leave out nothing.
    pub digest: [u8; 16],
}

/// What a job is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing but that it was done.
    Done,
    /// The time.
    Time(Time),
    /// A number.
    Number(u64),
    /// What came of each request, in their order.
    Responses(Vec<Received>),
    /// A callback; none if it did not come in time.
    Callback(Option<Vec<u8>>),
}

impl Method {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether to be sent twice means the same as to be sent once: RFC 9110, section 9.2.2.
    #[must_use]
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As people see it: without the query, which may hold what is nobody's business.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        write!(f, "{} {} {path}", self.method, self.connection)
    }
}

impl Call {
    /// By what it is known again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let plain = |what: String| Fingerprint {
            what,
            digest: [0; 16],
        };
        match self {
            Self::Now => plain("now".to_owned()),
            Self::Random => plain("random".to_owned()),
            Self::Send { requests, .. } => Fingerprint {
                what: match &requests[..] {
                    [only] => format!("send {only}"),
                    [first, ..] => format!("send {first} and {} more", requests.len() - 1),
                    [] => "send nothing".to_owned(),
                },
                digest: digest(requests.iter().flat_map(parts)),
            },
            Self::Sleep(milliseconds) => plain(format!("sleep {milliseconds} ms")),
            Self::Expect(Expectation {
                trigger,
                correlation: Some(correlation),
            }) => plain(format!("expect `{trigger}` with `{correlation}`")),
            Self::Expect(Expectation { trigger, .. }) => plain(format!("expect any `{trigger}`")),
            Self::Await {
                trigger,
                correlation,
                timeout,
            } => plain(match timeout {
                Some(timeout) => format!("await `{trigger}` with `{correlation}` for {timeout} ms"),
                None => format!("await `{trigger}` with `{correlation}`"),
            }),
            Self::Emit { port, records } => Fingerprint {
                what: format!("emit {} to port {port}", records.len()),
                digest: digest(records.iter().map(Vec::as_slice)),
            },
            Self::Progress(text) => plain(format!("progress: {text}")),
            Self::Save { state, .. } => Fingerprint {
                what: "save".to_owned(),
                digest: digest([state.as_slice()]),
            },
        }
    }
}

/// Everything that the service gets to see of a request.
fn parts(request: &Request) -> impl Iterator<Item = &[u8]> {
    let line = [
        request.connection.as_bytes(),
        request.method.as_str().as_bytes(),
        request.path.as_bytes(),
    ];
    let headers = request.headers.iter();
    let headers = headers.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    // One part more or less is what tells an empty body from none.
    line.into_iter()
        .chain(headers)
        .chain(request.body.as_deref())
        .chain([&b"."[..]])
}

/// Each part with its length before it, so that no two lists of parts are one text.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let whole = hasher.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
