//! What became of records that were sent: only failures are of interest, and of those the first.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as Cause, RDKafkaErrorCode as Rejection};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use rdkafka::statistics::Statistics;

use super::Listener;

/// Listens to a producer. Cloning shares what was heard.
#[derive(Clone, Debug)]
pub(super) struct Deliveries {
    pub(super) listener: Listener,
    first: Arc<Mutex<Option<Undelivered>>>,
    failed: Arc<AtomicBool>,
}

/// A record that was not delivered.
#[derive(Clone, Debug)]
pub(super) struct Undelivered {
    pub(super) topic: String,
    /// Key and value together.
    pub(super) bytes: usize,
    pub(super) cause: Cause,
}

impl Deliveries {
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            listener,
            first: Arc::default(),
            failed: Arc::default(),
        }
    }

    /// The first record that was not delivered.
    pub(super) fn failure(&self) -> Option<Undelivered> {
        if !self.failed.load(Relaxed) {
            return None;
        }
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.listener.log(level, facility, message);
    }

    fn stats(&self, _statistics: Statistics) {}

    fn error(&self, error: Cause, reason: &str) {
        self.listener.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((cause, message)) = result else {
            return;
        };
        let purged = [Rejection::PurgeQueue, Rejection::PurgeInflight];
        if cause
            .rdkafka_error_code()
            .is_some_and(|code| purged.contains(&code))
        {
            return;
        }
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| Undelivered {
            topic: message.topic().to_owned(),
            bytes: message.key_len() + message.payload_len(),
            cause: cause.clone(),
        });
        self.failed.store(true, Relaxed);
    }
}
