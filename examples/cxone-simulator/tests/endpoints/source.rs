//! A source of records that a sync pulls, as a pipeline would serve it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// How pages are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As an array.
    Array,
    /// With the digest of their records and the next page's offset.
    Object,
    /// With a digest of something else.
    WrongDigest,
}

#[derive(Debug)]
struct Served {
    records: Vec<Value>,
    form: Form,
    /// The queries that came, and the credentials of the last one.
    queries: Mutex<Vec<String>>,
    credentials: Mutex<String>,
    /// Statuses that come before any answer.
    refusals: Mutex<Vec<u16>>,
}

pub struct Source {
    pub url: String,
    served: Arc<Served>,
}

impl Source {
    pub async fn start(records: Vec<Value>, form: Form, refusals: &[u16]) -> Self {
        let served = Arc::new(Served {
            records,
            form,
            queries: Mutex::default(),
            credentials: Mutex::default(),
            refusals: Mutex::new(refusals.to_vec()),
        });
        let router = Router::new().route("/records", get(page));
        let router = router.with_state(Arc::clone(&served));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/records", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, served }
    }

    pub fn queries(&self) -> Vec<String> {
        self.served.queries.lock().unwrap().clone()
    }

    pub fn credentials(&self) -> String {
        self.served.credentials.lock().unwrap().clone()
    }
}

async fn page(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap();
    served.queries.lock().unwrap().push(query.clone());
    *served.credentials.lock().unwrap() = headers["authorization"].to_str().unwrap().into();
    let refusal = served
        .refusals
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop();
    if let Some(status) = refusal {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let number = |name: &str| -> usize {
        let pair = query
            .split('&')
            .find(|pair| pair.starts_with(name))
            .unwrap();
        pair[name.len() + 1..].parse().unwrap()
    };
    let (limit, offset) = (number("limit"), number("offset"));
    let records: Vec<Value> = served
        .records
        .iter()
        .skip(offset)
        .take(limit)
        .cloned()
        .collect();
    // The members of serde_json's maps are sorted, which makes this text canonical for texts and integers.
    let digest = Sha256::digest(json!(records).to_string());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let next = (offset + limit < served.records.len()).then_some(offset + limit);
    let sha256 = if served.form == Form::Object {
        digest
    } else {
        "0".repeat(64)
    };
    match served.form {
        Form::Array => Json(json!(records)).into_response(),
        Form::Object | Form::WrongDigest => {
            let page = json!({ "records": records, "sha256": sha256, "nextOffset": next });
            Json(page).into_response()
        }
    }
}
