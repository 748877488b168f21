//! The request by which a connection becomes a WebSocket: RFC 6455 section 4.

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::config::Located;
use crate::trigger::http::{idempotency_key, require_key};
use crate::trigger::problem::{Answer, Problem};

const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// What a client asks for by its handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: String,
    /// By what the client comes back to its job.
    pub key: Option<String>,
    /// Whether the client says what has arrived.
    pub acknowledges: bool,
}

impl Handshake {
    pub fn of(request: &Request<Incoming>) -> Result<Self, Problem> {
        let headers = request.headers();
        let is_upgrade = has_token(headers, &UPGRADE, "websocket")
            && has_token(headers, &CONNECTION, "upgrade")
            && headers.get(SEC_WEBSOCKET_VERSION) == Some(&VERSION);
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_upgrade);
        let key = key.ok_or_else(|| {
            let detail = "this path takes WebSockets of version 13";
            Problem::new(StatusCode::UPGRADE_REQUIRED, "not-a-websocket", detail)
                .header(SEC_WEBSOCKET_VERSION, VERSION)
                .header(UPGRADE, WEBSOCKET)
                .header(CONNECTION, HeaderValue::from_static("upgrade"))
        })?;
        let parameter = |name: &str| {
            let query = request.uri().query().unwrap_or_default();
            let url = reqwest::Url::parse(&format!("http://localhost/?{query}")).ok()?;
            let found = url.query_pairs().find(|(parameter, _)| parameter == name);
            found.map(|(_, value)| value.into_owned())
        };
        let resumption = idempotency_key(headers)?.map(str::to_owned);
        let resumption = resumption.or_else(|| parameter("key"));
        if let Some(key) = &resumption {
            require_key(key)?;
        }
        Ok(Self {
            accept: derive_accept_key(key.as_bytes()),
            key: resumption,
            acknowledges: parameter("acknowledge").as_deref() == Some("true"),
        })
    }

    pub fn answer(&self) -> Answer {
        let mut answer = Response::new(http_body_util::Full::default());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(UPGRADE, WEBSOCKET);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        answer
    }
}

/// Refuses pages that are not among those whose scripts may connect. A browser sends along what a user is logged in with, and
/// lets any page connect anywhere: the origin is all that tells pages apart.
pub(super) fn require_origin(
    headers: &HeaderMap,
    allowed: &[Located<String>],
) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let is_allowed = |allowed: &Located<String>| {
        allowed.value == "*" || allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes())
    };
    if allowed.iter().any(is_allowed) {
        return Ok(());
    }
    let detail = "pages of this origin may not connect";
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "forbidden-origin",
        detail,
    ))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().eq_ignore_ascii_case(token))
}
