//! What requests brought about, and how often. A client that sends a request again because it did not see the answer must
//! not bring about the same thing twice; the platform helps it by `Idempotency-Key`, as
//! draft-ietf-httpapi-idempotency-key-header describes it, and counts, so that a test can tell whether it worked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::intercept::Arrival;
use crate::refusal::Refusal;

/// Something that requests brought about: a schedule, an export, a delivery. Requests with the same method, path and
/// idempotency key count as one; without a key, those with the same body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// The HTTP method.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The key that the client gave.
    pub idempotency_key: Option<String>,
    /// The SHA-256 of the first request's body, in lower-case hexadecimal.
    pub body_sha256: String,
    /// What the request that brought it about was answered.
    pub answer: Value,
    /// How often it was brought about. More than one is a doubled effect.
    pub performed: u32,
    /// How many requests were answered with the answer to an earlier one.
    pub repeated: u32,
    /// How many requests were refused because they gave the key of another body.
    pub conflicting: u32,
}

/// An answer that can be given again.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: Value,
}

impl Answer {
    pub fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            location: None,
            body,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let location = self
            .location
            .and_then(|text| HeaderValue::from_str(&text).ok());
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Says that an answer is that to an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What was brought about so far.
#[derive(Debug)]
pub(crate) struct Effects {
    /// Whether a repeated key is answered from memory.
    keys_honoured: bool,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    effects: Vec<Effect>,
    answers: Vec<Answer>,
    places: HashMap<Identity, usize>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    method: String,
    path: String,
    key: Option<String>,
    /// Only where there is no key.
    body_sha256: Option<String>,
}

impl Effects {
    pub fn new(keys_honoured: bool) -> Self {
        Self {
            keys_honoured,
            book: Mutex::default(),
        }
    }

    /// Does what the request asks for, unless a request with the same key did it already. `perform` is told how often the
    /// same thing was done before, which is 0 where keys are honoured and given.
    ///
    /// # Errors
    /// What `perform` refuses, which does not count; 422 for a key that belongs to another body.
    pub fn once(
        &self,
        arrival: &Arrival,
        perform: impl FnOnce(u32) -> Result<Answer, Refusal>,
    ) -> Result<Response, Refusal> {
        // Held while `perform` runs, so that two requests with one key cannot both find nothing.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = Identity::of(arrival);
        let place = book.places.get(&identity).copied();
        if let Some(place) = place
            && self.keys_honoured
            && identity.key.is_some()
        {
            return book.repeat(place, arrival);
        }
        let before = place.map_or(0, |place| book.effects[place].performed);
        let answer = perform(before)?;
        match place {
            Some(place) => book.effects[place].performed += 1,
            None => book.enter(identity, arrival, answer.clone()),
        }
        Ok(answer.into_response())
    }

    pub fn all(&self) -> Vec<Effect> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.effects.clone()
    }
}

impl Book {
    fn repeat(&mut self, place: usize, arrival: &Arrival) -> Result<Response, Refusal> {
        let effect = &mut self.effects[place];
        if effect.body_sha256 != arrival.body_sha256 {
            effect.conflicting += 1;
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "the idempotency key was given with another body before",
            ));
        }
        effect.repeated += 1;
        let mut response = self.answers[place].clone().into_response();
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, yes);
        Ok(response)
    }

    fn enter(&mut self, identity: Identity, arrival: &Arrival, answer: Answer) {
        self.places.insert(identity, self.effects.len());
        self.effects.push(Effect {
            method: arrival.method.clone(),
            path: arrival.path.clone(),
            idempotency_key: arrival.idempotency_key.clone(),
            body_sha256: arrival.body_sha256.clone(),
            answer: answer.body.clone(),
            performed: 1,
            repeated: 0,
            conflicting: 0,
        });
        self.answers.push(answer);
    }
}

impl Identity {
    fn of(arrival: &Arrival) -> Self {
        let key = arrival.idempotency_key.clone();
        Self {
            method: arrival.method.clone(),
            path: arrival.path.clone(),
            body_sha256: key.is_none().then(|| arrival.body_sha256.clone()),
            key,
        }
    }
}
