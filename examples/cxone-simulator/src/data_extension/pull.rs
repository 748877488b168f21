//! The work of a sync: pulls the source page by page with the credentials that it was given for it, takes the records in,
//! and calls back.
//!
//! A page is asked for by `limit` and `offset`. It is either an array of records, and an empty one is behind the last; or
//! an object with `records`, with the `sha256` of their canonical JSON if the source knows it, and with the `nextOffset`,
//! null on the last page.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::job::SyncJob;
use crate::canonical_json::canonical_sha256;
use crate::fault::Outcome;
use crate::options::Pace;
use crate::outbound::Miss;
use crate::platform::{Platform, SharedPlatform};

/// A source that has more records than this has no end.
const MOST_RECORDS: u64 = 10_000_000;

pub(super) fn start(platform: &SharedPlatform, job: Arc<SyncJob>) {
    let platform = Arc::clone(platform);
    tokio::spawn(async move {
        tokio::select! {
            () = run(&platform, &job) => {}
            () = platform.stopped() => return,
        }
        let callbacks = &platform.callbacks;
        callbacks.send(&platform, job.callback(), &job.consequences);
    });
}

async fn run(platform: &Platform, job: &SyncJob) {
    if job.consequences.outcome == Outcome::Stalls {
        return std::future::pending().await;
    }
    if let Err((kind, message)) = pull(platform, job).await {
        job.add_error(kind, &message);
    }
    job.end();
}

/// What kind of error ended the pulling, and what is told of it.
type PullError = (&'static str, String);

async fn pull(platform: &Platform, job: &SyncJob) -> Result<(), PullError> {
    let mut offset = 0;
    while offset < MOST_RECORDS {
        if let Pace::Every(step) = platform.options.pace {
            tokio::time::sleep(step).await;
        }
        let attempt = || page(platform, job, offset);
        let page = platform.outbound.persist(attempt).await;
        let page = page.map_err(|miss| ("SOURCE_UNAVAILABLE", miss.reason().to_owned()))?;
        let full = job.take(&page.records, platform.options.extension_storage);
        full.map_err(|_| {
            (
                "STORAGE_LIMIT_EXCEEDED",
                "the data extension is full".into(),
            )
        })?;
        match page.next(offset) {
            Some(next) if next > offset => offset = next,
            Some(_) => return Err(("SOURCE_UNAVAILABLE", "nextOffset does not go on".into())),
            None => return Ok(()),
        }
    }
    Err(("STORAGE_LIMIT_EXCEEDED", "the source has no end".into()))
}

#[derive(Debug)]
struct Page {
    records: Vec<Value>,
    /// As the source tells it; the inner one is empty on the last page.
    next_offset: Option<Option<u64>>,
}

impl Page {
    fn next(&self, offset: u64) -> Option<u64> {
        match self.next_offset {
            Some(next) => next,
            None if self.records.is_empty() => None,
            None => Some(offset + self.records.len() as u64),
        }
    }
}

/// A page as it may be sent.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SentPage {
    Array(Vec<Value>),
    Object(PageObject),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageObject {
    records: Vec<Value>,
    sha256: Option<String>,
    #[serde(default, deserialize_with = "some")]
    next_offset: Option<Option<u64>>,
}

/// Tells null, on the last page, from no such member.
fn some<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn page(platform: &Platform, job: &SyncJob, offset: u64) -> Result<Page, Miss> {
    let mut url = job.request.source.clone();
    url.query_pairs_mut()
        .append_pair("limit", &job.request.batch.to_string())
        .append_pair("offset", &offset.to_string());
    let request = platform.outbound.get(url);
    let answer = request
        .bearer_auth(&platform.options.source_token)
        .send()
        .await
        .map_err(|error| Miss::ForNow(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(Miss::of_status(answer.status()));
    }
    // What arrives broken may arrive whole the next time.
    let body = answer.bytes().await;
    let body = body.map_err(|error| Miss::ForNow(error.to_string()))?;
    let sent: SentPage = serde_json::from_slice(&body)
        .map_err(|error| Miss::ForNow(format!("gave no page of records: {error}")))?;
    let (records, sha256, next_offset) = match sent {
        SentPage::Array(records) => (records, None, None),
        SentPage::Object(page) => (page.records, page.sha256, page.next_offset),
    };
    let records = Value::Array(records);
    if sha256.is_some_and(|claimed| claimed != canonical_sha256(&records)) {
        return Err(Miss::ForNow(
            "gave a page that is not what its sha256 says".into(),
        ));
    }
    let records = match records {
        Value::Array(records) => records,
        _ => Vec::new(),
    };
    Ok(Page {
        records,
        next_offset,
    })
}
