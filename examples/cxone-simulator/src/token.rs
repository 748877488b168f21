//! Access tokens by the client credentials grant of RFC 6749 section 4.4. Each document names a path of its own for the same
//! endpoint, and the client authenticates itself by HTTP Basic in one of them, by members of the form in the others; all
//! paths take both.

mod issued;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::platform::SharedPlatform;
use crate::refusal::Refusal;

pub(crate) use issued::IssuedTokens;

pub(crate) fn routes() -> Router<SharedPlatform> {
    let paths = [
        "/oauth/token",
        "/api/v2/oauth/token",
        "/api/v2/oauth2/token",
    ];
    paths.into_iter().fold(Router::new(), |router, path| {
        router.route(path, post(issue))
    })
}

#[derive(Debug, Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

async fn issue(
    State(platform): State<SharedPlatform>,
    headers: HeaderMap,
    body: Request,
) -> Result<Response, Refusal> {
    let request = token_request(body).await?;
    let options = &platform.options;
    let known = (options.client_id.clone(), options.client_secret.clone());
    if credentials(&headers, &request)? != Some(known) {
        return Err(invalid_client());
    }
    match request.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let description = "only the grant type client_credentials is supported";
            return Err(Refusal::bad_request("unsupported_grant_type", description));
        }
        None => return Err(invalid_request("grant_type is missing")),
    }
    let scopes = granted_scopes(&options.scopes, request.scope.as_deref());
    let scope = scopes.join(" ");
    let body = json!({
        "access_token": platform.tokens.issue(scopes),
        "token_type": "Bearer",
        "expires_in": options.token_lifetime.as_secs(),
        "scope": scope,
    });
    // RFC 6749 section 5.1: what holds a token must not be stored.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn token_request(request: Request) -> Result<TokenRequest, Refusal> {
    let form = Form::<TokenRequest>::from_request(request, &()).await;
    form.map(|Form(request)| request)
        .map_err(|rejection| invalid_request(&rejection.body_text()))
}

fn invalid_request(description: &str) -> Refusal {
    Refusal::bad_request("invalid_request", description)
}

/// Those of the requested scopes that the client may have; all that it may have when it asks for none in particular. A
/// client that asks for more gets a token that does less (RFC 6749 section 3.3), and learns it at the first 403.
fn granted_scopes(allowed: &[String], requested: Option<&str>) -> Vec<String> {
    let Some(requested) = requested else {
        return allowed.to_vec();
    };
    let requested: Vec<&str> = requested.split_ascii_whitespace().collect();
    let granted = allowed
        .iter()
        .filter(|scope| requested.contains(&scope.as_str()));
    granted.cloned().collect()
}

/// Identifier and secret, by either way but not by both (RFC 6749 section 2.3).
fn credentials(
    headers: &HeaderMap,
    request: &TokenRequest,
) -> Result<Option<(String, String)>, Refusal> {
    let TokenRequest {
        client_id,
        client_secret,
        ..
    } = request;
    let basic = basic_credentials(headers);
    match (basic, client_secret) {
        (Some(_), Some(_)) => Err(invalid_request(
            "the client authenticates itself in two ways at once",
        )),
        (None, Some(secret)) => Ok(client_id.clone().map(|id| (id, secret.clone()))),
        (basic, None) => Ok(basic),
    }
}

/// Identifier and secret as RFC 7617 lays them down: encoded as they are, without the form encoding of RFC 6749 section
/// 2.3.1, which the platform does not ask for.
fn basic_credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = authorization(headers)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.into(), secret.into()))
}

/// The `Authorization` header as its scheme and what follows.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.split_once(' ')
}

fn invalid_client() -> Refusal {
    let description = "client authentication failed";
    Refusal::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
        .with_header(header::WWW_AUTHENTICATE, r#"Basic realm="cxone-simulator""#)
}
