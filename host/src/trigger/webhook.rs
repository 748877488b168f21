//! A service calls back. It gets its answer when the callback is in the journal of the job that expects it: the work comes
//! after, so that a slow job makes no service call again and again.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::body;
use super::problem::{Answer, Problem, respond_json};
use super::service::JobService;
use crate::config::WebhookTrigger;
use crate::job::Reception;
use crate::job::journal::Callback;

/// An endpoint that services call back.
pub(super) struct WebhookEndpoint {
    name: String,
    options: WebhookTrigger,
    /// The key of the signature; there is one where the options have a signature.
    key: Option<SecretString>,
    jobs: Arc<dyn JobService>,
}

impl WebhookEndpoint {
    pub fn new(
        name: String,
        options: WebhookTrigger,
        key: Option<SecretString>,
        jobs: &Arc<dyn JobService>,
    ) -> Self {
        Self {
            name,
            options,
            key,
            jobs: Arc::clone(jobs),
        }
    }

    pub async fn answer(
        &self,
        request: Request<Incoming>,
        within: Duration,
    ) -> Result<Answer, Problem> {
        let (head, body) = request.into_parts();
        let payload = body::read(body, self.options.maximum_body_bytes, within).await?;
        self.verify(&head.headers, &payload)?;
        body::require_json_type(&head.headers)?;
        body::require_json(&payload)?;
        let callback = Callback {
            trigger: self.name.clone(),
            correlation: self.correlation(&payload)?,
            delivery: self.delivery(&head.headers, &payload),
            payload: payload.into(),
        };
        let reception = self.jobs.call_back(callback).await;
        match reception.map_err(|error| Problem::of_jobs(&error))? {
            Reception::Accepted => Ok(acknowledged(false)),
            Reception::Repeated => Ok(acknowledged(true)),
            Reception::Unknown => {
                let detail = "nothing waits for this callback";
                Err(Problem::new(
                    StatusCode::NOT_FOUND,
                    "unknown-callback",
                    detail,
                ))
            }
        }
    }

    /// In constant time: how long a refusal takes tells nothing about the right signature.
    fn verify(&self, headers: &HeaderMap, payload: &[u8]) -> Result<(), Problem> {
        let (Some(signature), Some(key)) = (&self.options.signature, &self.key) else {
            return Ok(());
        };
        let header = signature.header.as_str();
        let refused = |what: &str| {
            let detail = format!("the header `{header}` {what}");
            Problem::new(StatusCode::UNAUTHORIZED, "wrong-signature", detail)
        };
        let shown = headers
            .get(header)
            .ok_or_else(|| refused("with the signature of the body is missing"))?;
        let shown = shown
            .to_str()
            .ok()
            .and_then(|shown| shown.strip_prefix(&signature.prefix))
            .and_then(decoded)
            .ok_or_else(|| refused("is not a signature"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
            .map_err(|_| refused("cannot be checked"))?;
        mac.update(payload);
        mac.verify_slice(&shown)
            .map_err(|_| refused("is not the signature of the body"))
    }

    fn correlation(&self, payload: &Bytes) -> Result<String, Problem> {
        let pointer = self.options.correlation.as_str();
        let json: Json = serde_json::from_slice(payload).unwrap_or_default();
        match json.pointer(pointer) {
            Some(Json::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(Json::Number(number)) => Ok(number.to_string()),
            _ => {
                let detail = format!(
                    "the body says at `{pointer}` what it is about, in a string or a number"
                );
                Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "no-correlation",
                    detail,
                ))
            }
        }
    }

    /// What is the same when the same callback is delivered again: what the service says, else the body.
    fn delivery(&self, headers: &HeaderMap, payload: &[u8]) -> String {
        let header = self.options.delivery_header.as_ref();
        let said = header.and_then(|header| headers.get(header.as_str()));
        match said.and_then(|said| said.to_str().ok()) {
            Some(said) => said.to_owned(),
            None => hexadecimal(&Sha256::digest(payload)),
        }
    }
}

fn acknowledged(is_repeated: bool) -> Answer {
    let body = match is_repeated {
        false => json!({ "acknowledged": true }),
        true => json!({ "acknowledged": true, "repeated": true }),
    };
    respond_json(StatusCode::OK, &body)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok())
        .collect()
}
