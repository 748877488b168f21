//! What happens to every request before an endpoint sees it: it is recorded, may meet a fault, and, if it is for the
//! platform rather than for one of its neighbours, counts against the rate limit.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::digest::sha256;
use crate::platform::{SharedPlatform, retry_after};
use crate::refusal::Refusal;
use crate::request_log::RecordedRequest;
use crate::token::authorization;

/// No request of the simulated endpoints is longer, in bytes: a chunk of 10 MiB, and what its encoding adds to it.
const MAXIMUM_BODY: usize = 32 * 1024 * 1024;
/// How much of a body is recorded, in bytes.
const RECORDED_BODY: usize = 64 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What endpoints need to know of a request to tell whether it was made before.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub method: String,
    pub path: String,
    pub idempotency_key: Option<String>,
    pub body_sha256: String,
}

impl Arrival {
    /// What tells this request from others that ask for something else.
    pub fn subject(&self) -> String {
        let key = self.idempotency_key.as_ref().unwrap_or(&self.body_sha256);
        format!("{} {key}", self.path)
    }
}

pub(crate) async fn intercept(
    State(platform): State<SharedPlatform>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAXIMUM_BODY).await else {
        let description = "the body is longer than 32 MiB or did not arrive";
        return Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request",
            description,
        )
        .into_response();
    };
    let mut request = Request::from_parts(head, Body::from(body.clone()));
    let recorded = record(&request, &body);
    let arrival = Arrival {
        method: recorded.method.clone(),
        path: request.uri().path().into(),
        idempotency_key: recorded.idempotency_key.clone(),
        body_sha256: recorded.body_sha256.clone(),
    };
    let fault = platform
        .faults
        .take(&arrival.method, &arrival.path)
        .or_else(|| platform.chance.strike(&recorded));
    let number = platform.requests.arrived(recorded);
    request.extensions_mut().insert(arrival);
    let response = match fault {
        Some(fault) => fault.meet(&platform, request, next).await,
        None => next.run(request).await,
    };
    platform.requests.answered(number, response.status());
    response
}

/// The platform's rate limit; its neighbours have none.
pub(crate) async fn limit_rate(
    State(platform): State<SharedPlatform>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = platform.rate_limit.as_ref().map(|limit| limit.admit());
    let Some(Err(wait)) = admitted else {
        return next.run(request).await;
    };
    let refusal = Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        "too many requests",
    );
    match retry_after(platform.options.retry_after, wait) {
        Some(text) => refusal.retry_after(text),
        None => refusal,
    }
    .into_response()
}

fn record(request: &Request, body: &Bytes) -> RecordedRequest {
    let path = request.uri().path_and_query();
    let headers = request.headers();
    RecordedRequest {
        time: jiff::Timestamp::now().to_string(),
        method: request.method().to_string(),
        path: path.map_or_else(String::new, ToString::to_string),
        authorization: authorization(headers).map(|(scheme, _)| scheme.to_owned()),
        idempotency_key: text_of(headers, &IDEMPOTENCY_KEY),
        headers: texts_of(headers),
        body: without_secret(&body[..body.len().min(RECORDED_BODY)]),
        body_sha256: sha256(body),
        status: None,
    }
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn texts_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .keys()
        .filter(|name| **name != header::AUTHORIZATION)
        .filter_map(|name| Some((name.to_string(), text_of(headers, name)?)))
        .collect()
}

/// The body as text, less the value of the form's member `client_secret`.
fn without_secret(body: &[u8]) -> String {
    const MEMBER: &str = "client_secret=";
    let text = String::from_utf8_lossy(body);
    let Some(begin) = text.find(MEMBER).map(|place| place + MEMBER.len()) else {
        return text.into_owned();
    };
    let end = text[begin..].find('&').map_or(text.len(), |n| begin + n);
    format!("{}…{}", &text[..begin], &text[end..])
}
