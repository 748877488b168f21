//! What happens to every request before an endpoint sees it: it is recorded, may meet a planned fault, and counts against
//! the rate limit.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::platform::{Platform, SharedPlatform, refusal};
use crate::request_log::RecordedRequest;
use crate::token::authorization;

/// No request of the simulated endpoints is longer, in bytes.
const MAXIMUM_BODY: usize = 64 * 1024;

pub(crate) async fn intercept(
    State(platform): State<SharedPlatform>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAXIMUM_BODY).await else {
        let description = "the body is longer than 64 KiB or did not arrive";
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request",
            description,
        );
    };
    let request = Request::from_parts(head, Body::from(body.clone()));
    let place = platform.requests.arrived(record(&request, &body));
    let response = match disturb(&platform, request.uri().path()).await {
        Some(response) => response,
        None => next.run(request).await,
    };
    platform.requests.answered(place, response.status());
    response
}

fn record(request: &Request, body: &Bytes) -> RecordedRequest {
    let path = request.uri().path_and_query();
    RecordedRequest {
        method: request.method().to_string(),
        path: path.map_or_else(String::new, ToString::to_string),
        authorization: authorization(request.headers()).map(|(scheme, _)| scheme.to_owned()),
        body: String::from_utf8_lossy(body).into_owned(),
        status: None,
    }
}

async fn disturb(platform: &Platform, path: &str) -> Option<Response> {
    if let Some(fault) = platform.faults.take(path) {
        return fault.respond(platform).await;
    }
    let wait = platform.rate_limit.as_ref()?.admit().err()?;
    let mut response = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        "too many requests",
    );
    // Retry-After knows whole seconds only, and to come too early would be refused again.
    let seconds = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    Some(response)
}
