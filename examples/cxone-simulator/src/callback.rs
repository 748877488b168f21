//! Callbacks: the platform tells whoever asked for it that work has ended, tries again until it is heard, and, if a fault
//! says so, tells it twice or lets another callback overtake.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::header;
use jiff::Timestamp;
use reqwest::Url;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::digest::hmac_sha256;
use crate::fault::Consequences;
use crate::outbound::Miss;
use crate::platform::{Platform, SharedPlatform};

/// What is to be told to whom.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    /// Of the work that has ended; the idempotency key for the receiver.
    pub id: String,
    pub url: String,
    pub body: Value,
}

/// One attempt to deliver a callback.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackAttempt {
    /// When it was made, in RFC 3339.
    pub time: String,
    /// The sync job or the execution that it is about.
    pub id: String,
    /// Where it went.
    pub url: String,
    /// What it said.
    pub body: Value,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// What was delivered so far.
#[derive(Debug)]
pub(crate) struct Callbacks {
    attempts: Mutex<Vec<CallbackAttempt>>,
    /// How many callbacks were delivered, or given up.
    settled: watch::Sender<u64>,
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            attempts: Mutex::default(),
            settled: watch::Sender::new(0),
        }
    }
}

impl Callbacks {
    /// Delivers from a task of its own.
    pub fn send(&self, platform: &SharedPlatform, callback: Callback, faults: &Consequences) {
        let platform = Arc::clone(platform);
        let times = 1 + u32::from(faults.duplicate_callback);
        let late = faults.late_callback;
        tokio::spawn(async move {
            tokio::select! {
                () = platform.callbacks.deliver(&platform, &callback, times, late) => {}
                () = platform.stopped() => {}
            }
        });
    }

    pub fn attempts(&self) -> Vec<CallbackAttempt> {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.clone()
    }

    async fn deliver(&self, platform: &Platform, callback: &Callback, times: u32, late: bool) {
        if late {
            let mut settled = self.settled.subscribe();
            let overtaken = settled.changed();
            let _ = timeout(platform.options.late_callback_wait, overtaken).await;
        }
        for _ in 0..times {
            let attempt = || self.attempt(platform, callback);
            let _ = platform.outbound.persist(attempt).await;
        }
        self.settled.send_modify(|count| *count += 1);
    }

    async fn attempt(&self, platform: &Platform, callback: &Callback) -> Result<(), Miss> {
        let url = Url::parse(&callback.url).map_err(|error| Miss::ForGood(error.to_string()))?;
        let body = callback.body.to_string();
        let mut request = platform
            .outbound
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", &callback.id);
        if let Some(secret) = &platform.options.webhook_secret {
            let signature = hmac_sha256(secret, body.as_bytes());
            request = request.header("x-webhook-signature", format!("sha256={signature}"));
        }
        let time = Timestamp::now().to_string();
        let answer = request.body(body).send().await;
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.push(CallbackAttempt {
            time,
            id: callback.id.clone(),
            url: callback.url.clone(),
            body: callback.body.clone(),
            status: answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            error: answer.as_ref().err().map(ToString::to_string),
        });
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            // Any other answer may change: whoever does not know the job yet may learn of it.
            Ok(answer) => Err(Miss::ForNow(format!("answered {}", answer.status()))),
            Err(error) => Err(Miss::ForNow(error.to_string())),
        }
    }
}
