//! A data lake: objects by PUT, GET, HEAD and DELETE under `/lake/`, with entity tags and conditional puts as in the REST
//! API of S3, of which nothing else is here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use serde::Serialize;

use crate::digest::sha256;
use crate::platform::SharedPlatform;
use crate::refusal::Refusal;

/// The digest of the body in a signed request; texts that are no digest stand for other ways to sign.
const CONTENT_DIGEST: &str = "x-amz-content-sha256";

/// An object of the data lake, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredObject {
    /// Its path behind `/lake/`.
    pub key: String,
    /// Its length in bytes.
    pub length: usize,
    /// The SHA-256 of its content, in lower-case hexadecimal.
    pub sha256: String,
    /// How often it was put.
    pub puts: u32,
    /// How many of the puts changed its content. An object that is written once and for all has none.
    pub changes: u32,
}

/// The objects of the data lake.
#[derive(Debug, Default)]
pub(crate) struct ObjectStore(Mutex<BTreeMap<String, (StoredObject, Bytes)>>);

pub(super) fn routes() -> Router<SharedPlatform> {
    let methods = put(store).get(read).delete(remove);
    Router::new().route("/lake/{*key}", methods)
}

async fn store(
    State(platform): State<SharedPlatform>,
    Path(key): Path<String>,
    headers: HeaderMap,
    content: Bytes,
) -> Result<Response, Refusal> {
    let digest = sha256(&content);
    let claimed = headers.get(CONTENT_DIGEST).map(HeaderValue::as_bytes);
    if claimed.is_some_and(|claimed| claimed.len() == digest.len() && claimed != digest.as_bytes())
    {
        let description = "the content is not what x-amz-content-sha256 says";
        return Err(Refusal::bad_request("content_digest_mismatch", description));
    }
    platform.objects.put(key, digest, content, &headers)
}

async fn read(
    State(platform): State<SharedPlatform>,
    Path(key): Path<String>,
) -> Result<Response, Refusal> {
    let objects = platform
        .objects
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let Some((object, content)) = objects.get(&key) else {
        return Err(Refusal::not_found(format!("there is no object {key}")));
    };
    Ok((entity_tag(&object.sha256), content.clone()).into_response())
}

async fn remove(State(platform): State<SharedPlatform>, Path(key): Path<String>) -> StatusCode {
    let mut objects = platform
        .objects
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    objects.remove(&key);
    StatusCode::NO_CONTENT
}

fn entity_tag(digest: &str) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{digest}\""))]
}

impl ObjectStore {
    pub fn list(&self) -> Vec<StoredObject> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.values().map(|(object, _)| object.clone()).collect()
    }

    fn put(
        &self,
        key: String,
        digest: String,
        content: Bytes,
        conditions: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let mut objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let present = objects.get(&key).map(|(object, _)| object);
        check_conditions(conditions, present)?;
        let (puts, changes) = present.map_or((0, 0), |object| {
            (
                object.puts,
                object.changes + u32::from(object.sha256 != digest),
            )
        });
        let tag = entity_tag(&digest);
        let object = StoredObject {
            key: key.clone(),
            length: content.len(),
            sha256: digest,
            puts: puts + 1,
            changes,
        };
        objects.insert(key, (object, content));
        Ok((StatusCode::OK, tag).into_response())
    }
}

/// RFC 9110 section 13.1, as far as conditional puts need it.
fn check_conditions(headers: &HeaderMap, present: Option<&StoredObject>) -> Result<(), Refusal> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let tag = present.map(|object| format!("\"{}\"", object.sha256));
    let must_be_absent = text(header::IF_NONE_MATCH) == Some("*");
    let must_be = text(header::IF_MATCH);
    if (must_be_absent && present.is_some())
        || must_be.is_some_and(|wanted| tag.as_deref() != Some(wanted))
    {
        let description = "the object is not as the condition says";
        return Err(Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            description,
        ));
    }
    Ok(())
}
